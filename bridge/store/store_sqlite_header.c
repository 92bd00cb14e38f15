/* SPDX-License-Identifier: Apache-2.0 */
/* What a row keeps of a message beside its body, in one blob.
 *
 * Version 1, numbers in network order:
 *   u8 version, u8 raw kind, u8 priority, u8 flags (1: durable), id[16], i64 sent,
 *   then exchange, key, user, raw: u32 length and bytes each.
 * A later version may add fields behind these; it takes another first byte. */
#include "store/store_sqlite_priv.h"

enum { HEADER_VERSION = 1, FLAG_DURABLE = 1 };

static void add_view(struct buf *b, struct view v)
{
	buf_add_u32(b, (uint32_t)v.n);
	buf_add(b, v);
}

bool sq_header_encode(struct buf *b, const struct message *m)
{
	buf_clear(b);
	buf_add_u8(b, HEADER_VERSION);
	buf_add_u8(b, m->raw_kind);
	buf_add_u8(b, m->priority);
	buf_add_u8(b, m->durable ? FLAG_DURABLE : 0);
	buf_add(b, view_of(m->id, sizeof(m->id)));
	buf_add_u64(b, (uint64_t)m->sent_ms);
	add_view(b, m->exchange);
	add_view(b, m->key);
	add_view(b, m->user);
	add_view(b, m->raw);
	return !b->overflow;
}

static struct view get_view(struct reader *r)
{
	return reader_bytes(r, reader_u32(r));
}

bool sq_header_decode(struct view blob, struct message_spec *spec)
{
	struct reader r = reader_of(blob);
	if (reader_u8(&r) != HEADER_VERSION)
		return false;
	uint8_t raw_kind = reader_u8(&r);
	uint8_t priority = reader_u8(&r);
	uint8_t flags = reader_u8(&r);
	*spec = (struct message_spec){
		.raw_kind = raw_kind,
		.priority = priority,
		.durable = flags & FLAG_DURABLE,
		.id = reader_bytes(&r, 16).p,
	};
	spec->sent_ms = (int64_t)reader_u64(&r);
	spec->exchange = get_view(&r);
	spec->key = get_view(&r);
	spec->user = get_view(&r);
	spec->raw = get_view(&r);
	return !r.bad && raw_kind < RAW_KINDS;
}
