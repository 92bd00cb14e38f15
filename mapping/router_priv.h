/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the router: what router.c, router_direct.c, router_topic.c,
 * router_headers.c and router_arguments.c share.
 *
 * Invariants
 *  1. A binding is in exactly three places at once: in `identity`, in its target's
 *     list, and, but for fanout and hash, in the `places` of one bucket (direct), one
 *     node (topic) or the router (random), or in the index of headers (router_headers.c).
 *  2. A target exists as long as it has a binding; `targets` is dense.
 *  3. A bucket exists as long as it has a binding; a node other than the root as
 *     long as it has a binding or a child.
 * The router owns all of them. */
#ifndef MQB_MAPPING_ROUTER_PRIV_H
#define MQB_MAPPING_ROUTER_PRIV_H

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "mapping/router.h"

struct target {
	uint64_t id;
	size_t at; /* in router.targets */
	struct link bindings;
};

struct binding {
	struct link of_target;
	struct target *target;
	struct table arguments; /* sorted by name; owned, one allocation */
	void *where;            /* bucket, node or conditions */
	size_t at;              /* in the places of `where` */
	struct view identity;   /* destination, key, arguments as bytes; lies behind the struct */
	struct view key;        /* a part of identity */
};

/* Bindings that lie at one place, destinations side by side for matching. */
struct places {
	struct place {
		uint64_t destination;
		struct binding *binding;
	} *v;
	size_t n, cap;
};

struct node;
struct headers_index;

/* The scratch of matching: sets of active nodes, kept so that matching does
 * not allocate once they have grown. */
struct topic_scratch {
	struct node **now, **next;
	size_t now_cap, next_cap;
	uint64_t step;  /* stamps node.step */
	uint64_t match; /* stamps node.match */
};

struct router {
	enum router_kind kind;
	size_t n;             /* bindings */
	struct mapv identity; /* struct binding */
	struct map64 by_id;   /* struct target */
	struct target **targets;
	size_t n_targets, cap_targets;
	struct mapv buckets;  /* direct: struct bucket by key */
	struct node *root;    /* topic */
	struct topic_scratch scratch;
	struct headers_index *headers; /* headers */
	struct places all;    /* random: every binding */
};

void places_add(struct places *p, struct binding *b);
void places_remove(struct places *p, struct binding *b);
void places_found(const struct places *p, struct router_cursor *c);
/* Room for n more ids in the cursor. */
uint64_t *cursor_room(struct router_cursor *c, size_t n);

void direct_add(struct router *r, struct binding *b);
void direct_remove(struct router *r, struct binding *b);
void direct_match(const struct router *r, struct router_cursor *c);
void direct_fini(struct router *r);

void topic_init(struct router *r);
void topic_add(struct router *r, struct binding *b);
void topic_remove(struct router *r, struct binding *b);
void topic_match(struct router *r, struct router_cursor *c);
void topic_fini(struct router *r);

void headers_init(struct router *r);
void headers_add(struct router *r, struct binding *b);
void headers_remove(struct router *r, struct binding *b);
void headers_match(struct router *r, struct router_cursor *c);
/* Also takes all bindings out of the index. */
void headers_fini(struct router *r);

void hash_match(const struct router *r, struct router_cursor *c);

/* x-match of a binding, and which of its arguments are conditions. */
struct headers_rule {
	bool any, with_x;
};
struct headers_rule headers_rule_of(const struct table *arguments);
bool headers_rule_takes(const struct headers_rule *rule, struct view name);

/* Appends bytes that are equal exactly when two copies (arguments_copy) have the
 * same fields with the same types and values. */
void arguments_identity(struct buf *out, const struct table *t);
/* Appends bytes that are equal exactly when RabbitMQ's headers exchange takes two
 * values for the same: numbers and times by value whatever their kind, strings and
 * bytes alike, what lies inside arrays and tables with its type. Not for VALUE_VOID. */
void value_matched_as(struct buf *out, const struct value *v);

#endif
