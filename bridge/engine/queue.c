/* SPDX-License-Identifier: Apache-2.0 */
/* Queues: making, filling, ending them. */
#include <stdlib.h>

#include "engine/engine_priv.h"
#include "mapping/names.h"

enum { SWEEP_MS = 10000, SWEEP_TURN = 1000 };

struct queue *queue_find(struct vhost *v, struct view name)
{
	return mapv_find(&v->queues, name);
}

struct queue *queue_make(struct engine *e, struct vhost *v, struct view name, uint32_t uid, bool fifo)
{
	char wire[NAME_TOPIC_MAX + 1];
	size_t n = name_to_wire(NAME_QUEUE, name, fifo, wire);
	if (mapv_find(&v->wires, view_of(wire, n)))
		return NULL; /* a second true name for one wire name (DESIGN §5) */
	struct queue *q = mem_zalloc(sizeof(*q));
	q->engine = e;
	q->vhost = v;
	q->uid = uid;
	arena_init(&q->arena);
	q->name = arena_copy(&q->arena, name);
	q->wire = arena_cstr(&q->arena, view_of(wire, n));
	lane_init(&q->lane);
	rings_init(q);
	struct link *lists[] = {&q->active, &q->consumers, &q->receives, &q->dirty, &q->stalled,
				&q->pending_refs, &q->leased, &q->pending, &q->owner_link,
				&q->retaining, &q->upkeep};
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		list_init(lists[i]);
	mapv_put(&v->queues, q->name, q);
	mapv_put(&v->wires, view_of(q->wire, n), q);
	map64_put(&e->queues, uid, q);
	e->counters.queues++;
	return q;
}

void queue_free(struct queue *q)
{
	heap_remove(&q->engine->due, &q->due_node);
	queue_upkeep_end(q);
	lane_fini(&q->lane);
	heap_fini(&q->due);
	arena_fini(&q->arena);
	attributes_fini(&q->attributes);
	free(q->redrive_to);
	free(q);
}

static void list_forget(struct link *head)
{
	LIST_EACH(head, k)
		message_unref(LIST_ENTRY(k, struct entry, link)->message);
	list_init(head);
}

void queue_forget(struct queue *q)
{
	struct heap_node *n;
	list_forget(&q->lane.ready);
	list_forget(&q->lane.after);
	list_forget(&q->leased);
	list_forget(&q->pending);
	while ((n = heap_pop(&q->lane.returned)))
		message_unref(HEAP_ENTRY(n, struct entry, back)->message);
	while ((n = heap_pop(&q->due)))
		message_unref(HEAP_ENTRY(n, struct entry, due)->message);
}

/* Its DONE is still ahead: it fails instead. */
static bool consume_fails(struct consumer *c)
{
	LIST_EACH(&c->session->asks, k) {
		struct ask *a = LIST_ENTRY(k, struct ask, link);
		if (a->id != slot_id(&c->slot))
			continue;
		error_set(&a->error, CODE_NOT_FOUND, "no queue '%.*s' in vhost '%.*s'", VIEW_ARG(c->queue->name),
			  VIEW_ARG(c->queue->vhost->name));
		a->id = 0;
		return true;
	}
	return false;
}

static void consumers_cancelled(struct queue *q)
{
	LIST_EACH(&q->consumers, k) {
		struct consumer *c = LIST_ENTRY(k, struct consumer, queue_link);
		if (!c->active && consume_fails(c)) {
			consumer_free(c);
			continue;
		}
		struct note *n = note_new(q->engine, EVENT_CANCELLED);
		n->session = slot_id(&c->session->slot);
		n->id = slot_id(&c->slot);
		n->tag = (uint64_t)(uintptr_t)c->ctx;
		note_push(q->engine, n);
		consumer_free(c);
	}
}

void queue_destroy(struct queue *q, enum removal why, struct ask *a)
{
	struct engine *e = q->engine;
	must(!q->deleted);
	q->deleted = true;
	q->n_leases++; /* it stays until the end of this */
	mapv_remove(&q->vhost->queues, q->name);
	mapv_remove(&q->vhost->wires, view_str(q->wire));
	map64_remove(&e->queues, q->uid);
	e->counters.queues--;
	list_remove(&q->owner_link);
	consumers_cancelled(q);
	LIST_EACH(&q->receives, k)
		receive_answer(LIST_ENTRY(k, struct receive, queue_link));
	refs_end(q);
	bindings_drop(e, &q->bindings, destination_of_queue(q));
	queue_drop_all(q, why, false);
	queue_upkeep_end(q);
	list_remove(&q->active);
	list_remove(&q->retaining);
	list_remove(&q->dirty);
	list_remove(&q->stalled);
	heap_remove(&e->due, &q->due_node);
	if (q->stored) {
		if (!q->remote)
			journal_purge_queue(q);
		definition_delete(e, "queue", q->vhost, q->name, a);
	}
	if (!--q->n_leases)
		queue_free(q);
}

void queue_consumer_gone(struct queue *q)
{
	if (q->auto_delete && q->had_consumer && !q->n_consumers && !q->deleted)
		queue_destroy(q, REMOVED_QUEUE_DELETED, NULL);
}

/* ---- filling ---- */

void queue_due_rearm(struct queue *q)
{
	struct heap_node *first = heap_min(&q->due);
	heap_remove(&q->engine->due, &q->due_node);
	if (first)
		heap_push(&q->engine->due, &q->due_node, first->key);
}

void entry_delay(struct entry *en)
{
	struct queue *q = en->queue;
	en->state = ENTRY_DELAYED;
	en->due.at = 0; /* it was a link until now */
	heap_push(&q->due, &en->due, (uint64_t)en->due_ms);
	queue_due_rearm(q);
	q->n_delayed++;
}

void queue_adopt_delayed(struct queue *q, const struct store_loaded *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct store_entry *s = &l->entries[i];
		if (s->pos <= q->delayed_purged_upto || map64_find(&q->engine->by_pos, s->pos)) {
			message_unref(s->message);
			continue;
		}
		struct entry *en = lane_adopt(q, s);
		en->delivered = s->delivered; /* it waited: never handed up to */
		en->due_ms = s->due_ms;
		entry_delay(en);
		q->n_delayed--; /* the row had counted it */
	}
	if (l->failed) {
		q->delayed_stalled = true;
		q->delayed_after = l->load->after;
		queue_stall(q);
	} else if (!l->end) {
		queue_load_delayed(q, l->n ? l->entries[l->n - 1].pos : l->load->after);
	} else {
		queue_bytes_recount(q);
	}
}

void queue_load_delayed(struct queue *q, uint64_t after)
{
	struct engine *e = q->engine;
	q->delayed_stalled = false;
	e->store->ops->load(e->store, &(struct store_load){
		.queue = q->uid, .lane = LANE_DELAYED, .after = after, .n = e->options.load_entries,
		.bytes = e->options.load_bytes, .tag = q->uid,
	});
}

/* A copy that only the store keeps, for now. */
static void enqueue_behind(struct queue *q, const struct store_dest *d, struct message *m, struct publish *p)
{
	struct lane *l = &q->lane;
	if (!l->behind_n && !l->unread)
		l->behind_from = d->pos;
	l->behind_to = d->pos;
	l->behind_n++;
	l->behind_body += body_bytes(m->body);
	l->load_arrivals++;
	q->n_ready++;
	queue_upkeep_want(q);
	q->bytes += message_cost(m);
	if (p)
		p->unfinished++;
	queue_poke(q);
}

void queue_stored(struct queue *q, const struct message *m, int by)
{
	q->stored_n += (uint64_t)by;
	q->stored_bytes += (uint64_t)by * message_cost(m);
	q->stored_body += (uint64_t)by * body_bytes(m->body);
	journal_row(q);
}

void queue_dest_place(struct queue *q, struct store_dest *d, const struct message *m, int64_t due_ms)
{
	d->queue = q->uid;
	d->origin = q->uid;
	d->due_ms = due_ms;
	d->deadline_ms = queue_deadline(q, m, due_ms);
	if (q->remote)
		return;
	d->lane = due_ms ? LANE_DELAYED : LANE_READY;
	d->pos = position_next(q->engine);
}

void queue_dest_fill(struct queue *q, struct store_dest *d, struct message *m, int64_t due_ms)
{
	queue_dest_place(q, d, m, due_ms);
	if (q->remote)
		return;
	q->stored_delayed += due_ms ? 1 : 0;
	queue_stored(q, m, 1);
}

void dest_arrive(struct store_dest *d, const struct arrival *a)
{
	if (a->origin)
		d->origin = a->origin;
	d->received = a->received;
	d->delivered = a->delivered;
	d->failed = a->failed;
}

static struct entry *entry_arrive(struct queue *q, struct message *m, uint64_t pos, const struct arrival *a)
{
	struct entry *en = entry_new(q, m, pos);
	en->origin = a->origin ? a->origin : q->uid;
	en->received = a->received;
	en->delivered = a->delivered;
	en->failed = a->failed;
	return en;
}

void queue_enqueue(struct queue *q, struct store_dest *d, struct message *m, const struct arrival *a)
{
	struct publish *p = a->publish;
	int64_t delay_ms = a->delay_ms < 0 ? q->effective.delay_ms : a->delay_ms;
	int64_t due_ms = delay_ms ? q->engine->now.wall_ms + delay_ms : 0;
	int64_t deadline_ms = queue_deadline(q, m, due_ms);
	q->in++;
	queue_expiring(q, deadline_ms);
	if (d) {
		queue_dest_fill(q, d, m, due_ms);
		dest_arrive(d, a);
	}
	if (d && q->remote) {
		if (p)
			p->unfinished++;
		return;
	}
	if (d && !due_ms && lane_pages(q, m)) {
		enqueue_behind(q, d, m, p);
		return;
	}
	if (!d && !due_ms && spill_takes(q)) {
		spill_add(q, m, a);
		return;
	}
	struct entry *en = entry_arrive(q, m, d ? d->pos : position_next(q->engine), a);
	en->stored = d ? STORED_UNSENT : STORED_NEVER;
	en->due_ms = due_ms;
	en->deadline_ms = deadline_ms;
	q->bytes += message_cost(m);
	if (d) {
		d->ctx = en;
		en->dest = d;
		en->publish = p;
		if (p)
			p->unfinished++;
	}
	if (due_ms) {
		entry_delay(en);
		return;
	}
	lane_arrive(en);
	q->n_ready++;
	queue_poke(q);
}

/* The delay is over. It keeps its position, which a receipt may name after a power
 * loss that undid this (docs/decisions/0009-a-position-is-for-life.md). */
static void entry_due(struct entry *en)
{
	struct queue *q = en->queue;
	heap_pop(&q->due);
	q->n_delayed--;
	if (en->stored == STORED_UNSENT) {
		en->dest->lane = LANE_READY;
		en->dest->due_ms = 0;
	} else if (en->stored != STORED_NEVER) {
		journal_due(en);
	}
	if (en->stored != STORED_NEVER) {
		q->stored_delayed--;
		journal_row(q);
		if (lane_is_behind(&q->lane))
			entry_index(en); /* a page could bring it a second time */
	}
	lane_return(en);
	q->n_ready++;
	queue_poke(q);
}

void queues_due(struct engine *e)
{
	struct heap_node *n;
	uint64_t now = (uint64_t)e->now.wall_ms;
	uint32_t left = EXPIRE_TURN;
	while ((n = heap_min(&e->due)) && n->key <= now) {
		if (!left--) {
			e->more = true;
			return;
		}
		struct queue *q = HEAP_ENTRY(n, struct queue, due_node);
		struct heap_node *first = heap_min(&q->due);
		entry_due(HEAP_ENTRY(first, struct entry, due));
		queue_due_rearm(q);
	}
}

/* ---- retention (engine.md §6) ---- */

bool entry_retained(const struct entry *en)
{
	const struct queue *q = en->queue;
	int64_t keep_ms = q->effective.retention_ms;
	return !keep_ms || en->message->sent_ms + keep_ms > q->engine->now.wall_ms;
}

static uint32_t queue_sweep(struct queue *q, uint32_t max)
{
	uint32_t n = 0;
	struct entry *en;
	while (n < max && (en = lane_first(&q->lane)) && !entry_retained(en)) {
		entry_remove(en, REMOVED_RETENTION);
		n++;
	}
	return n;
}

/* Heads that are too old, of queues that nobody reads; what is read is looked at
 * when its turn comes. A bounded number a time, the rest in the next turn. */
void queues_sweep(struct engine *e)
{
	uint32_t left = SWEEP_TURN;
	if (e->now.mono_ms < e->sweep_ms || list_empty(&e->retaining))
		return;
	LIST_EACH(&e->retaining, k) {
		left -= queue_sweep(LIST_ENTRY(k, struct queue, retaining), left);
		if (!left)
			return;
	}
	e->sweep_ms = e->now.mono_ms + SWEEP_MS;
}
