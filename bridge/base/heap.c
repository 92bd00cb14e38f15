/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants: v[i]->at == i + 1; no node's key is below its parent's. */
#include "base/heap.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"

void heap_fini(struct heap *h)
{
	free(h->v);
	*h = (struct heap){0};
}

static void place(struct heap *h, size_t i, struct heap_node *node)
{
	h->v[i] = node;
	node->at = (uint32_t)i + 1;
}

static void sift_up(struct heap *h, size_t i, struct heap_node *node)
{
	while (i > 0) {
		size_t parent = (i - 1) / 2;
		if (h->v[parent]->key <= node->key)
			break;
		place(h, i, h->v[parent]);
		i = parent;
	}
	place(h, i, node);
}

static void sift_down(struct heap *h, size_t i, struct heap_node *node)
{
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= h->n)
			break;
		if (child + 1 < h->n && h->v[child + 1]->key < h->v[child]->key)
			child++;
		if (node->key <= h->v[child]->key)
			break;
		place(h, i, h->v[child]);
		i = child;
	}
	place(h, i, node);
}

void heap_push(struct heap *h, struct heap_node *node, uint64_t key)
{
	must(!heap_has(node) && h->n < UINT32_MAX);
	if (h->n == h->cap)
		h->v = mem_grow(h->v, &h->cap, h->n + 1, sizeof(struct heap_node *));
	node->key = key;
	h->n++;
	sift_up(h, h->n - 1, node);
}

struct heap_node *heap_min(const struct heap *h)
{
	return h->n ? h->v[0] : NULL;
}

void heap_remove(struct heap *h, struct heap_node *node)
{
	if (!heap_has(node))
		return;
	size_t i = node->at - 1;
	must(i < h->n && h->v[i] == node);
	node->at = 0;
	h->n--;
	if (i == h->n)
		return;
	struct heap_node *last = h->v[h->n];
	if (i > 0 && last->key < h->v[(i - 1) / 2]->key)
		sift_up(h, i, last);
	else
		sift_down(h, i, last);
}

struct heap_node *heap_pop(struct heap *h)
{
	struct heap_node *node = heap_min(h);

	if (node)
		heap_remove(h, node);
	return node;
}
