/* SPDX-License-Identifier: Apache-2.0 */
/* The four views' bytes trail the struct in the order of message_spec. */
#include "base/message.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"

static struct view put(uint8_t **at, struct view v)
{
	struct view copy = {*at, v.n};

	if (v.n)
		memcpy(*at, v.p, v.n);
	*at += v.n;
	return copy;
}

struct message *message_new(const struct message_spec *s, struct body *body)
{
	size_t extra = s->exchange.n + s->key.n + s->user.n + s->raw.n;
	struct message *m = malloc(sizeof(*m) + extra);

	if (!m) {
		body_unref(body);
		return NULL;
	}
	*m = (struct message){
		.refs = 1,
		.raw_kind = (uint8_t)s->raw_kind,
		.priority = s->priority,
		.durable = s->durable,
		.has_ttl = s->has_ttl,
		.ttl_ms = s->ttl_ms,
		.sent_ms = s->sent_ms,
		.body = body,
	};
	memcpy(m->id, s->id, sizeof(m->id));
	uint8_t *at = (uint8_t *)(m + 1);
	m->exchange = put(&at, s->exchange);
	m->key = put(&at, s->key);
	m->user = put(&at, s->user);
	m->raw = put(&at, s->raw);
	return m;
}

struct message *message_ref(struct message *m)
{
	must(m->refs > 0 && m->refs < UINT32_MAX);
	m->refs++;
	return m;
}

void message_unref(struct message *m)
{
	if (!m)
		return;
	must(m->refs > 0);
	if (--m->refs)
		return;
	body_unref(m->body);
	free(m);
}

uint64_t message_cost(const struct message *m)
{
	return sizeof(*m) + m->exchange.n + m->key.n + m->user.n + m->raw.n +
	       body_cost(m->body);
}

void message_copy_id(const struct message *m, uint32_t origin, uint8_t out[16])
{
	memcpy(out, m->id, 16);
	/* The last four bytes carry neither version nor variant; times an odd
	 * number is a bijection, so two origins never give one id. */
	be32_put(out + 12, be32_get(out + 12) ^ (origin * 0x9e3779b1u));
}

void uuid_format(const uint8_t id[16], char out[37])
{
	static const char digits[] = "0123456789abcdef";
	char *p = out;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[id[i] >> 4];
		*p++ = digits[id[i] & 15];
	}
	*p = 0;
}
