/* SPDX-License-Identifier: Apache-2.0 */
/* Wide fan-out over turns (engine.md §8). A message for more queues than one turn
 * should serve waits in its topic's list with the queues that it was routed to;
 * whatever is published to that topic meanwhile waits behind it, however narrow, so
 * that order holds in each queue. Each turn serves some thousand queues, one list
 * after the other.
 *
 *  F1  a list in engine.fanouts is not empty; a topic points to its list or to none
 *  F2  routes are those of the publish: later bindings do not matter; a queue that
 *      has gone by its turn is passed over (uids are not used twice)
 *  F3  a deleted topic leaves its list behind: what was accepted arrives
 *  F4  a publish stays unfinished until its message has reached its last queue
 *  F5  copies in a subscription's form are made when their turn comes; what is
 *      unsubscribed by then is passed over; when one cannot be made the publish fails
 *
 * A commit is one group of work: it finishes the lists of its topics at once and
 * then reaches all its own queues. The store gate bounds what may wait here. */
#include <stdlib.h>

#include "engine/engine_priv.h"

/* Before the next list has its turn. */
enum { FANOUT_SLICE = 1024 };

struct fanout {
	struct link link; /* engine.fanouts */
	struct engine *engine;
	struct topic *topic; /* NULL: deleted */
	struct link jobs;
};

struct job {
	struct link link;
	struct message *message; /* one reference */
	struct publish *publish; /* counts this job as one unfinished entry; NULL: no answer */
	uint64_t cost;
	bool wrapped; /* copies in the form of a subscription each */
	void *shared; /* the envelope maker's */
	size_t n, at;
	struct stop {
		uint32_t queue, subscription; /* uids; no subscription: the message itself */
	} stops[];
};

bool fanout_due(const struct topic *t, size_t n)
{
	return t->fanout || n > t->engine->options.fanout_max;
}

static struct fanout *fanout_get(struct topic *t)
{
	if (t->fanout)
		return t->fanout;
	struct fanout *f = mem_zalloc(sizeof(*f));
	f->engine = t->engine;
	f->topic = t;
	list_init(&f->jobs);
	list_push_back(&t->engine->fanouts, &f->link);
	t->fanout = f;
	return f;
}

/* For n queues, which the caller fills in. */
static struct job *job_add(struct topic *t, struct message *m, struct publish *p, size_t n)
{
	struct engine *e = t->engine;
	struct job *j = mem_alloc(sizeof(*j) + n * sizeof(*j->stops));
	*j = (struct job){.message = message_ref(m), .publish = p, .n = n};
	j->cost = message_cost(m) + n * sizeof(struct store_dest);
	if (p)
		p->unfinished++;
	e->fanout_bytes += j->cost;
	e->counters.fanouts++;
	list_push_back(&fanout_get(t)->jobs, &j->link);
	return j;
}

void fanout_add(struct topic *t, struct message *m, struct publish *p, const struct route *r)
{
	struct job *j = r->n ? job_add(t, m, p, r->n) : NULL;
	for (size_t i = 0; i < r->n; i++)
		j->stops[i] = (struct stop){.queue = r->queues[i]->uid};
	j = r->n_wrapped ? job_add(t, m, p, r->n_wrapped) : NULL;
	for (size_t i = 0; i < r->n_wrapped; i++)
		j->stops[i] = (struct stop){r->wrapped[i].queue->uid, r->wrapped[i].subscription->uid};
	if (j)
		j->wrapped = true;
}

static void job_free(struct engine *e, struct job *j)
{
	list_remove(&j->link);
	e->fanout_bytes -= j->cost;
	e->counters.fanouts--;
	message_unref(j->message);
	if (j->shared)
		e->options.envelopes->done(e->options.envelopes->ctx, j->shared);
	free(j);
}

static void stop_wrapped(struct engine *e, struct job *j, struct queue *q, const struct subscription *s)
{
	struct message *m = subscription_wrap(s, j->message, &j->shared);
	if (m)
		publish_enqueue(e, &q, 1, m, &(struct arrival){.publish = j->publish, .delay_ms = -1});
	else if (j->publish)
		j->publish->failed = true;
	if (!m)
		s->topic->dropped++;
	message_unref(m);
}

/* Up to `max` more queues of a job. Returns how many it looked at. */
static size_t job_step(struct engine *e, struct job *j, size_t max)
{
	struct queue *v[FANOUT_SLICE];
	size_t n = 0, looked = j->n - j->at < max ? j->n - j->at : max;
	looked = looked < FANOUT_SLICE ? looked : FANOUT_SLICE;
	for (size_t i = 0; i < looked; i++) {
		const struct stop *stop = &j->stops[j->at++];
		struct queue *q = map64_find(&e->queues, stop->queue);
		struct subscription *s = j->wrapped ? map64_find(&e->subscriptions, stop->subscription) : NULL;
		if (q && !queue_accepts(q, j->message, j->publish))
			continue;
		if (q && !j->wrapped)
			v[n++] = q;
		else if (q && s)
			stop_wrapped(e, j, q, s);
	}
	if (n)
		publish_enqueue(e, v, n, j->message, &(struct arrival){.publish = j->publish, .delay_ms = -1});
	return looked;
}

/* One step of a list; the list is gone with its last job. */
static size_t fanout_step(struct fanout *f, size_t max)
{
	struct engine *e = f->engine;
	struct job *j = LIST_ENTRY(list_first(&f->jobs), struct job, link);
	size_t looked = job_step(e, j, max);
	if (j->at < j->n)
		return looked;
	struct publish *p = j->publish;
	job_free(e, j);
	if (p)
		publish_finish(e, p, STORE_OK);
	if (list_empty(&f->jobs)) {
		list_remove(&f->link);
		if (f->topic)
			f->topic->fanout = NULL;
		free(f);
	}
	return looked;
}

void fanouts_run(struct engine *e)
{
	size_t left = e->options.fanout_turn;
	struct link *first;
	while ((first = list_first(&e->fanouts)) && positions_left(e)) {
		if (!left) {
			e->more = true;
			return;
		}
		list_remove(first);
		list_push_back(&e->fanouts, first);
		left -= fanout_step(LIST_ENTRY(first, struct fanout, link), left);
	}
}

void fanout_finish(struct topic *t)
{
	while (t->fanout && positions_left(t->engine))
		fanout_step(t->fanout, FANOUT_SLICE);
}

void fanout_orphan(struct topic *t)
{
	if (t->fanout)
		t->fanout->topic = NULL;
	t->fanout = NULL;
}

void fanouts_free(struct engine *e)
{
	LIST_EACH(&e->fanouts, k) {
		struct fanout *f = LIST_ENTRY(k, struct fanout, link);
		LIST_EACH(&f->jobs, i)
			job_free(e, LIST_ENTRY(i, struct job, link));
		free(f);
	}
}
