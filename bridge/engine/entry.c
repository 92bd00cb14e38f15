/* SPDX-License-Identifier: Apache-2.0 */
/* Entries: a message in a queue. They come into being when published or loaded
 * and go through one door, entry_out, whoever removes them. */
#include "engine/engine_priv.h"

enum { ENTRY_SLAB = 128, ALLOCATED_BESIDE = 64 /* a body's struct, two allocations */ };

static void entries_refill(struct engine *e)
{
	struct entry *slab = arena_alloc(&e->slabs, ENTRY_SLAB * sizeof(*slab));
	for (int i = 0; i < ENTRY_SLAB; i++) {
		slab[i].link.next = (struct link *)e->free_entries;
		e->free_entries = &slab[i];
	}
}

/* A message counts once, however many entries hold it. */
static uint64_t resident_cost(const struct message *m)
{
	return message_cost(m) + ALLOCATED_BESIDE;
}

static void resident_add(struct engine *e, struct message *m)
{
	e->resident_bytes += sizeof(struct entry);
	if (m->entries++ == 0)
		e->resident_bytes += resident_cost(m);
	if (e->resident_bytes > e->options.resident_high_bytes)
		e->crowded = true;
}

static void resident_remove(struct engine *e, struct message *m)
{
	e->resident_bytes -= sizeof(struct entry);
	if (--m->entries == 0)
		e->resident_bytes -= resident_cost(m);
	if (e->resident_bytes < e->options.resident_low_bytes)
		e->crowded = false;
}

struct entry *entry_new(struct queue *q, struct message *m, uint64_t pos)
{
	struct engine *e = q->engine;
	if (!e->free_entries)
		entries_refill(e);
	struct entry *en = e->free_entries;
	e->free_entries = (struct entry *)en->link.next;
	memset(en, 0, sizeof(*en));
	en->queue = q;
	en->message = message_ref(m);
	en->pos = pos;
	e->counters.entries++;
	resident_add(e, m);
	return en;
}

static void entry_free(struct entry *en)
{
	struct engine *e = en->queue->engine;
	if (en->indexed)
		map64_remove(&e->by_pos, en->pos);
	resident_remove(e, en->message);
	message_unref(en->message);
	en->link.next = (struct link *)e->free_entries;
	e->free_entries = en;
	e->counters.entries--;
}

void entry_index(struct entry *en)
{
	if (en->indexed)
		return;
	map64_put(&en->queue->engine->by_pos, en->pos, en);
	en->indexed = true;
}

void entry_finish(struct entry *en, bool ok)
{
	struct publish *p = en->publish;
	if (!p)
		return;
	en->publish = NULL;
	publish_finish(en->queue->engine, p, ok ? STORE_OK : STORE_FAILED);
}

static void entry_leave_place(struct entry *en)
{
	struct queue *q = en->queue;
	switch ((enum entry_state)en->state) {
	case ENTRY_READY:
		lane_take_out(en);
		q->n_ready--;
		return;
	case ENTRY_DELAYED:
		heap_remove(&q->due, &en->due);
		queue_due_rearm(q);
		q->n_delayed--;
		return;
	case ENTRY_LEASED:
		/* Its owner keeps a ghost and settles it in silence (engine.md §1). */
		if (en->lease)
			en->lease->entry = NULL;
		list_remove(&en->link);
		q->n_leased--;
		return;
	case ENTRY_PENDING:
		list_remove(&en->link);
		q->n_pending--;
		return;
	case ENTRY_STATES:
		break;
	}
	must(false);
}

/* What the store and the publisher have to learn. covered: a purge does it. */
static void entry_leave_store(struct entry *en, bool covered)
{
	struct queue *q = en->queue;
	if (en->stored == STORED_NEVER || en->stored == STORED_REMOTE)
		return;
	if (!en->uncounted) {
		if (en->state == ENTRY_DELAYED || (en->state == ENTRY_PENDING && en->due_ms))
			q->stored_delayed--;
		queue_stored(q, en->message, -1);
	}
	if (en->stored == STORED_UNSENT && !en->uncounted && en->state != ENTRY_PENDING) {
		journal_cancel(en);
		return;
	}
	if (en->stored != STORED_YES)
		dest_forget(en->dest);
	if (!covered)
		journal_remove(q, en->pos);
	if (q->lane.loading)
		lane_gone(q, en->pos);
}

void entry_unsent(struct entry *en)
{
	struct queue *q = en->queue;
	if (en->stored == STORED_NEVER)
		return;
	must(en->stored == STORED_UNSENT && en->state == ENTRY_PENDING);
	q->stored_delayed -= en->due_ms ? 1 : 0;
	queue_stored(q, en->message, -1);
	en->stored = STORED_NEVER;
	en->dest = NULL;
}

static void entry_out(struct entry *en, enum removal why, bool covered)
{
	struct queue *q = en->queue;
	entry_leave_store(en, covered);
	entry_leave_place(en);
	q->bytes -= message_cost(en->message);
	q->out[why]++;
	entry_finish(en, why != REMOVED_FAILED);
	entry_free(en);
}

void entry_remove(struct entry *en, enum removal why)
{
	entry_out(en, why, false);
}

void entry_drop(struct entry *en, enum removal why)
{
	entry_out(en, why, true);
}
