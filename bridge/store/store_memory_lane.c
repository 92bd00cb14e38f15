/* SPDX-License-Identifier: Apache-2.0 */
/* Ordered slots of one lane; see the header. */
#include "store/store_memory_lane.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"

enum { HOLES_MIN = 64 }; /* fewer are not worth a squeeze */

size_t memory_lane_after(const struct memory_lane *l, uint64_t pos)
{
	size_t low = l->head, high = l->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (l->slots[mid].pos > pos)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static void squeeze(struct memory_lane *l)
{
	size_t to = 0;
	for (size_t i = l->head; i < l->n; i++)
		if (l->slots[i].entry)
			l->slots[to++] = l->slots[i];
	l->head = 0;
	l->n = to;
}

void memory_lane_add(struct memory_lane *l, struct memory_entry *e)
{
	e->in = l;
	if (l->n == l->cap && l->head > l->n / 2)
		squeeze(l);
	if (l->n == l->cap)
		l->slots = mem_grow(l->slots, &l->cap, l->n + 1, sizeof(*l->slots));
	size_t at = l->n;
	if (l->n > l->head && l->slots[l->n - 1].pos >= e->pos)
		at = memory_lane_after(l, e->pos);
	if (at > l->head && l->slots[at - 1].pos == e->pos) { /* its own old hole */
		must(!l->slots[at - 1].entry);
		l->slots[at - 1].entry = e;
		l->live++;
		return;
	}
	memmove(l->slots + at + 1, l->slots + at, (l->n - at) * sizeof(*l->slots));
	l->slots[at] = (struct memory_slot){e->pos, e};
	l->n++;
	l->live++;
}

void memory_lane_remove(struct memory_lane *l, uint64_t pos)
{
	size_t at = memory_lane_after(l, pos);
	must(at > l->head && l->slots[at - 1].pos == pos && l->slots[at - 1].entry);
	l->slots[at - 1].entry = NULL;
	l->live--;
	while (l->head < l->n && !l->slots[l->head].entry)
		l->head++;
	size_t holes = l->n - l->head - l->live;
	if (l->head == l->n)
		l->head = l->n = 0;
	else if (holes > HOLES_MIN && holes > l->live)
		squeeze(l);
}

void memory_lane_fini(struct memory_lane *l)
{
	free(l->slots);
	*l = (struct memory_lane){0};
}
