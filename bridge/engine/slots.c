/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/slots.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"

enum { SLOTS_CHUNK = 256 };

/* A free slot keeps the index of the next free one behind its head. */
struct free_slot {
	struct slot_head head;
	uint32_t next; /* index + 1 */
};

void slots_init(struct slots *s, size_t item)
{
	must(item >= sizeof(struct free_slot));
	*s = (struct slots){.item = (item + 15) & ~(size_t)15};
}

void slots_fini(struct slots *s)
{
	for (size_t i = 0; i < s->n_chunks; i++)
		free(s->chunks[i]);
	free(s->chunks);
	*s = (struct slots){.item = s->item};
}

static struct slot_head *slot_at(const struct slots *s, uint32_t index)
{
	char *chunk = s->chunks[index / SLOTS_CHUNK];
	return (struct slot_head *)(void *)(chunk + (size_t)(index % SLOTS_CHUNK) * s->item);
}

static struct slot_head *slot_fresh(struct slots *s)
{
	uint32_t index = s->used++;
	if (index / SLOTS_CHUNK == s->n_chunks) {
		s->chunks = mem_grow(s->chunks, &s->cap_chunks, s->n_chunks + 1, sizeof(*s->chunks));
		s->chunks[s->n_chunks++] = mem_zalloc(SLOTS_CHUNK * s->item);
	}
	struct slot_head *h = slot_at(s, index);
	h->index = index;
	return h;
}

void *slots_new(struct slots *s)
{
	struct slot_head *h;
	if (s->free_head) {
		h = slot_at(s, s->free_head - 1);
		s->free_head = ((struct free_slot *)h)->next;
		memset(h + 1, 0, s->item - sizeof(*h));
	} else {
		h = slot_fresh(s);
	}
	h->gen++;
	s->live++;
	return h;
}

void slots_free(struct slots *s, void *object)
{
	struct slot_head *h = object;
	must(h->gen & 1);
	h->gen++;
	((struct free_slot *)object)->next = s->free_head;
	s->free_head = h->index + 1;
	s->live--;
}

void *slots_find(const struct slots *s, uint64_t id)
{
	uint32_t index = (uint32_t)id - 1;
	if ((uint32_t)id == 0 || index >= s->used)
		return NULL;
	struct slot_head *h = slot_at(s, index);
	return (h->gen & 1) && h->gen == (uint32_t)(id >> 32) ? h : NULL;
}

void *slots_next(const struct slots *s, uint32_t *at)
{
	while (*at < s->used) {
		struct slot_head *h = slot_at(s, (*at)++);
		if (h->gen & 1)
			return h;
	}
	return NULL;
}
