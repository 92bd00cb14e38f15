/* SPDX-License-Identifier: Apache-2.0 */
/* Binary min-heap of intrusive nodes with a back-index, so that any node can be
 * removed in O(log n). Keys are unsigned 64-bit; equal keys come out in any
 * order. The heap owns its array only. */
#ifndef MQB_BASE_HEAP_H
#define MQB_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	uint64_t key;
	uint32_t at; /* index + 1; 0: in no heap */
};

struct heap {
	struct heap_node **v;
	size_t n, cap;
};

#define HEAP_ENTRY(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

void heap_fini(struct heap *h); /* a zeroed struct is an empty heap */
void heap_push(struct heap *h, struct heap_node *node, uint64_t key);
struct heap_node *heap_min(const struct heap *h); /* NULL: empty */
struct heap_node *heap_pop(struct heap *h);
void heap_remove(struct heap *h, struct heap_node *node); /* no-op when in none */

static inline bool heap_has(const struct heap_node *node)
{
	return node->at != 0;
}

#endif
