/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing with linear probing. Invariants, for both maps:
 *  1. an item lies at its home slot or behind it, with no free slot between
 *  2. at most 7 in 10 slots are taken; a removal that leaves fewer than 1 in 8
 *     shrinks the table, so that walking it costs what it holds
 * Removal moves later items back instead of leaving a mark (Knuth 6.4, R). */
#include "base/map.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"

enum { MAP_CAP_MIN = 16 };

/* The capacity a table of `cap` slots should have for n items. */
static size_t cap_for(size_t cap, size_t n)
{
	if (cap < MAP_CAP_MIN)
		cap = MAP_CAP_MIN;
	while (n * 10 > cap * 7)
		cap *= 2;
	while (cap > MAP_CAP_MIN && n * 8 < cap)
		cap /= 2;
	return cap;
}

/* May the item whose home is `home`, lying at `from`, move to the free slot
 * `to`? Yes unless its home lies cyclically in (to, from]. */
static bool may_move(size_t home, size_t from, size_t to, size_t mask)
{
	return ((from - home) & mask) >= ((from - to) & mask);
}

void map64_fini(struct map64 *m)
{
	free(m->slots);
	*m = (struct map64){0};
}

/* Where key is, or the free slot where it would go; needs a table. */
static size_t map64_slot(const struct map64 *m, uint64_t key)
{
	size_t mask = m->cap - 1;
	size_t i = hash_u64(key) & mask;

	while (m->slots[i].value && m->slots[i].key != key)
		i = (i + 1) & mask;
	return i;
}

static void map64_resize(struct map64 *m, size_t cap)
{
	struct map64 old = *m;

	m->slots = mem_zalloc(cap * sizeof(*m->slots));
	m->cap = cap;
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].value)
			m->slots[map64_slot(m, old.slots[i].key)] = old.slots[i];
	free(old.slots);
}

void *map64_find(const struct map64 *m, uint64_t key)
{
	return m->n ? m->slots[map64_slot(m, key)].value : NULL;
}

void map64_put(struct map64 *m, uint64_t key, void *value)
{
	must(value);
	if ((m->n + 1) * 10 > m->cap * 7)
		map64_resize(m, cap_for(m->cap, m->n + 1));
	struct map64_slot *s = &m->slots[map64_slot(m, key)];
	if (!s->value)
		m->n++;
	*s = (struct map64_slot){key, value};
}

void *map64_remove(struct map64 *m, uint64_t key)
{
	if (m->n == 0)
		return NULL;
	size_t mask = m->cap - 1;
	size_t gap = map64_slot(m, key);
	void *held = m->slots[gap].value;
	if (!held)
		return NULL;
	for (size_t i = (gap + 1) & mask; m->slots[i].value; i = (i + 1) & mask) {
		if (may_move(hash_u64(m->slots[i].key) & mask, i, gap, mask)) {
			m->slots[gap] = m->slots[i];
			gap = i;
		}
	}
	m->slots[gap] = (struct map64_slot){0};
	m->n--;
	if (m->cap > MAP_CAP_MIN && m->n * 8 < m->cap)
		map64_resize(m, cap_for(m->cap / 2, m->n));
	return held;
}

void *map64_next(const struct map64 *m, size_t *at, uint64_t *key)
{
	for (; *at < m->cap; ++*at) {
		const struct map64_slot *s = &m->slots[*at];
		if (!s->value)
			continue;
		++*at;
		if (key)
			*key = s->key;
		return s->value;
	}
	return NULL;
}

void mapv_fini(struct mapv *m)
{
	free(m->slots);
	*m = (struct mapv){0};
}

static size_t mapv_slot(const struct mapv *m, struct view key, uint64_t hash)
{
	size_t mask = m->cap - 1;
	size_t i = hash & mask;

	while (m->slots[i].value &&
	       !(m->slots[i].hash == hash && view_eq(m->slots[i].key, key)))
		i = (i + 1) & mask;
	return i;
}

static void mapv_resize(struct mapv *m, size_t cap)
{
	struct mapv old = *m;

	m->slots = mem_zalloc(cap * sizeof(*m->slots));
	m->cap = cap;
	for (size_t i = 0; i < old.cap; i++) {
		const struct mapv_slot *s = &old.slots[i];
		if (s->value)
			m->slots[mapv_slot(m, s->key, s->hash)] = *s;
	}
	free(old.slots);
}

void *mapv_find(const struct mapv *m, struct view key)
{
	return m->n ? m->slots[mapv_slot(m, key, hash_view(key))].value : NULL;
}

void mapv_put(struct mapv *m, struct view key, void *value)
{
	uint64_t hash = hash_view(key);

	must(value);
	if ((m->n + 1) * 10 > m->cap * 7)
		mapv_resize(m, cap_for(m->cap, m->n + 1));
	struct mapv_slot *s = &m->slots[mapv_slot(m, key, hash)];
	if (!s->value)
		m->n++;
	*s = (struct mapv_slot){key, hash, value};
}

void *mapv_remove(struct mapv *m, struct view key)
{
	if (m->n == 0)
		return NULL;
	size_t mask = m->cap - 1;
	size_t gap = mapv_slot(m, key, hash_view(key));
	void *held = m->slots[gap].value;
	if (!held)
		return NULL;
	for (size_t i = (gap + 1) & mask; m->slots[i].value; i = (i + 1) & mask) {
		if (may_move(m->slots[i].hash & mask, i, gap, mask)) {
			m->slots[gap] = m->slots[i];
			gap = i;
		}
	}
	m->slots[gap] = (struct mapv_slot){0};
	m->n--;
	if (m->cap > MAP_CAP_MIN && m->n * 8 < m->cap)
		mapv_resize(m, cap_for(m->cap / 2, m->n));
	return held;
}

void *mapv_next(const struct mapv *m, size_t *at)
{
	for (; *at < m->cap; ++*at)
		if (m->slots[*at].value)
			return m->slots[(*at)++].value;
	return NULL;
}
