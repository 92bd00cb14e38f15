/* SPDX-License-Identifier: Apache-2.0 */
/* A table of objects that are named by 64-bit ids across a door: index and
 * generation. An id of a freed object finds nothing, also when its place has
 * been taken again. Objects keep their address; they begin with a slot_head.
 * Invariants: a free slot's generation is the one its next id will carry; ids
 * are never 0. */
#ifndef MQB_ENGINE_SLOTS_H
#define MQB_ENGINE_SLOTS_H

#include <stddef.h>
#include <stdint.h>

struct slot_head {
	uint32_t index;
	uint32_t gen; /* odd while in use */
};

struct slots {
	size_t item; /* bytes of an object */
	void **chunks;
	size_t n_chunks, cap_chunks;
	uint32_t free_head; /* index + 1; 0: none */
	uint32_t used;      /* indices ever handed out */
	uint32_t live;
};

void slots_init(struct slots *s, size_t item);
void slots_fini(struct slots *s);
/* A zeroed object (but for its head). Never NULL. */
void *slots_new(struct slots *s);
void slots_free(struct slots *s, void *object);
/* NULL: no such object (any more). */
void *slots_find(const struct slots *s, uint64_t id);
/* Iterate live objects: start with *at = 0, NULL at the end. */
void *slots_next(const struct slots *s, uint32_t *at);

static inline uint64_t slot_id(const struct slot_head *h)
{
	return (uint64_t)h->gen << 32 | ((uint64_t)h->index + 1);
}

#endif
