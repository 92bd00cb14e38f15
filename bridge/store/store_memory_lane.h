/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of one (queue, lane) of the memory store, ordered by position.
 *
 * A lane is an array of slots from `head` to `n`. Entries nearly always come
 * with a growing position and leave near the front, so adding is a push and
 * removing leaves a hole (entry NULL, position kept for the search); holes are
 * squeezed out when they outnumber the rest. */
#ifndef MQB_STORE_STORE_MEMORY_LANE_H
#define MQB_STORE_STORE_MEMORY_LANE_H

#include "base/message.h"

struct memory_lane;

struct memory_entry {
	struct message *message; /* one reference */
	struct memory_lane *in;
	uint64_t pos;
	uint32_t queue, origin;
	uint8_t lane;
	uint16_t received, delivered, failed;
	int64_t due_ms, deadline_ms;
};

struct memory_slot {
	uint64_t pos;
	struct memory_entry *entry; /* NULL: a hole */
};

struct memory_lane {
	struct memory_slot *slots;
	size_t head, n, cap;
	size_t live;
	struct memory_lane *next_purged;
	bool purged; /* nobody finds its entries any more; they are freed in slices */
};

/* Borrows the entry until it is removed; its position must not be there yet. */
void memory_lane_add(struct memory_lane *l, struct memory_entry *e);
/* The entry of that position must be there. */
void memory_lane_remove(struct memory_lane *l, uint64_t pos);
/* Index of the first slot with a larger position (n: none). */
size_t memory_lane_after(const struct memory_lane *l, uint64_t pos);
void memory_lane_fini(struct memory_lane *l);

#endif
