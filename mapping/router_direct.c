/* SPDX-License-Identifier: Apache-2.0 */
/* Direct: exact key (rabbitmq.md 2.12), a hash from key to the bindings of it. */
#include <stdlib.h>

#include "base/arena.h"
#include "mapping/router_priv.h"

struct bucket {
	struct places places;
	struct view key; /* lies behind the struct */
};

static struct bucket *bucket_new(struct view key)
{
	struct bucket *k = mem_zalloc(sizeof *k + key.n);
	if (key.n)
		memcpy(k + 1, key.p, key.n);
	k->key = view_of(k + 1, key.n);
	return k;
}

static void bucket_free(struct bucket *k)
{
	free(k->places.v);
	free(k);
}

void direct_add(struct router *r, struct binding *b)
{
	struct bucket *k = mapv_find(&r->buckets, b->key);
	if (!k) {
		k = bucket_new(b->key);
		mapv_put(&r->buckets, k->key, k);
	}
	b->where = k;
	places_add(&k->places, b);
}

void direct_remove(struct router *r, struct binding *b)
{
	struct bucket *k = b->where;
	places_remove(&k->places, b);
	if (k->places.n)
		return;
	mapv_remove(&r->buckets, k->key);
	bucket_free(k);
}

void direct_match(const struct router *r, struct router_cursor *c)
{
	struct bucket *k = mapv_find(&r->buckets, c->key);
	if (k)
		places_found(&k->places, c);
}

void direct_fini(struct router *r)
{
	size_t at = 0;
	struct bucket *k;
	while ((k = mapv_next(&r->buckets, &at)))
		bucket_free(k);
	mapv_fini(&r->buckets);
}
