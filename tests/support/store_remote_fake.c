/* SPDX-License-Identifier: Apache-2.0 */
/* Work waits as tasks: one for each destination of an append, each other
 * operation, each load. A step picks a random runnable one and carries it out;
 * what is to be raised goes into a list that poll empties. */
#include "support/store_remote_fake.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/map.h"
#include "base/rng.h"

enum { HANDLE = 16, BATCH_MAX = 10, MILLE = 1000 };

struct fake_message {
	struct message *message; /* one reference */
	uint32_t queue, origin;
	uint16_t received, delivered, failed; /* as appended */
	int64_t due_ms;      /* wall; 0: none */
	int64_t deadline_ms; /* kept */
	uint64_t id;
	uint32_t receives; /* names the lease */
	bool leased;
	int64_t until_ms; /* mono: lease, or hidden after a release */
};

struct fake_queue {
	struct fake_message **v;
	size_t n, cap;
};

struct fake_def {
	struct view kind, key, value; /* allocations of their own */
	uint64_t version;
};

struct group {
	size_t appends; /* waiting */
	bool failed;    /* one of its appends was */
};

struct flight {
	struct store_batch *batch;
	struct group *groups;
	size_t left;
};

enum task_kind { TASK_DEST, TASK_OP, TASK_LOAD };

struct task {
	enum task_kind kind;
	struct flight *flight;
	struct store_op *op;
	struct store_dest *dest;
	struct group *group;
	struct store_load load;
	int64_t load_until_ms;
	bool load_cancelled;
	uint32_t polls; /* still to wait */
};

enum event_kind { EVENT_DONE, EVENT_LOADED, EVENT_LOST, EVENT_ARRIVED, EVENT_DEF };

struct happening {
	struct happening *next;
	enum event_kind kind;
	struct flight *flight;
	struct store_load load;
	struct store_entry *entries;
	uint8_t (*handles)[HANDLE];
	size_t n;
	uint32_t queue;
	uint8_t handle[HANDLE];
	struct view def_kind, def_key; /* owned */
};

struct fake {
	struct store store;
	struct fake_options o;
	struct rng rng;
	struct now now;
	struct map64 queues;
	struct task **tasks;
	size_t n_tasks, cap_tasks;
	struct happening *first, **last;
	struct fake_def **defs;
	size_t n_defs, cap_defs;
	uint64_t next_id, def_version;
	size_t waiting; /* batches and loads not raised */
};

static struct fake *fake_of(struct store *s)
{
	return (struct fake *)(void *)s;
}

static bool chance(struct fake *f, uint32_t per_mille)
{
	return rng_below(&f->rng, MILLE) < per_mille;
}

static struct view view_dup(struct view v)
{
	uint8_t *p = mem_alloc(v.n + 1);
	if (v.n)
		memcpy(p, v.p, v.n);
	return view_of(p, v.n);
}

static void view_free(struct view v)
{
	free((void *)(uintptr_t)v.p);
}

static struct happening *happen(struct fake *f, enum event_kind kind)
{
	struct happening *h = mem_zalloc(sizeof(*h));
	bool first = !f->first;
	h->kind = kind;
	*f->last = h;
	f->last = &h->next;
	if (first && f->store.wake)
		f->store.wake(f->store.wake_ctx);
	return h;
}

/* ---- messages ---- */

static struct fake_queue *queue_get(struct fake *f, uint32_t uid)
{
	struct fake_queue *q = map64_find(&f->queues, uid);
	if (!q) {
		q = mem_zalloc(sizeof(*q));
		map64_put(&f->queues, uid, q);
	}
	return q;
}

static void message_add(struct fake *f, struct fake_message m)
{
	struct fake_queue *q = queue_get(f, m.queue);
	if (q->n == q->cap)
		q->v = mem_grow(q->v, &q->cap, q->n + 1, sizeof(*q->v));
	m.id = ++f->next_id;
	message_ref(m.message);
	q->v[q->n] = mem_alloc(sizeof(m));
	*q->v[q->n++] = m;
}

static void message_drop(struct fake_queue *q, size_t i)
{
	message_unref(q->v[i]->message);
	free(q->v[i]);
	q->v[i] = q->v[--q->n];
}

static bool is_visible(const struct fake *f, const struct fake_message *m)
{
	return !m->leased && m->until_ms <= f->now.mono_ms && m->due_ms <= f->now.wall_ms;
}

/* A random visible one, or SIZE_MAX. */
static size_t pick_visible(struct fake *f, const struct fake_queue *q)
{
	size_t n = 0, pick = SIZE_MAX;
	for (size_t i = 0; i < q->n; i++)
		if (is_visible(f, q->v[i]) && rng_below(&f->rng, ++n) == 0)
			pick = i;
	return pick;
}

static void handle_put(const struct fake_message *m, uint8_t out[HANDLE])
{
	be32_put(out, m->queue);
	be64_put(out + 4, m->id);
	be32_put(out + 12, m->receives);
}

/* The message whose present lease the handle names. */
static bool handle_find(struct fake *f, struct view handle, struct fake_queue **q, size_t *at)
{
	if (handle.n != HANDLE)
		return false;
	*q = queue_get(f, be32_get(handle.p));
	for (size_t i = 0; i < (*q)->n; i++) {
		const struct fake_message *m = (*q)->v[i];
		if (m->id != be64_get(handle.p + 4))
			continue;
		*at = i;
		return m->leased && m->receives == be32_get(handle.p + 12);
	}
	return false;
}

/* ---- definitions ---- */

static size_t def_find(const struct fake *f, struct view kind, struct view key)
{
	size_t i = 0;
	while (i < f->n_defs && !(view_eq(f->defs[i]->kind, kind) && view_eq(f->defs[i]->key, key)))
		i++;
	return i;
}

static void def_free(struct fake_def *d)
{
	view_free(d->kind);
	view_free(d->key);
	view_free(d->value);
	free(d);
}

static uint64_t def_set(struct fake *f, struct view kind, struct view key, const struct view *value)
{
	size_t i = def_find(f, kind, key);
	if (i < f->n_defs) {
		def_free(f->defs[i]);
		f->defs[i] = f->defs[--f->n_defs];
	}
	if (!value)
		return 0;
	if (f->n_defs == f->cap_defs)
		f->defs = mem_grow(f->defs, &f->cap_defs, f->n_defs + 1, sizeof(*f->defs));
	struct fake_def *d = mem_alloc(sizeof(*d));
	*d = (struct fake_def){view_dup(kind), view_dup(key), view_dup(*value), ++f->def_version};
	f->defs[f->n_defs++] = d;
	return d->version;
}

static enum store_result def_do(struct fake *f, struct store_op *op)
{
	bool meta = op->kind == OP_META;
	struct view kind = meta ? VIEW("meta") : op->def.kind;
	size_t i = def_find(f, kind, op->def.key);
	uint64_t there = i < f->n_defs ? f->defs[i]->version : 0;
	if (!meta && op->def.expected != DEF_ANY && op->def.expected != there)
		return STORE_REFUSED;
	op->def.version = def_set(f, kind, op->def.key,
				  op->kind == OP_DEF_DELETE ? NULL : &op->def.value);
	return STORE_OK;
}

/* ---- carrying out ---- */

static enum store_result dest_do(struct fake *f, const struct task *t)
{
	if (t->dest->dead)
		return STORE_OK;
	if (chance(f, f->o.retry))
		return STORE_RETRY_LATER;
	if (chance(f, f->o.refuse))
		return STORE_REFUSED;
	const struct store_dest *d = t->dest;
	struct fake_message m = {
		.message = t->op->append.message,
		.queue = d->queue,
		.origin = d->origin,
		.received = d->received,
		.delivered = d->delivered,
		.failed = d->failed,
		.due_ms = d->due_ms,
		.deadline_ms = d->deadline_ms,
	};
	message_add(f, m);
	if (chance(f, f->o.duplicate))
		message_add(f, m);
	return STORE_OK;
}

static enum store_result lease_do(struct fake *f, const struct store_op *op)
{
	struct fake_queue *q;
	size_t i;
	if (!handle_find(f, op->entry.handle, &q, &i))
		return STORE_LOST;
	struct fake_message *m = q->v[i];
	if (chance(f, f->o.lose)) {
		m->leased = false;
		m->until_ms = 0;
		return STORE_LOST;
	}
	if (op->kind == OP_REMOVE) {
		message_drop(q, i);
	} else {
		m->leased = op->kind == OP_EXTEND;
		m->until_ms = f->now.mono_ms + op->entry.ms;
	}
	return STORE_OK;
}

static enum store_result op_do(struct fake *f, struct store_op *op)
{
	struct fake_queue *q;
	if (op->kind == OP_NONE)
		return STORE_OK;
	if (chance(f, f->o.retry))
		return STORE_RETRY_LATER;
	switch (op->kind) {
	case OP_REMOVE:
	case OP_EXTEND:
	case OP_RELEASE:
		return lease_do(f, op);
	case OP_QUEUE_ROW:
		return STORE_OK;
	case OP_PURGE:
		q = queue_get(f, op->purge.queue);
		while (q->n)
			message_drop(q, 0);
		return STORE_OK;
	case OP_DEF_PUT:
	case OP_DEF_DELETE:
	case OP_META:
		return def_do(f, op);
	default:
		return STORE_REFUSED;
	}
}

static void load_do(struct fake *f, const struct task *t)
{
	struct happening *h = happen(f, EVENT_LOADED);
	struct fake_queue *q = queue_get(f, t->load.queue);
	size_t max = f->o.batch_max ? f->o.batch_max : BATCH_MAX, i;
	if (t->load.n < max)
		max = t->load.n;
	h->load = t->load;
	h->entries = mem_zalloc(max * sizeof(*h->entries) + 1);
	h->handles = mem_zalloc(max * HANDLE + 1);
	while (!t->load_cancelled && h->n < max && (i = pick_visible(f, q)) != SIZE_MAX) {
		struct fake_message *m = q->v[i];
		m->leased = true;
		m->receives++;
		m->until_ms = f->now.mono_ms + t->load.lease_ms;
		handle_put(m, h->handles[h->n]);
		h->entries[h->n] = (struct store_entry){
			.queue = m->queue,
			.origin = m->origin,
			.received = (uint16_t)(m->received + m->receives - 1),
			.delivered = m->delivered,
			.failed = m->failed,
			.due_ms = m->due_ms,
			.deadline_ms = m->deadline_ms,
			.message = message_ref(m->message),
			.handle = view_of(h->handles[h->n], HANDLE),
			.lease_until_ms = m->until_ms,
		};
		h->n++;
	}
}

static bool runnable(struct fake *f, const struct task *t)
{
	if (t->kind == TASK_OP)
		return t->group->appends == 0;
	if (t->kind == TASK_DEST)
		return true;
	return t->load_cancelled || t->load_until_ms <= f->now.mono_ms ||
	       pick_visible(f, queue_get(f, t->load.queue)) != SIZE_MAX;
}

static void dest_finish(struct task *t, enum store_result r)
{
	t->dest->result = (uint8_t)r;
	if (t->op->result == STORE_PENDING || t->op->result == STORE_OK)
		t->op->result = (uint8_t)r; /* the worst of its destinations */
	t->group->appends--;
	t->group->failed |= r != STORE_OK;
}

/* Takes the task out and does it. */
static void task_do(struct fake *f, size_t i)
{
	struct task *t = f->tasks[i];
	f->tasks[i] = f->tasks[--f->n_tasks];
	if (t->kind == TASK_LOAD)
		load_do(f, t);
	else if (t->kind == TASK_DEST)
		dest_finish(t, dest_do(f, t));
	else
		t->op->result = (uint8_t)(t->group->failed ? STORE_RETRY_LATER : op_do(f, t->op));
	if (t->flight && --t->flight->left == 0)
		happen(f, EVENT_DONE)->flight = t->flight;
	free(t);
}

/* One random task that can go on and need not wait (`due`: any). */
static bool step_one(struct fake *f, bool due_only)
{
	size_t n = 0, pick = SIZE_MAX;
	for (size_t i = 0; i < f->n_tasks; i++)
		if ((!due_only || f->tasks[i]->polls == 0) && runnable(f, f->tasks[i]) &&
		    rng_below(&f->rng, ++n) == 0)
			pick = i;
	if (pick != SIZE_MAX)
		task_do(f, pick);
	return pick != SIZE_MAX;
}

/* ---- the door ---- */

static struct task *task_add(struct fake *f, enum task_kind kind)
{
	struct task *t = mem_zalloc(sizeof(*t));
	if (f->n_tasks == f->cap_tasks)
		f->tasks = mem_grow(f->tasks, &f->cap_tasks, f->n_tasks + 1, sizeof(*f->tasks));
	t->kind = kind;
	t->polls = (uint32_t)rng_below(&f->rng, (uint64_t)f->o.late_polls + 1);
	f->tasks[f->n_tasks++] = t;
	return t;
}

static void op_tasks(struct fake *f, struct flight *flight, struct store_op *op, struct group *g)
{
	uint32_t n = op->kind == OP_APPEND ? op->append.n_dests : 1;
	op->result = op->kind == OP_APPEND && n == 0 ? STORE_OK : STORE_PENDING;
	for (uint32_t i = 0; i < n; i++) {
		struct task *t = task_add(f, op->kind == OP_APPEND ? TASK_DEST : TASK_OP);
		t->flight = flight;
		t->op = op;
		t->group = g;
		if (t->kind == TASK_DEST) {
			t->dest = &op->append.dests[i];
			g->appends++;
		}
		flight->left++;
	}
}

static void fake_submit(struct store *s, struct store_batch *b)
{
	struct fake *f = fake_of(s);
	struct flight *flight = mem_zalloc(sizeof(*flight));
	struct group *g = flight->groups = mem_zalloc((b->n + 1) * sizeof(*g));
	flight->batch = b;
	f->waiting++;
	for (size_t i = 0; i < b->n; i++) {
		op_tasks(f, flight, &b->ops[i], g);
		g += b->ops[i].group_end;
	}
	if (flight->left == 0)
		happen(f, EVENT_DONE)->flight = flight;
}

static void fake_load(struct store *s, const struct store_load *l)
{
	struct fake *f = fake_of(s);
	struct task *t = task_add(f, TASK_LOAD);
	t->load = *l;
	t->load_until_ms = f->now.mono_ms + l->wait_ms;
	f->waiting++;
}

static void fake_load_cancel(struct store *s, uint64_t tag)
{
	struct fake *f = fake_of(s);
	for (size_t i = 0; i < f->n_tasks; i++)
		if (f->tasks[i]->kind == TASK_LOAD && f->tasks[i]->load.tag == tag)
			f->tasks[i]->load_cancelled = true;
}

static void raise_loaded(struct fake *f, struct happening *h)
{
	struct store_loaded l = {.load = &h->load, .entries = h->entries, .n = h->n};
	if (f->store.sink.loaded) {
		f->store.sink.loaded(f->store.sink.ctx, &l);
	} else {
		for (size_t i = 0; i < h->n; i++)
			message_unref(h->entries[i].message);
	}
	free(h->entries);
	free(h->handles);
}

static void raise_one(struct fake *f, struct happening *h)
{
	const struct store_sink *sink = &f->store.sink;
	switch (h->kind) {
	case EVENT_DONE:
		f->waiting--;
		h->flight->batch->done(h->flight->batch, h->flight->batch->ctx);
		free(h->flight->groups);
		free(h->flight);
		break;
	case EVENT_LOADED:
		f->waiting--;
		raise_loaded(f, h);
		break;
	case EVENT_LOST:
		if (sink->lease_lost)
			sink->lease_lost(sink->ctx, h->queue, view_of(h->handle, HANDLE));
		break;
	case EVENT_ARRIVED:
		if (sink->arrived)
			sink->arrived(sink->ctx, h->queue);
		break;
	case EVENT_DEF:
		if (sink->def_changed)
			sink->def_changed(sink->ctx, h->def_kind, h->def_key);
		view_free(h->def_kind);
		view_free(h->def_key);
		break;
	}
	free(h);
}

static int raise_all(struct fake *f)
{
	struct happening *h = f->first;
	int n = 0;
	f->first = NULL;
	f->last = &f->first;
	for (struct happening *next; h; h = next, n++) {
		next = h->next;
		raise_one(f, h);
	}
	return n;
}

static int fake_poll(struct store *s)
{
	struct fake *f = fake_of(s);
	if (!f->o.manual) {
		while (step_one(f, true))
			;
		for (size_t i = 0; i < f->n_tasks; i++)
			if (f->tasks[i]->polls)
				f->tasks[i]->polls--;
	}
	return raise_all(f);
}

static bool fake_idle(const struct store *s)
{
	return ((const struct fake *)(const void *)s)->waiting == 0;
}

static bool fake_rows(struct store *s, void (*each)(void *ctx, const struct store_queue_row *row), void *ctx)
{
	struct fake *f = fake_of(s);
	size_t at = 0;
	uint64_t uid;
	while (map64_next(&f->queues, &at, &uid)) {
		struct store_queue_row row = {.uid = (uint32_t)uid};
		row.entries = fake_count_approximate(s, row.uid);
		each(ctx, &row);
	}
	return true;
}

static bool fake_defs(struct store *s, struct view kind,
		      void (*each)(void *ctx, struct view key, struct view value, uint64_t version), void *ctx)
{
	const struct fake *f = fake_of(s);
	for (size_t i = 0; i < f->n_defs; i++)
		if (view_eq(f->defs[i]->kind, kind))
			each(ctx, f->defs[i]->key, f->defs[i]->value, f->defs[i]->version);
	return true;
}

static void fake_close(struct store *s)
{
	struct fake *f = fake_of(s);
	size_t at = 0;
	uint64_t uid;
	struct fake_queue *q;
	do {
		for (size_t i = 0; i < f->n_tasks; i++)
			f->tasks[i]->load_cancelled = true;
		while (step_one(f, false))
			;
	} while (raise_all(f));
	while ((q = map64_next(&f->queues, &at, &uid))) {
		while (q->n)
			message_drop(q, 0);
		free(q->v);
		free(q);
	}
	map64_fini(&f->queues);
	for (size_t i = 0; i < f->n_defs; i++)
		def_free(f->defs[i]);
	free(f->defs);
	free(f->tasks);
	free(f);
}

static const struct store_ops fake_ops = {
	.name = "remote fake",
	.caps = STORE_OWNS_LEASES | STORE_SURVIVES,
	.submit = fake_submit,
	.load = fake_load,
	.load_cancel = fake_load_cancel,
	.poll = fake_poll,
	.idle = fake_idle,
	.rows = fake_rows,
	.defs = fake_defs,
	.close = fake_close,
};

/* ---- the test's side ---- */

struct store *fake_open(const struct fake_options *o)
{
	struct fake *f = mem_zalloc(sizeof(*f));
	f->store.ops = &fake_ops;
	f->o = *o;
	f->last = &f->first;
	rng_seed(&f->rng, o->seed);
	return &f->store;
}

struct fake_options *fake_options(struct store *s)
{
	return &fake_of(s)->o;
}

static void lease_end(struct fake *f, struct fake_message *m, bool tell)
{
	m->leased = false;
	m->until_ms = 0;
	if (!tell)
		return;
	struct happening *h = happen(f, EVENT_LOST);
	h->queue = m->queue;
	handle_put(m, h->handle);
}

void fake_now(struct store *s, struct now now)
{
	struct fake *f = fake_of(s);
	const struct fake_queue *q;
	size_t at = 0;
	uint64_t uid;
	f->now = now;
	while ((q = map64_next(&f->queues, &at, &uid)))
		for (size_t i = 0; i < q->n; i++)
			if (q->v[i]->leased && q->v[i]->until_ms <= now.mono_ms)
				lease_end(f, q->v[i], chance(f, f->o.tell_lost));
}

size_t fake_step(struct store *s, size_t n)
{
	size_t done = 0;
	while (done < n && step_one(fake_of(s), false))
		done++;
	return done;
}

void fake_put(struct store *s, uint32_t queue, struct message *m)
{
	struct fake *f = fake_of(s);
	message_add(f, (struct fake_message){.message = m, .queue = queue, .origin = queue});
	happen(f, EVENT_ARRIVED)->queue = queue;
}

bool fake_receive(struct store *s, uint32_t queue, int64_t lease_ms)
{
	struct fake *f = fake_of(s);
	struct fake_queue *q = queue_get(f, queue);
	size_t i = pick_visible(f, q);
	if (i == SIZE_MAX)
		return false;
	if (lease_ms == 0) {
		message_drop(q, i);
		return true;
	}
	q->v[i]->leased = true;
	q->v[i]->receives++;
	q->v[i]->until_ms = f->now.mono_ms + lease_ms;
	return true;
}

void fake_def_change(struct store *s, struct view kind, struct view key, const struct view *value)
{
	struct fake *f = fake_of(s);
	def_set(f, kind, key, value);
	struct happening *h = happen(f, EVENT_DEF);
	h->def_kind = view_dup(kind);
	h->def_key = view_dup(key);
}

void fake_drop_leases(struct store *s, uint32_t queue)
{
	struct fake *f = fake_of(s);
	const struct fake_queue *q = queue_get(f, queue);
	for (size_t i = 0; i < q->n; i++)
		if (q->v[i]->leased)
			lease_end(f, q->v[i], chance(f, f->o.tell_lost));
}

size_t fake_count(struct store *s, uint32_t queue)
{
	return queue_get(fake_of(s), queue)->n;
}

size_t fake_visible(struct store *s, uint32_t queue)
{
	const struct fake_queue *q = queue_get(fake_of(s), queue);
	size_t n = 0;
	for (size_t i = 0; i < q->n; i++)
		n += is_visible(fake_of(s), q->v[i]);
	return n;
}

size_t fake_leased(struct store *s, uint32_t queue)
{
	const struct fake_queue *q = queue_get(fake_of(s), queue);
	size_t n = 0;
	for (size_t i = 0; i < q->n; i++)
		n += q->v[i]->leased;
	return n;
}

size_t fake_delayed(struct store *s, uint32_t queue)
{
	return fake_count(s, queue) - fake_visible(s, queue) - fake_leased(s, queue);
}

size_t fake_waiting(struct store *s)
{
	return fake_of(s)->n_tasks;
}

size_t fake_count_approximate(struct store *s, uint32_t queue)
{
	struct fake *f = fake_of(s);
	size_t n = fake_count(s, queue), span = n / 5;
	return n - span + (size_t)rng_below(&f->rng, 2 * span + 1);
}
