/* SPDX-License-Identifier: Apache-2.0 */
/* A topic's router: which destinations a routing key reaches. A value owned by
 * its topic; destinations are opaque 64-bit ids. Cost grows with what matches,
 * not with how many bindings exist: direct is a hash, topic a trie over words,
 * headers an inverted index (rabbitmq.md 2.12–2.15). Identity of a binding = (key,
 * arguments, destination); adding twice is a no-op that answers false. Arguments
 * are the same when each has the same wire type and value, in any order; RabbitMQ
 * 3.10 does the same, measured. */
#ifndef MQB_MAPPING_ROUTER_H
#define MQB_MAPPING_ROUTER_H

#include "base/value.h"
#include "base/view.h"

/* ROUTER_HASH: one destination, by the octets given as key; a destination's share is the
 * number that its oldest binding has for a key (rabbitmq.md 2.19). ROUTER_RANDOM matches
 * nothing by itself: router_pick. */
enum router_kind { ROUTER_DIRECT, ROUTER_FANOUT, ROUTER_TOPIC, ROUTER_HEADERS, ROUTER_HASH, ROUTER_RANDOM };

struct router;

struct router *router_new(enum router_kind kind);
void router_free(struct router *r);
enum router_kind router_kind(const struct router *r);
/* Copies key and arguments. */
bool router_add(struct router *r, struct view key, const struct table *arguments, uint64_t destination);
bool router_remove(struct router *r, struct view key, const struct table *arguments, uint64_t destination);
/* Removes every binding to it; returns how many there were. */
size_t router_remove_destination(struct router *r, uint64_t destination);
size_t router_bindings(const struct router *r);
bool router_reaches(const struct router *r, uint64_t destination);

/* Destinations that match, each at least once (a topic or headers router may name
 * one more than once: the caller visits each once). Fills up to `max` from the cursor on;
 * returns how many; 0 at the end. The cursor holds a copy of the ids, so the
 * router may change or go between calls of router_next. Matching allocates only
 * while the cursor's array (and the router's scratch) still grows. */
struct router_cursor {
	const struct router *router;
	struct view key;
	const struct table *headers; /* headers router only; NULL: as an empty table */
	/* the router's own */
	uint64_t *found;
	size_t n, cap, at;
};
void router_match(const struct router *r, struct view key, const struct table *headers,
		  struct router_cursor *c /* zeroed by the caller once; reusable */);
size_t router_next(struct router_cursor *c, uint64_t *out, size_t max);
void router_cursor_fini(struct router_cursor *c);

/* ROUTER_RANDOM: where the nth of its bindings leads, n < router_bindings. */
uint64_t router_pick(const struct router *r, size_t n);

/* Iterate bindings, any order; for definitions, listing and export. */
void router_each(const struct router *r,
		 void (*each)(void *ctx, struct view key, const struct table *arguments, uint64_t destination),
		 void *ctx);

/* The bindings of one destination. */
void router_each_to(const struct router *r, uint64_t destination,
		    void (*each)(void *ctx, struct view key, const struct table *arguments), void *ctx);

/* Arguments as bindings keep them: a deep copy in one allocation (t.v; NULL when
 * empty), sorted by name, those of one name in their order; what RabbitMQ holds for
 * the same has one form ('L' as 'l', one zero). */
struct table arguments_copy(const struct table *t);
void arguments_free(struct table *t);

#endif
