/* SPDX-License-Identifier: Apache-2.0 */
/* Between rabbitmq-c's codec and our own types. rabbitmq-c trusts the depth and
 * the lengths of nested tables (rabbitmq.md §10), so nothing of a peer's reaches
 * it before table_guard or layout_check has walked it. */
#ifndef MQB_AMQP_V091_CODEC_PRIV_H
#define MQB_AMQP_V091_CODEC_PRIV_H

#include <amqp.h>
#include <amqp_framing.h>

#include "base/header_codec.h"

enum { V091_TABLE_DEPTH_MAX = 100, SHORTSTR_MAX = 255 };

enum guard { GUARD_OK, GUARD_BAD, GUARD_DEEP, GUARD_TEXT };

/* Takes a table with its length off the front of the reader, after checking
 * that every value lies in its table, is of a known kind and not nested too deep. */
enum guard v091_table_guard(struct reader *r);

/* A guarded table, length included, has a field of that name at its top level. */
bool v091_table_has(struct view guarded, struct view name);

/* Field letters of a method's arguments: o octet or bits, h short, l long,
 * L long long, s short string, b short string of any octets, S long string, T
 * table. GUARD_BAD also when octets are left over; GUARD_TEXT: an s is not UTF-8. */
enum guard v091_layout_check(const char *layout, struct view arguments);

static inline struct view view_in(amqp_bytes_t b)
{
	return (struct view){b.bytes, b.len};
}

static inline amqp_bytes_t bytes_out(struct view v)
{
	return (amqp_bytes_t){v.n, (void *)(uintptr_t)v.p};
}

/* Views alias what was decoded; arrays lie in the arena. The table was guarded. */
struct table v091_table_in(const amqp_table_t *t, struct arena *a);
/* Entries lie in the pool. false: a key over 255 octets, an unknown kind, too deep. */
bool v091_table_out(const struct table *t, amqp_pool_t *pool, amqp_table_t *out);
/* Octets that an encoded table takes, its length included. */
size_t v091_table_room(const struct table *t);

/* What the broker itself looks at in a content header, and where. */
struct properties {
	uint8_t delivery_mode, priority; /* 0: absent */
	bool has_expiration, has_user_id, carbon_copies;
	struct view expiration, user_id, reply_to;
};

/* raw: flags and properties. GUARD_BAD: malformed; nothing in it is unsafe to decode later. */
enum guard v091_properties_scan(struct view raw, struct properties *out);

#endif
