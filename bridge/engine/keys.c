/* SPDX-License-Identifier: Apache-2.0 */
/* Routing keys of a message: the one it is published with, and those that its headers
 * CC and BCC add (rabbitmq.md 2.17). What is no string in them counts for nothing. */
#include "engine/engine_priv.h"

static void key_add(struct keys *k, struct view key)
{
	k->v = mem_grow(k->v, &k->cap, k->n + 1, sizeof(*k->v));
	k->v[k->n++] = key;
}

static void array_add(struct keys *k, const struct value *v)
{
	for (size_t i = 0; v && v->type == VALUE_ARRAY && i < v->table.n; i++)
		if (v->table.v[i].value.type == VALUE_STRING)
			key_add(k, v->table.v[i].value.s);
}

void keys_one(struct keys *k, struct view key)
{
	k->n = 0;
	key_add(k, key);
}

void keys_with_copies(struct keys *k, struct view key, const struct bag *bag)
{
	keys_one(k, key);
	array_add(k, table_find(&bag->headers, VIEW("CC")));
	array_add(k, bag->has & BAG_BCC ? &bag->bcc : NULL);
}

void keys_read(struct engine *e, struct view key, const struct message *m)
{
	const struct codecs *c = e->options.codecs;
	const struct header_codec *codec = c ? c->of[m->raw_kind] : NULL;
	struct bag bag;
	if (codec && codec->decode(m->raw, &e->scratch, &bag))
		keys_with_copies(&e->keys, key, &bag);
	else
		keys_one(&e->keys, key);
	arena_reset(&e->scratch);
}
