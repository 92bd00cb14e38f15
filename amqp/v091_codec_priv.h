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

/* The first field of that name at the top level of a guarded table (length included):
 * the kind of its value, 0 without one; *field (may be NULL): its octets. */
uint8_t v091_table_field(struct view guarded, struct view name, struct view *field);

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
	bool has_expiration, has_user_id;
	uint8_t cc, bcc; /* kinds of these headers; 0: absent */
	struct view expiration, user_id, reply_to;
	struct view headers, bcc_field; /* octets: the table with its length; header BCC in it */
};

/* raw: flags and properties. GUARD_BAD: malformed; nothing in it is unsafe to decode later. */
enum guard v091_properties_scan(struct view raw, struct properties *out);

/* Appends raw with another reply_to in place of the one that was scanned. */
void v091_reply_to_put(struct view raw, const struct properties *p, struct view reply_to, struct buf *out);

/* Readers must not see header BCC (rabbitmq.md 2.17). It stays in the octets that are
 * kept, for dead letters need its keys, and a flag that 0-9-1 leaves unused says so. */
enum { V091_FLAG_BCC = 2 };

static inline bool v091_bcc_hidden(struct view raw)
{
	return raw.n >= 2 && raw.p[1] & V091_FLAG_BCC;
}

/* Appends what a reader gets of octets with that flag. */
void v091_bcc_strip(struct view raw, struct buf *out);

#endif
