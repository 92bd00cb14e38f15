/* SPDX-License-Identifier: Apache-2.0 */
/* The ready lane of a queue (engine.md §3): a resident head in memory, then
 * nothing, or what only the store has.
 *
 *   positions ──►
 *   [ ready list …… ][ behind_from … behind_to: store only ][ after list ]
 *        returned heap: released entries, back at their own place
 *
 * Arrivals go to the list while the window has room and nothing is behind; else
 * durable ones stay in the store only and transient ones wait in `after`. A page
 * is loaded when somebody waits and the window is half empty. While the engine is
 * crowded the window is a page, and transient arrivals behind it go to the spill
 * store (spill.c), whose pages come back into the heap: the two stores' positions
 * may interleave, and nothing is handed out beyond what either has still to read. */
#include <stdlib.h>

#include "engine/engine_priv.h"

void lane_init(struct lane *l)
{
	list_init(&l->ready);
	list_init(&l->after);
}

void lane_fini(struct lane *l)
{
	heap_fini(&l->returned);
	free(l->gone);
}

bool lane_is_behind(const struct lane *l)
{
	return l->behind_n || l->loading || l->unread;
}

bool lane_is_paged(const struct lane *l)
{
	return lane_is_behind(l) || l->spilled.n;
}

/* At least `part` in 2 of what a lane keeps in memory is there. */
static bool window_has(const struct queue *q, uint32_t part)
{
	const struct engine *e = q->engine;
	const struct engine_options *o = &e->options;
	uint64_t n = e->crowded && o->load_entries < o->window_entries ? o->load_entries : o->window_entries;
	uint64_t bytes = e->crowded && o->load_bytes < o->window_bytes ? o->load_bytes : o->window_bytes;
	return q->lane.window_n >= (n * part + 1) / 2 || q->lane.window_bytes >= (bytes * part + 1) / 2;
}

bool lane_is_full(const struct queue *q)
{
	return window_has(q, 2);
}

bool lane_pages(const struct queue *q, const struct message *m)
{
	return q->stored && !q->remote && m->durable && (lane_is_behind(&q->lane) || lane_is_full(q));
}

static void window_in(struct entry *en)
{
	struct lane *l = &en->queue->lane;
	en->in_window = true;
	l->window_n++;
	l->window_bytes += message_cost(en->message);
}

static void window_out(struct entry *en)
{
	struct lane *l = &en->queue->lane;
	if (!en->in_window)
		return;
	en->in_window = false;
	l->window_n--;
	l->window_bytes -= message_cost(en->message);
}

static void ready_in(struct entry *en)
{
	en->queue->lane.ready_body += body_bytes(en->message->body);
	queue_upkeep_want(en->queue);
}

void lane_arrive(struct entry *en)
{
	struct lane *l = &en->queue->lane;
	en->state = ENTRY_READY;
	if (lane_is_behind(l)) {
		/* A page could bring it a second time: the index tells. */
		if (en->stored != STORED_NEVER)
			entry_index(en);
		list_push_back(&l->after, &en->link);
	} else {
		list_push_back(&l->ready, &en->link);
		window_in(en);
	}
	ready_in(en);
}

void lane_return(struct entry *en)
{
	en->state = ENTRY_READY;
	list_init(&en->link);
	heap_push(&en->queue->lane.returned, &en->back, en->pos);
	ready_in(en);
}

void lane_page_back(struct entry *en)
{
	lane_return(en);
	window_in(en);
}

void lane_take_out(struct entry *en)
{
	if (heap_has(&en->back))
		heap_remove(&en->queue->lane.returned, &en->back);
	else
		list_remove(&en->link);
	window_out(en);
	en->queue->lane.ready_body -= body_bytes(en->message->body);
	queue_upkeep_want(en->queue);
}

struct entry *lane_first(const struct lane *l)
{
	struct link *link = list_first(&l->ready);
	struct heap_node *node = heap_min(&l->returned);
	struct entry *a = link ? LIST_ENTRY(link, struct entry, link) : NULL;
	struct entry *b = node ? HEAP_ENTRY(node, struct entry, back) : NULL;
	struct entry *first = !a ? b : !b ? a : a->pos < b->pos ? a : b;
	if (first && (l->behind_n || l->unread) && first->pos > l->behind_from)
		return NULL;
	if (first && l->spilled.n && first->pos > l->spilled.from)
		return NULL;
	return first;
}

static void lane_load(struct queue *q)
{
	struct lane *l = &q->lane;
	struct engine *e = q->engine;
	if (!journal_submit_now(e)) {
		queue_stall(q);
		return;
	}
	l->loading = true;
	l->load_arrivals = 0;
	l->n_gone = 0;
	e->counters.loads++;
	e->store->ops->load(e->store, &(struct store_load){
		.queue = q->uid, .lane = LANE_READY, .after = l->behind_from - 1,
		.n = e->options.load_entries, .bytes = e->options.load_bytes, .tag = q->uid,
	});
}

void lane_want(struct queue *q)
{
	struct lane *l = &q->lane;
	bool stored = l->behind_n || l->unread;
	if (list_linked(&q->stalled) || (!stored && !l->spilled.n))
		return;
	if (window_has(q, 1) && lane_first(l))
		return;
	if (l->spilled.n && (!stored || l->spilled.from < l->behind_from))
		spill_want(q);
	else if (!l->loading)
		lane_load(q);
}

/* A store in trouble is asked again after a while, not in every turn. */
void queue_stall(struct queue *q)
{
	struct engine *e = q->engine;
	if (list_empty(&e->stalled))
		e->stalled_at_ms = e->now.mono_ms + JOURNAL_RETRY_MS;
	if (!list_linked(&q->stalled))
		list_push_back(&e->stalled, &q->stalled);
}

void queues_resume(struct engine *e)
{
	struct link all, *first;
	if (list_empty(&e->stalled) || e->now.mono_ms < e->stalled_at_ms)
		return;
	list_init(&all);
	list_splice_back(&all, &e->stalled);
	while ((first = list_first(&all))) {
		struct queue *q = LIST_ENTRY(first, struct queue, stalled);
		list_remove(first);
		if (q->delayed_stalled)
			queue_load_delayed(q, q->delayed_after);
		queue_upkeep_want(q);
		queue_poke(q);
	}
}

void lane_gone(struct queue *q, uint64_t pos)
{
	struct lane *l = &q->lane;
	if (pos < l->behind_from)
		return; /* no page brings it */
	l->gone = mem_grow(l->gone, &l->cap_gone, l->n_gone + 1, sizeof(*l->gone));
	l->gone[l->n_gone++] = pos;
}

static bool lane_is_gone(const struct lane *l, uint64_t pos)
{
	for (size_t i = 0; i < l->n_gone; i++)
		if (l->gone[i] == pos)
			return true;
	return false;
}

/* Transient arrivals whose turn is before `pos`. */
static void after_until(struct lane *l, uint64_t pos)
{
	struct link *first;
	while ((first = list_first(&l->after)) && LIST_ENTRY(first, struct entry, link)->pos < pos) {
		list_remove(first);
		list_push_back(&l->ready, first);
		window_in(LIST_ENTRY(first, struct entry, link));
	}
}

/* Nothing is behind any more: what waited there is next. */
static void lane_close_gap(struct lane *l)
{
	if (!l->behind_n && !l->unread)
		after_until(l, UINT64_MAX);
}

static void behind_less(struct lane *l, const struct message *m)
{
	l->behind_n--;
	/* As far as the row that began the count was right. */
	uint64_t n = body_bytes(m->body);
	l->behind_body = l->behind_n && l->behind_body > n ? l->behind_body - n : 0;
}

void lane_one_less(struct queue *q, const struct message *m)
{
	behind_less(&q->lane, m);
	if (q->lane.loading)
		return; /* the page's end closes it */
	lane_close_gap(&q->lane);
	queue_poke(q);
}

/* An entry that so far only the store had. Takes the message's reference. */
struct entry *lane_adopt(struct queue *q, const struct store_entry *s)
{
	struct entry *en = entry_new(q, s->message, s->pos);
	message_unref(s->message);
	en->stored = STORED_YES;
	en->origin = s->origin;
	en->received = s->received;
	en->delivered = s->delivered;
	en->failed = s->failed;
	en->deadline_ms = s->deadline_ms;
	queue_expiring(q, en->deadline_ms);
	if (s->pos <= q->crash_handed && !en->delivered && !en->received)
		en->delivered = 1;
	entry_index(en);
	return en;
}

static void lane_page_in(struct queue *q, const struct store_entry *s)
{
	struct lane *l = &q->lane;
	if (s->pos <= l->purged_upto) {
		message_unref(s->message);
		return;
	}
	after_until(l, s->pos);
	l->behind_from = s->pos + 1;
	if (lane_is_gone(l, s->pos) || map64_find(&q->engine->by_pos, s->pos)) {
		message_unref(s->message);
		return;
	}
	struct entry *en = lane_adopt(q, s);
	en->state = ENTRY_READY;
	list_push_back(&l->ready, &en->link);
	window_in(en);
	ready_in(en);
	if (l->behind_n) {
		behind_less(l, en->message);
		return;
	}
	/* One more than was counted. */
	log_warn("queue.recounted", "queue=%u pos=%llu", q->uid, (unsigned long long)s->pos);
	q->in++;
	q->n_ready++;
	q->bytes += message_cost(en->message);
	queue_stored(q, en->message, 1);
}

/* A page says whether the store has more. Where the count disagrees, the store's
 * word stands: nothing it has is left unread, nothing it lacks is waited for. */
static void lane_recount(struct queue *q, bool end)
{
	struct lane *l = &q->lane;
	l->unread = !end && l->behind_n <= l->load_arrivals;
	if (!end || l->behind_n <= l->load_arrivals)
		return;
	uint64_t missing = l->behind_n - l->load_arrivals;
	log_warn("queue.recounted", "queue=%u missing=%llu", q->uid, (unsigned long long)missing);
	l->behind_n -= missing;
	l->behind_body = l->behind_n ? l->behind_body : 0;
	q->n_ready -= missing;
	q->stored_n -= missing;
	q->out[REMOVED_LOST] += missing;
	queue_bytes_recount(q);
	journal_row(q);
}

void lane_loaded(struct queue *q, const struct store_loaded *loaded)
{
	struct lane *l = &q->lane;
	l->loading = false;
	for (size_t i = 0; i < loaded->n; i++)
		lane_page_in(q, &loaded->entries[i]);
	if (!loaded->failed)
		lane_recount(q, loaded->end);
	else
		queue_stall(q);
	l->n_gone = 0;
	lane_close_gap(l);
	if (!l->behind_n && l->unread)
		lane_want(q); /* to the end, though nobody may wait for it */
	queue_upkeep_want(q);
	queue_poke(q);
}
