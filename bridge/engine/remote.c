/* SPDX-License-Identifier: Apache-2.0 */
/* Queues whose store owns the leases (engine.md §10): no backlog window here. An
 * entry exists in the engine from the load that leased it until it is settled;
 * the store's handle travels in the lease. The engine asks for no more than the
 * free credit, renews what sessions hold and gives back what nobody can take. */
#include <stdlib.h>

#include "engine/engine_priv.h"

enum {
	REMOTE_LOAD_MAX = 10,
	REMOTE_LEASE_MS = 30000,
	REMOTE_RENEW_MS = 20000,
	REMOTE_WAIT_MS = 1000,
};

static bool somebody_waits(const struct queue *q)
{
	LIST_EACH(&q->rings, g) {
		LIST_EACH(&LIST_ENTRY(g, struct ring, link)->waiters, l) {
			const struct waiter *w = LIST_ENTRY(l, struct waiter, link);
			if (!w->is_receive || LIST_ENTRY(w, struct receive, waiter)->waits)
				return true;
		}
	}
	return false;
}

void remote_want(struct queue *q)
{
	struct engine *e = q->engine;
	uint32_t n = waiters_demand(q, REMOTE_LOAD_MAX);
	if (!n && !q->remote_loading)
		waiters_empty(q); /* nobody may take anything: no load would end them */
	if (q->remote_loading || !n)
		return;
	q->remote_loading = true;
	e->counters.loads++;
	e->store->ops->load(e->store, &(struct store_load){
		.queue = q->uid, .lane = LANE_READY, .n = n, .bytes = e->options.load_bytes,
		.wait_ms = somebody_waits(q) ? REMOTE_WAIT_MS : 0,
		.lease_ms = REMOTE_LEASE_MS, .tag = q->uid,
	});
}

static struct entry *remote_adopt(struct queue *q, const struct store_entry *s)
{
	struct entry *en = entry_new(q, s->message, s->pos);
	message_unref(s->message);
	en->stored = STORED_REMOTE;
	en->state = ENTRY_LEASED;
	en->origin = s->origin;
	en->received = s->received;
	en->delivered = s->delivered;
	en->failed = s->failed;
	q->bytes += message_cost(en->message);
	q->in++;
	return en;
}

static struct lease *newest_lease(struct entry *en, struct view handle)
{
	struct lease *l = en->lease;
	must(handle.n <= sizeof(((struct receipt *)0)->handle));
	l->handle = mem_alloc(handle.n + 1);
	view_put(l->handle, handle);
	l->handle_n = (uint8_t)handle.n;
	return l;
}

static void remote_entry(struct queue *q, const struct store_entry *s)
{
	struct engine *e = q->engine;
	struct entry *en = remote_adopt(q, s);
	if (q->deleted || !waiter_serve(q, en)) {
		journal_handle(q, OP_RELEASE, s->handle, 0);
		q->n_leased++; /* entry_remove takes it off again */
		list_push_back(&q->leased, &en->link);
		entry_remove(en, REMOVED_LOST);
		return;
	}
	struct lease *l = newest_lease(en, s->handle);
	if (l->session)
		lease_deadline(l, REMOTE_RENEW_MS);
	else
		journal_handle(q, OP_EXTEND, s->handle, (int64_t)l->deadline.key - e->now.mono_ms);
}

void remote_loaded(struct engine *e, const struct store_loaded *l)
{
	struct queue *q = map64_find(&e->queues, l->load->queue);
	if (!q) {
		for (size_t i = 0; i < l->n; i++)
			message_unref(l->entries[i].message);
		return;
	}
	q->remote_loading = false;
	for (size_t i = 0; i < l->n; i++)
		remote_entry(q, &l->entries[i]);
	if (!l->n)
		waiters_empty(q);
	queue_poke(q);
}

static struct view lease_handle(const struct lease *l)
{
	return view_of(l->handle, l->handle_n);
}

void remote_release(struct lease *l, int64_t delay_ms)
{
	journal_handle(l->queue, OP_RELEASE, lease_handle(l), delay_ms);
	queue_poke(l->queue);
}

void remote_remove(struct lease *l)
{
	journal_handle(l->queue, OP_REMOVE, lease_handle(l), 0);
}

/* The local deadline of a remote lease: a session's is renewed, a
 * ReceiveMessage's is over, and its receipt says the rest. */
void remote_renew(struct lease *l)
{
	if (l->session) {
		journal_handle(l->queue, OP_EXTEND, lease_handle(l), REMOTE_LEASE_MS);
		lease_deadline(l, REMOTE_RENEW_MS);
		return;
	}
	struct entry *en = l->entry;
	lease_end(l);
	entry_remove(en, REMOVED_LOST);
}

void remote_lost(struct engine *e, uint32_t queue, struct view handle)
{
	struct queue *q = map64_find(&e->queues, queue);
	if (!q)
		return;
	LIST_EACH(&q->leased, k) {
		struct lease *l = LIST_ENTRY(k, struct entry, link)->lease;
		if (!view_eq(lease_handle(l), handle))
			continue;
		entry_remove(l->entry, REMOVED_LOST); /* the lease stays, a ghost */
		if (!l->session)
			lease_end(l);
		return;
	}
}
