/* SPDX-License-Identifier: Apache-2.0 */
/* Taking everything out of a queue at once: purge and deletion. What is resident
 * goes entry by entry; what only the store has goes by one operation, and a page
 * of it that is on its way already is known by its positions (purged_upto). */
#include <stdlib.h>

#include "engine/engine_priv.h"

static void list_drop(struct link *head, enum removal why)
{
	LIST_EACH(head, k)
		entry_drop(LIST_ENTRY(k, struct entry, link), why);
}

static void leased_drop(struct queue *q, enum removal why)
{
	LIST_EACH(&q->leased, k) {
		struct lease *l = LIST_ENTRY(k, struct entry, link)->lease;
		entry_drop(LIST_ENTRY(k, struct entry, link), why);
		if (!l->session)
			lease_end(l); /* a ReceiveMessage's: nobody settles its ghost */
	}
}

/* What only the store has. */
static void unread_drop(struct queue *q, enum removal why, bool keep_delayed)
{
	struct lane *l = &q->lane;
	uint64_t delayed = keep_delayed ? 0 : q->n_delayed, n = l->behind_n + delayed;
	q->out[why] += n;
	q->n_ready -= l->behind_n;
	q->n_delayed -= delayed;
	q->stored_n -= n;
	q->stored_delayed -= delayed;
	l->behind_n = l->behind_body = l->load_arrivals = 0;
	l->unread = false;
	l->purged_upto = q->engine->next_pos - 1;
	if (!keep_delayed)
		q->delayed_purged_upto = l->purged_upto;
	queue_bytes_recount(q);
}

void queue_drop_all(struct queue *q, enum removal why, bool keep_leased)
{
	struct heap_node *n;
	list_drop(&q->lane.ready, why);
	while ((n = heap_min(&q->lane.returned)))
		entry_drop(HEAP_ENTRY(n, struct entry, back), why);
	list_drop(&q->lane.after, why);
	while (!keep_leased && (n = heap_min(&q->due)))
		entry_drop(HEAP_ENTRY(n, struct entry, due), why);
	if (!keep_leased) {
		list_drop(&q->pending, why);
		leased_drop(q, why);
	}
	spill_drop(q, why);
	unread_drop(q, why, keep_leased);
}

static void bytes_add(struct queue *q, const struct entry *en)
{
	uint64_t cost = message_cost(en->message);
	q->bytes += cost;
	if (en->stored != STORED_NEVER && en->stored != STORED_REMOTE && !en->uncounted) {
		q->stored_bytes += cost;
		q->stored_body += body_bytes(en->message->body);
	}
}

void queue_bytes_recount(struct queue *q)
{
	const struct link *lists[] = {&q->lane.ready, &q->lane.after, &q->leased, &q->pending};
	if (q->lane.behind_n || q->lane.spilled.n || q->n_delayed > q->due.n)
		return;
	q->bytes = q->stored_bytes = q->stored_body = 0;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		for (const struct link *k = lists[i]->next; k != lists[i]; k = k->next)
			bytes_add(q, LIST_ENTRY(k, struct entry, link));
	for (size_t i = 0; i < q->lane.returned.n; i++)
		bytes_add(q, HEAP_ENTRY(q->lane.returned.v[i], struct entry, back));
	for (size_t i = 0; i < q->due.n; i++)
		bytes_add(q, HEAP_ENTRY(q->due.v[i], struct entry, due));
}

static int position_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void positions_add(const struct link *head, uint64_t *v, size_t *n)
{
	for (const struct link *k = head->next; k != head; k = k->next)
		v[(*n)++] = LIST_ENTRY(k, struct entry, link)->pos;
}

/* Entries of the ready lane that an AMQP purge leaves alone. */
static uint64_t *kept_positions(struct queue *q, size_t *n)
{
	uint64_t *v = arena_alloc(&q->engine->scratch, (q->n_leased + q->n_pending + 1) * sizeof(*v));
	*n = 0;
	positions_add(&q->leased, v, n);
	positions_add(&q->pending, v, n);
	qsort(v, *n, sizeof(*v), position_cmp);
	return v;
}

uint64_t queue_purge(struct queue *q, bool with_leased, struct ask *a)
{
	uint64_t removed = q->n_ready + (with_leased ? q->n_leased + q->n_delayed : 0);
	uint64_t upto = q->engine->next_pos - 1;
	size_t n = 0;
	uint64_t *keep = with_leased ? NULL : kept_positions(q, &n);
	queue_drop_all(q, REMOVED_PURGED, !with_leased);
	if (q->stored && !q->remote) {
		if (with_leased)
			journal_purge(q, LANE_DELAYED, upto, NULL, 0, a);
		journal_purge(q, LANE_READY, upto, keep, n, a);
		journal_row(q);
	} else if (q->remote) {
		journal_purge(q, LANE_READY, upto, NULL, 0, a); /* in flight or not: the store's own */
	}
	arena_reset(&q->engine->scratch);
	return removed;
}
