/* SPDX-License-Identifier: Apache-2.0 */
/* Consistent hashing (rabbitmq.md 2.19) by weighted rendezvous: every destination
 * draws a number from the octets and its own id, scaled by its weight, and the least
 * one wins. Shares are as the weights; who comes or goes takes or leaves its own share
 * and moves nothing between the others. No table to keep: a publish looks at each
 * destination once. The numbers are the same in every process. */
#include <math.h>

#include "mapping/router_priv.h"

static uint64_t mix(uint64_t v)
{
	v ^= v >> 33;
	v *= UINT64_C(0xff51afd7ed558ccd);
	v ^= v >> 33;
	v *= UINT64_C(0xc4ceb9fe1a85ec53);
	return v ^ v >> 33;
}

static uint64_t fnv(struct view v)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < v.n; i++)
		h = (h ^ v.p[i]) * UINT64_C(0x100000001b3);
	return mix(h);
}

/* Of a key that binding_key_check took; 1 for one that was bound before the type was this. */
static double weight_of(struct view key)
{
	double w = 0;
	for (size_t i = 0; i < key.n; i++)
		if (key.p[i] >= '0' && key.p[i] <= '9')
			w = w * 10 + (key.p[i] - '0');
	return w >= 1 ? w : 1;
}

static double draw(uint64_t hash, const struct target *t)
{
	const struct binding *oldest = LIST_ENTRY(list_first(&t->bindings), struct binding, of_target);
	double u = ((double)(mix(hash ^ mix(t->id + 1)) >> 11) + 0.5) / (double)(UINT64_C(1) << 53);
	return -log(u) / weight_of(oldest->key);
}

void hash_match(const struct router *r, struct router_cursor *c)
{
	uint64_t hash = fnv(c->key);
	size_t best = 0;
	double least = INFINITY;
	for (size_t i = 0; i < r->n_targets; i++) {
		double d = draw(hash, r->targets[i]);
		if (d < least) {
			least = d;
			best = i;
		}
	}
	*cursor_room(c, 1) = r->targets[best]->id;
	c->n++;
}
