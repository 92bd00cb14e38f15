/* SPDX-License-Identifier: Apache-2.0 */
#include "declare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "mapping/table_codec.h"

void declare_with(struct peer *p, const char *name, const struct table *arguments)
{
	engine_queue_declare(p->rig->engine, p->session, ++p->cmd,
			     &(struct queue_spec){.name = view_str(name), .durable = true, .arguments = arguments});
	assert_int_equal(peer_next(p)->code, CODE_OK);
}

static bool decode(struct view raw, struct arena *a, struct bag *out)
{
	*out = (struct bag){.has = BAG_HEADERS};
	if (raw.n && !table_decode(raw, a, &out->headers))
		return false;
	const struct value *v = table_find(&out->headers, VIEW("expiration"));
	if (v) {
		out->has |= BAG_EXPIRATION;
		out->expiration = v->s;
	}
	struct table *t = &out->headers;
	if (t->n && view_is(t->v[t->n - 1].name, "BCC")) {
		out->has |= BAG_BCC;
		out->bcc = t->v[--t->n].value;
	}
	return true;
}

static bool encode(const struct bag *bag, struct buf *out)
{
	struct field v[16];
	struct table t = {v, bag->headers.n};
	assert_true(t.n < 16);
	if (t.n)
		memcpy(v, bag->headers.v, t.n * sizeof(*v));
	if (bag->has & BAG_BCC)
		v[t.n++] = (struct field){VIEW("BCC"), bag->bcc};
	return table_encode(&t, out);
}

static const struct header_codec table_codec = {decode, encode};
const struct codecs table_codecs = {{[RAW_AMQP091] = &table_codec}};

const struct engine_options *codec_options(void)
{
	static struct engine_options o;
	engine_options_default(&o);
	o.codecs = &table_codecs;
	return &o;
}

bool death_of(struct view raw, const char *member, char text[64])
{
	struct arena a;
	struct bag bag;
	arena_init(&a);
	bool ok = decode(raw, &a, &bag);
	const struct value *v = ok ? table_find(&bag.headers, VIEW("x-death")) : NULL;
	const struct field *newest = v && v->table.n ? v->table.v : NULL;
	if (newest) {
		const struct table event = {newest->value.table.v, newest->value.table.n};
		v = table_find(&event, view_str(member));
		snprintf(text, 64, "%.*s", v && v->type == VALUE_STRING ? (int)v->s.n : 0, v ? (const char *)v->s.p : "");
	}
	arena_fini(&a);
	return newest != NULL;
}

uint64_t ready_in(struct rig *r, const char *queue)
{
	struct queue_stat st;
	rig_settle(r);
	assert_true(engine_queue_stat(r->engine, VIEW("/"), view_str(queue), &st));
	return st.ready;
}
