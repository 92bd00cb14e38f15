/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions (engine.md §5). Until commit everything is staged in the
 * session: publishes unrouted, settlements with their leases kept. Commit routes
 * and writes one group:
 *
 *   commit ── appends (entries PENDING: counted, in no lane), removals (their
 *     │       entries stay leased, their leases `committing`), the end mark
 *     ├ group stored ─► tx_done: entries enter their lanes, leases end, answer
 *     └ group failed ─► tx_done: entries vanish, leases are the session's again
 *
 * Entries are found again by position and leases by id, so a queue or a session
 * that goes meanwhile takes what is its own along. */
#include <stdlib.h>

#include "engine/engine_priv.h"

struct staged {
	struct link link;
	bool settle, send;
	struct view topic, key; /* in this allocation; send: topic is the queue */
	struct message *message;
	unsigned flags;
	int64_t delay_ms;
	uint64_t tag, lease;
	struct outcome outcome;
};

struct tx {
	struct link link; /* session.txs */
	uint64_t id;
	struct link staged;
};

struct tx_lease {
	uint64_t id;
	struct outcome outcome;
};

struct tx_commit {
	struct ask *ask;
	uint64_t *positions;
	size_t n, cap;
	struct tx_lease *leases;
	size_t n_leases, cap_leases;
};

/* ---- staging ---- */

static struct tx *tx_find(struct session *s, uint64_t id)
{
	LIST_EACH(&s->txs, k) {
		struct tx *t = LIST_ENTRY(k, struct tx, link);
		if (t->id == id)
			return t;
	}
	return NULL;
}

void engine_tx_begin(struct engine *e, uint64_t session, uint64_t tx)
{
	struct session *s = session_find(e, session);
	if (!s || tx_find(s, tx))
		return;
	struct tx *t = mem_zalloc(sizeof(*t));
	t->id = tx;
	list_init(&t->staged);
	list_push_back(&s->txs, &t->link);
}

void engine_tx_use(struct engine *e, uint64_t session, uint64_t tx)
{
	struct session *s = session_find(e, session);
	if (s)
		s->tx = tx ? tx_find(s, tx) : NULL;
}

void tx_stage_publish(struct session *s, const struct publish_call *p)
{
	struct staged *g = mem_zalloc(sizeof(*g) + p->topic.n + p->key.n);
	uint8_t *copy = (uint8_t *)(g + 1);
	view_put(copy, p->topic);
	view_put(copy + p->topic.n, p->key);
	g->send = p->send;
	g->topic = view_of(copy, p->topic.n);
	g->key = view_of(copy + p->topic.n, p->key.n);
	g->message = message_ref(p->message);
	g->flags = p->flags;
	g->delay_ms = p->delay_ms;
	g->tag = p->tag;
	list_push_back(&s->tx->staged, &g->link);
}

void tx_stage_settle(struct session *s, uint64_t lease, const struct outcome *o)
{
	struct staged *g = mem_zalloc(sizeof(*g));
	g->settle = true;
	g->lease = lease;
	g->outcome = *o;
	list_push_back(&s->tx->staged, &g->link);
}

static void staged_free(struct tx *t)
{
	LIST_EACH(&t->staged, k) {
		struct staged *g = LIST_ENTRY(k, struct staged, link);
		message_unref(g->message);
		free(g);
	}
	list_init(&t->staged);
}

void txs_free(struct session *s)
{
	LIST_EACH(&s->txs, k) {
		struct tx *t = LIST_ENTRY(k, struct tx, link);
		staged_free(t);
		free(t);
	}
	list_init(&s->txs);
	s->tx = NULL;
}

/* ---- commit ---- */

void tx_fail(struct tx_commit *c, const char *why)
{
	error_set(&c->ask->error, CODE_UNAVAILABLE, "%s", why);
}

static bool commit_failed(const struct tx_commit *c)
{
	return c->ask->error.code != CODE_OK;
}

void tx_enqueue(const struct publish_call *call, struct queue *q, struct store_dest *d, struct message *m)
{
	struct tx_commit *c = call->commit;
	int64_t ms = call->delay_ms < 0 ? q->effective.delay_ms : call->delay_ms;
	int64_t due_ms = ms ? q->engine->now.wall_ms + ms : 0;
	if (d)
		queue_dest_fill(q, d, m, due_ms);
	if (d && call->origin)
		d->origin = call->origin;
	q->in++;
	if (d && q->remote)
		return;
	struct entry *en = entry_new(q, m, d ? d->pos : position_next(q->engine));
	en->state = ENTRY_PENDING;
	en->stored = d ? STORED_UNSENT : STORED_NEVER;
	en->origin = call->origin ? call->origin : q->uid;
	en->due_ms = due_ms;
	en->deadline_ms = queue_deadline(q, m, due_ms);
	queue_expiring(q, en->deadline_ms);
	list_push_back(&q->pending, &en->link);
	q->n_pending++;
	q->bytes += message_cost(m);
	if (d) {
		d->ctx = en;
		en->dest = d;
	}
	entry_index(en);
	c->positions = mem_grow(c->positions, &c->cap, c->n + 1, sizeof(*c->positions));
	c->positions[c->n++] = en->pos;
}

static void commit_settle(struct engine *e, struct tx_commit *c, const struct staged *g)
{
	struct lease *l = slots_find(&e->leases, g->lease);
	if (!l)
		return;
	c->leases = mem_grow(c->leases, &c->cap_leases, c->n_leases + 1, sizeof(*c->leases));
	c->leases[c->n_leases++] = (struct tx_lease){g->lease, g->outcome};
	l->committing = true;
	struct entry *en = l->entry;
	if (!en || g->outcome.kind == OUTCOME_RELEASE || en->stored == STORED_NEVER)
		return;
	if (en->stored == STORED_REMOTE) {
		remote_remove(l);
		return;
	}
	/* Off the row in the transaction that removes it; still leased here. */
	en->uncounted = true;
	queue_stored(en->queue, en->message, -1);
	journal_remove(en->queue, en->pos);
}

/* What a staged rejection moves on; NULL: it is none, or its entry has gone. */
static struct entry *staged_letter(struct engine *e, const struct staged *g)
{
	struct lease *l = g->settle && g->outcome.kind == OUTCOME_DEAD_LETTER ? slots_find(&e->leases, g->lease) : NULL;
	return l ? l->entry : NULL;
}

/* What is on its way to many queues is before the commit in each of them, and no
 * part of it. */
static void fanouts_finish(struct session *s, struct tx *t)
{
	LIST_EACH(&t->staged, k) {
		struct staged *g = LIST_ENTRY(k, struct staged, link);
		struct entry *en = staged_letter(s->engine, g);
		struct topic *topic = en                    ? topic_find(en->queue->vhost, en->queue->effective.dead_letter_topic)
				      : g->settle || g->send ? NULL
							     : topic_find(s->connection->vhost, g->topic);
		if (topic)
			fanout_finish(topic);
	}
}

static void commit_publish(struct session *s, struct tx_commit *c, const struct staged *g)
{
	publish_run(s, &(struct publish_call){
		.commit = c, .send = g->send, .topic = g->topic, .key = g->key, .message = g->message,
		.flags = g->flags, .delay_ms = g->delay_ms, .tag = g->tag,
	});
}

/* All that it adds, before anything is taken away: up to here it can be given up. */
static void commit_adds(struct session *s, struct tx *t, struct tx_commit *c)
{
	LIST_EACH(&t->staged, k) {
		struct staged *g = LIST_ENTRY(k, struct staged, link);
		if (!g->settle && !commit_failed(c))
			commit_publish(s, c, g);
	}
	LIST_EACH(&t->staged, k) {
		struct entry *en = staged_letter(s->engine, LIST_ENTRY(k, struct staged, link));
		if (en && !commit_failed(c))
			dead_letter_pending(en, DEATH_REJECTED, c);
	}
}

/* Nothing has been settled yet; what was queued for the store has to go again. */
static void commit_abandon(struct engine *e, struct tx_commit *c, size_t mark)
{
	for (size_t i = 0; i < c->n; i++)
		entry_unsent(map64_find(&e->by_pos, c->positions[i]));
	journal_abandon(e, mark);
	tx_done(e, c, false);
}

void engine_tx_commit(struct engine *e, uint64_t session, uint64_t cmd, uint64_t tx)
{
	struct session *s = session_find(e, session);
	if (!s)
		return;
	struct ask *a = ask_new(s, cmd);
	struct tx *t = tx_find(s, tx);
	if (!t) {
		ask_error(a, CODE_NOT_FOUND, "no such transaction");
		return;
	}
	if (!positions_left(e)) {
		staged_free(t);
		ask_error(a, CODE_UNAVAILABLE, "no positions: the store has not answered");
		return;
	}
	struct tx_commit *c = mem_zalloc(sizeof(*c));
	c->ask = a;
	a->waits++;
	fanouts_finish(s, t);
	size_t mark = journal_mark_point(e);
	commit_adds(s, t, c);
	if (commit_failed(c)) {
		commit_abandon(e, c, mark);
		staged_free(t);
		return;
	}
	LIST_EACH(&t->staged, k)
		if (LIST_ENTRY(k, struct staged, link)->settle)
			commit_settle(e, c, LIST_ENTRY(k, struct staged, link));
	staged_free(t);
	if (!journal_close_group(e, mark, c))
		tx_done(e, c, true); /* nothing for the store */
}

void engine_tx_rollback(struct engine *e, uint64_t session, uint64_t cmd, uint64_t tx, enum rollback_how how)
{
	struct session *s = session_find(e, session);
	if (!s)
		return;
	struct ask *a = ask_new(s, cmd);
	struct tx *t = tx_find(s, tx);
	if (!t) {
		ask_error(a, CODE_NOT_FOUND, "no such transaction");
		return;
	}
	LIST_EACH(&t->staged, k) {
		struct staged *g = LIST_ENTRY(k, struct staged, link);
		struct lease *l = g->settle && how == ROLLBACK_RELEASE ? slots_find(&e->leases, g->lease) : NULL;
		if (l)
			lease_release(l, &(struct outcome){.kind = OUTCOME_RELEASE, .failed = true});
	}
	staged_free(t);
	ask_ready(a);
}

/* ---- outcome ---- */

static void entry_appear(struct entry *en)
{
	struct queue *q = en->queue;
	list_remove(&en->link);
	q->n_pending--;
	if (en->due_ms) {
		entry_delay(en);
		return;
	}
	/* At its own place: later publishes may have overtaken it meanwhile. */
	lane_return(en);
	q->n_ready++;
	queue_poke(q);
}

static void lease_committed(struct lease *l, const struct outcome *o)
{
	struct entry *en = l->entry;
	l->committing = false;
	if (o->kind == OUTCOME_RELEASE) {
		lease_release(l, o);
		return;
	}
	lease_end(l);
	if (en)
		entry_drop(en, o->kind == OUTCOME_ACCEPT	       ? REMOVED_ACKED
			       : en->queue->effective.dead_letters ? REMOVED_DEAD_LETTERED
								   : REMOVED_REJECTED);
}

static void lease_restored(struct lease *l)
{
	struct entry *en = l->entry;
	l->committing = false;
	if (en && en->uncounted) {
		en->uncounted = false;
		queue_stored(en->queue, en->message, 1);
	}
	if (!l->session) /* it closed meanwhile */
		lease_release(l, &(struct outcome){.kind = OUTCOME_RELEASE, .failed = true});
}

void tx_done(struct engine *e, struct tx_commit *c, bool ok)
{
	for (size_t i = 0; i < c->n; i++) {
		struct entry *en = map64_find(&e->by_pos, c->positions[i]);
		if (!en || en->state != ENTRY_PENDING)
			continue;
		if (ok)
			entry_appear(en);
		else
			entry_remove(en, REMOVED_FAILED);
	}
	for (size_t i = 0; i < c->n_leases; i++) {
		struct lease *l = slots_find(&e->leases, c->leases[i].id);
		if (l && ok)
			lease_committed(l, &c->leases[i].outcome);
		else if (l)
			lease_restored(l);
	}
	c->ask->waits--;
	if (ok)
		ask_ready(c->ask);
	else
		ask_error(c->ask, CODE_UNAVAILABLE, "the store did not take the transaction");
	tx_commit_free(c);
}

void tx_commit_free(struct tx_commit *c)
{
	free(c->positions);
	free(c->leases);
	free(c);
}
