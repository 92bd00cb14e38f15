/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts: durable references to one receive of one message (engine.md §1).
 * They work on a message in any state, also on one that only the store has: it
 * is then loaded alone, and the verb goes on when it has come. */
#include <stdlib.h>

#include "engine/engine_priv.h"

/* The longest a message may stay hidden after one receive (SQS ChangeMessageVisibility). */
enum { HIDDEN_S_MAX = 43200 };

struct pending_ref {
	struct link link; /* queue.pending_refs */
	struct ask *ask;
	struct receipt receipt;
	struct outcome outcome;
	bool extend;
	int64_t ms;
};

static bool same_receive(const struct lease *l, const struct receipt *r)
{
	return !l->session && l->receive == r->receive && l->boot == r->boot;
}

static void not_available(struct ask *a)
{
	ask_error(a, CODE_NOT_FOUND, "Message does not exist or is not available for visibility timeout change.");
}

/* Removes what the receipt names; the answer waits for the disk. */
static void ref_remove(struct ask *a, struct entry *en, const struct receipt *r)
{
	struct engine *e = en->queue->engine;
	size_t mark = journal_mark_point(e);
	struct lease *l = en->lease;
	if (l && same_receive(l, r)) {
		lease_accept(l);
	} else {
		entry_remove(en, REMOVED_ACKED);
		if (l && !l->session)
			lease_end(l); /* a later receive's: nobody settles its ghost */
	}
	journal_wait(e, mark, a);
	e->counters.settled++;
	ask_ready(a);
}

static void ref_hide(struct entry *en, const struct receipt *r, int64_t ms)
{
	struct queue *q = en->queue;
	lane_take_out(en);
	q->n_ready--;
	struct lease *l = lease_new(en, NULL, 0);
	l->receive = r->receive;
	l->boot = r->boot;
	lease_deadline(l, ms);
}

/* In whole seconds: the longest visibility may be asked for right after the receive. */
static bool hidden_too_long(const struct engine *e, const struct receipt *r, int64_t ms)
{
	int64_t since_ms = e->now.wall_ms > r->at_ms ? e->now.wall_ms - r->at_ms : 0;
	return ms > 0 && since_ms / 1000 + ms / 1000 > HIDDEN_S_MAX;
}

static void ref_extend(struct ask *a, struct entry *en, const struct receipt *r, int64_t ms)
{
	struct lease *l = en->lease;
	if (l && !same_receive(l, r)) {
		not_available(a); /* it would shorten or steal somebody's lease */
		return;
	}
	if (hidden_too_long(a->engine, r, ms)) {
		ask_error(a, CODE_LIMIT, "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]");
		return;
	}
	if (l && ms == 0)
		lease_release(l, &(struct outcome){.kind = OUTCOME_RELEASE});
	else if (l)
		lease_deadline(l, ms);
	else if (en->state == ENTRY_READY && ms > 0)
		ref_hide(en, r, ms);
	ask_ready(a);
}

/* Deleting what is gone is a success, once that it is gone is on disk. */
static void ref_gone(struct ask *a)
{
	journal_barrier(a->engine, a);
	ask_ready(a);
}

static void ref_apply(struct ask *a, struct entry *en, const struct pending_ref *p)
{
	bool release = !p->extend && p->outcome.kind == OUTCOME_RELEASE;
	if (!en && (p->extend || release))
		not_available(a);
	else if (!en)
		ref_gone(a);
	else if (p->extend || release)
		ref_extend(a, en, &p->receipt, p->extend ? p->ms : p->outcome.delay_ms);
	else
		ref_remove(a, en, &p->receipt);
}

static void ref_remote(struct ask *a, struct queue *q, const struct pending_ref *p)
{
	struct engine *e = q->engine;
	struct view handle = view_of(p->receipt.handle, p->receipt.handle_n);
	size_t mark = journal_mark_point(e);
	if (p->extend)
		journal_handle(q, p->ms ? OP_EXTEND : OP_RELEASE, handle, p->ms);
	else if (p->outcome.kind == OUTCOME_RELEASE)
		journal_handle(q, OP_RELEASE, handle, p->outcome.delay_ms);
	else
		journal_handle(q, OP_REMOVE, handle, 0);
	journal_wait(e, mark, a);
	ask_ready(a);
}

static void ref_load(struct queue *q, struct ask *a, const struct pending_ref *p)
{
	struct engine *e = q->engine;
	struct pending_ref *copy = mem_alloc(sizeof(*copy));
	*copy = *p;
	copy->ask = a;
	a->waits++;
	list_push_back(&q->pending_refs, &copy->link);
	e->store->ops->load(e->store, &(struct store_load){
		.queue = q->uid, .lane = LANE_READY, .after = p->receipt.pos - 1, .n = 1, .bytes = 1,
		.tag = LOAD_REF | p->receipt.pos,
	});
}

static bool maybe_paged(const struct queue *q, uint64_t pos)
{
	const struct lane *l = &q->lane;
	return l->behind_n && pos >= l->behind_from && pos <= l->behind_to;
}

static void ref_verb(struct engine *e, uint64_t session, uint64_t cmd, struct view queue, struct pending_ref *p)
{
	struct session *s = session_find(e, session);
	if (!s)
		return;
	struct ask *a = ask_new(s, cmd);
	struct queue *q;
	if (queue_access(s, queue, &q, &a->error) != CODE_OK) {
		ask_ready(a);
		return;
	}
	if (p->receipt.queue != q->uid) {
		ask_error(a, CODE_INVALID, "the receipt handle is of another queue");
		return;
	}
	if (q->remote) {
		ref_remote(a, q, p);
		return;
	}
	struct entry *en = map64_find(&e->by_pos, p->receipt.pos);
	if (en && en->queue != q)
		en = NULL; /* moved on to another queue */
	if (en || !maybe_paged(q, p->receipt.pos))
		ref_apply(a, en, p);
	else if (journal_submit_now(e))
		ref_load(q, a, p);
	else
		ask_error(a, CODE_UNAVAILABLE, "the store cannot be read now");
}

void engine_settle_ref(struct engine *e, uint64_t session, uint64_t cmd, struct view queue,
		       const struct receipt *r, const struct outcome *o)
{
	struct pending_ref p = {.receipt = *r, .outcome = *o};
	ref_verb(e, session, cmd, queue, &p);
}

void engine_extend_ref(struct engine *e, uint64_t session, uint64_t cmd, struct view queue,
		       const struct receipt *r, int64_t ms)
{
	struct pending_ref p = {.receipt = *r, .extend = true, .ms = ms};
	ref_verb(e, session, cmd, queue, &p);
}

/* The message came alone: it is resident from now on, at its own place. */
static struct entry *ref_adopt(struct queue *q, const struct store_entry *s)
{
	struct entry *en = lane_adopt(q, s);
	lane_return(en);
	lane_one_less(q, s->message);
	return en;
}

static struct entry *ref_entry(struct queue *q, const struct store_loaded *l, uint64_t pos)
{
	struct entry *en = map64_find(&q->engine->by_pos, pos);
	for (size_t i = 0; i < l->n; i++) {
		const struct store_entry *s = &l->entries[i];
		if (s->pos == pos && !en && maybe_paged(q, pos))
			en = ref_adopt(q, s);
		else
			message_unref(s->message);
	}
	return en;
}

void refs_loaded(struct queue *q, const struct store_loaded *l)
{
	uint64_t pos = l->load->tag & ~LOAD_REF;
	struct entry *en = ref_entry(q, l, pos);
	LIST_EACH(&q->pending_refs, k) {
		struct pending_ref *p = LIST_ENTRY(k, struct pending_ref, link);
		if (p->receipt.pos != pos)
			continue;
		list_remove(k);
		p->ask->waits--;
		if (l->failed)
			ask_error(p->ask, CODE_UNAVAILABLE, "the store could not be read");
		else
			ref_apply(p->ask, en, p);
		free(p);
		en = map64_find(&q->engine->by_pos, pos); /* the first verb may have ended it */
	}
	queue_poke(q);
}

void refs_end(struct queue *q)
{
	LIST_EACH(&q->pending_refs, k) {
		struct pending_ref *p = LIST_ENTRY(k, struct pending_ref, link);
		list_remove(k);
		p->ask->waits--;
		ask_error(p->ask, CODE_NOT_FOUND, "the queue was deleted");
		free(p);
	}
}
