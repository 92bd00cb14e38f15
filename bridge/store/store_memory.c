/* SPDX-License-Identifier: Apache-2.0 */
/* The memory store. submit and load only queue a job; poll does the jobs that
 * were there when it began, in order, and raises their outcome, so a load sees
 * everything submitted before it and nothing is raised from inside the door.
 *
 * Invariants:
 *  1. every entry is in `by_pos` and in exactly the lane of its (queue, lane);
 *  2. a lane that holds nothing is not in `lanes`;
 *  3. an entry holds one reference to its message.
 * A long lane is purged whole (engine.md §8): what stays moves to a new one, the
 * old one is freed a slice a poll; until then by_pos still has its entries, which
 * entry_find does not.
 * A group is checked before it is done, so it is done whole or refused whole. */
#include "store/store_memory.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/map.h"
#include "store/store_memory_lane.h"

struct memory_def {
	struct view kind, key; /* key in the map: both, behind this struct */
	struct view value;     /* an allocation of its own */
	uint64_t version;
	struct view whole;
};

struct job {
	struct job *next;
	struct store_batch *batch; /* or NULL: a load */
	struct store_load load;
	bool cancelled;
};

struct memory {
	struct store store;
	struct job *first, **last;
	struct map64 by_pos; /* pos → memory_entry */
	struct map64 lanes;  /* queue, lane → memory_lane */
	struct map64 rows;   /* uid → store_queue_row */
	struct mapv defs;    /* kind NUL key → memory_def */
	uint64_t def_version;
	struct memory_lane *purged; /* waiting to be freed */
};

/* Purged: at once, if a lane has no more; freed in one poll. */
enum { PURGE_AT_ONCE = 128, PURGE_SLICE = 4096 };

static struct memory *memory_of(struct store *s)
{
	return (struct memory *)(void *)s;
}

/* ---- entries ---- */

static uint64_t lane_key(uint32_t queue, uint8_t lane)
{
	return (uint64_t)queue << 8 | lane;
}

static struct memory_entry *entry_find(const struct memory *m, uint64_t pos)
{
	struct memory_entry *e = map64_find(&m->by_pos, pos);
	return e && !e->in->purged ? e : NULL;
}

static void purged_free(struct memory *m, struct memory_entry *e)
{
	must(e->in->purged);
	map64_remove(&m->by_pos, e->pos);
	memory_lane_remove(e->in, e->pos);
	message_unref(e->message);
	free(e);
}

static void entry_link(struct memory *m, struct memory_entry *e)
{
	uint64_t key = lane_key(e->queue, e->lane);
	struct memory_lane *l = map64_find(&m->lanes, key);
	if (!l) {
		l = mem_zalloc(sizeof(*l));
		map64_put(&m->lanes, key, l);
	}
	struct memory_entry *old = map64_find(&m->by_pos, e->pos);
	if (old)
		purged_free(m, old);
	memory_lane_add(l, e);
	map64_put(&m->by_pos, e->pos, e);
}

static void entry_unlink(struct memory *m, struct memory_entry *e)
{
	uint64_t key = lane_key(e->queue, e->lane);
	struct memory_lane *l = map64_find(&m->lanes, key);
	must(l);
	memory_lane_remove(l, e->pos);
	map64_remove(&m->by_pos, e->pos);
	if (l->live == 0) {
		map64_remove(&m->lanes, key);
		memory_lane_fini(l);
		free(l);
	}
}

static void entry_drop(struct memory *m, struct memory_entry *e)
{
	entry_unlink(m, e);
	message_unref(e->message);
	free(e);
}

static void append(struct memory *m, struct store_op *op)
{
	for (uint32_t i = 0; i < op->append.n_dests; i++) {
		struct store_dest *d = &op->append.dests[i];
		d->result = STORE_OK;
		if (d->dead)
			continue;
		struct memory_entry *e = mem_alloc(sizeof(*e));
		*e = (struct memory_entry){
			.message = message_ref(op->append.message),
			.pos = d->pos,
			.queue = d->queue,
			.origin = d->origin,
			.lane = d->lane,
			.received = d->received,
			.delivered = d->delivered,
			.failed = d->failed,
			.due_ms = d->due_ms,
			.deadline_ms = d->deadline_ms,
		};
		entry_link(m, e);
	}
}

/* OP_DUE and OP_MOVE: the entry gets another place. */
static void place(struct memory *m, const struct store_op *op, struct memory_entry *e)
{
	entry_unlink(m, e);
	if (op->kind == OP_MOVE)
		e->queue = op->entry.queue2;
	else
		e->due_ms = op->entry.due_ms;
	e->lane = op->entry.lane2;
	if (op->entry.pos2)
		e->pos = op->entry.pos2;
	entry_link(m, e);
}

static enum store_result entry_op(struct memory *m, const struct store_op *op)
{
	struct memory_entry *e = entry_find(m, op->entry.pos);
	if (!e)
		return op->kind == OP_REMOVE ? STORE_OK : STORE_LOST;
	if (op->kind == OP_REMOVE) {
		entry_drop(m, e);
	} else if (op->kind == OP_MARK) {
		e->received = op->entry.received;
		e->delivered = op->entry.delivered;
		e->failed = op->entry.failed;
	} else {
		place(m, op, e);
	}
	return STORE_OK;
}

static int pos_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void entry_stays(struct memory *m, struct memory_lane *old, struct memory_entry *e)
{
	memory_lane_remove(old, e->pos);
	map64_remove(&m->by_pos, e->pos);
	entry_link(m, e);
}

/* All of it but what stays, which finds itself in a new lane. */
static void purge_whole_lane(struct memory *m, const struct store_op *op, uint64_t key, uint64_t upto)
{
	struct memory_lane *l = map64_remove(&m->lanes, key);
	for (size_t i = 0; i < op->purge.n_keep; i++) {
		struct memory_entry *e = entry_find(m, op->purge.keep[i]);
		if (e && e->in == l && e->pos <= upto)
			entry_stays(m, l, e);
	}
	while (l->n > l->head && l->slots[l->n - 1].pos > upto) {
		struct memory_entry *e = l->slots[l->n - 1].entry;
		if (e)
			entry_stays(m, l, e);
		else
			l->n--;
	}
	l->purged = true;
	l->next_purged = m->purged;
	m->purged = l;
}

static void purge_lane(struct memory *m, const struct store_op *op, uint8_t lane)
{
	uint64_t key = lane_key(op->purge.queue, lane);
	struct memory_lane *l = map64_find(&m->lanes, key);
	uint64_t upto = op->purge.whole_queue && op->purge.upto == 0 ? UINT64_MAX : op->purge.upto;
	uint64_t after = 0;
	if (l && l->live > PURGE_AT_ONCE) {
		purge_whole_lane(m, op, key, upto);
		return;
	}
	/* The lane is freed with its last entry: look it up again every time. */
	while (l) {
		size_t i = memory_lane_after(l, after);
		while (i < l->n && !l->slots[i].entry)
			i++;
		if (i == l->n || l->slots[i].pos > upto)
			return;
		after = l->slots[i].pos;
		if (!op->purge.n_keep || !bsearch(&after, op->purge.keep, op->purge.n_keep,
						  sizeof(after), pos_cmp))
			entry_drop(m, l->slots[i].entry);
		l = map64_find(&m->lanes, key);
	}
}

static void purge(struct memory *m, const struct store_op *op)
{
	if (!op->purge.whole_queue) {
		purge_lane(m, op, op->purge.lane);
		return;
	}
	for (unsigned lane = 0; lane < 256; lane++)
		purge_lane(m, op, (uint8_t)lane);
	free(map64_remove(&m->rows, op->purge.queue));
}

static void queue_row(struct memory *m, const struct store_queue_row *row)
{
	struct store_queue_row *r = map64_find(&m->rows, row->uid);
	if (!r) {
		r = mem_alloc(sizeof(*r));
		map64_put(&m->rows, row->uid, r);
	}
	*r = *row;
}

/* ---- definitions ---- */

static struct view def_kind(const struct store_op *op)
{
	return op->kind == OP_META ? VIEW("meta") : op->def.kind;
}

/* Kind, NUL, key in one allocation of the caller's. */
static struct view def_name(struct view kind, struct view key)
{
	uint8_t *p = mem_alloc(kind.n + key.n + 1);
	memcpy(p, kind.p, kind.n);
	p[kind.n] = 0;
	if (key.n)
		memcpy(p + kind.n + 1, key.p, key.n);
	return view_of(p, kind.n + key.n + 1);
}

static void def_free(struct memory_def *d)
{
	free((void *)(uintptr_t)d->whole.p);
	free((void *)(uintptr_t)d->value.p);
	free(d);
}

static void def_delete(struct memory *m, const struct store_op *op)
{
	struct view name = def_name(op->def.kind, op->def.key);
	struct memory_def *d = mapv_remove(&m->defs, name);
	free((void *)(uintptr_t)name.p);
	if (d)
		def_free(d);
}

static void def_put(struct memory *m, struct store_op *op)
{
	struct view kind = def_kind(op);
	struct view name = def_name(kind, op->def.key);
	struct memory_def *d = mapv_find(&m->defs, name);
	if (d) {
		free((void *)(uintptr_t)name.p);
		free((void *)(uintptr_t)d->value.p);
	} else {
		d = mem_zalloc(sizeof(*d));
		d->whole = name;
		d->kind = view_head(name, kind.n);
		d->key = view_skip(name, kind.n + 1);
		mapv_put(&m->defs, name, d);
	}
	uint8_t *value = mem_alloc(op->def.value.n + 1);
	if (op->def.value.n)
		memcpy(value, op->def.value.p, op->def.value.n);
	d->value = view_of(value, op->def.value.n);
	d->version = op->def.version = ++m->def_version;
}

/* The version op `at` of its group would meet; earlier ops of the group count
 * as done, with a version nobody can expect yet. */
static uint64_t def_version_at(const struct memory *m, const struct store_op *group, size_t at)
{
	const struct store_op *op = &group[at];
	for (size_t i = at; i-- > 0;) {
		const struct store_op *o = &group[i];
		if (o->kind != OP_DEF_PUT && o->kind != OP_DEF_DELETE)
			continue;
		if (view_eq(o->def.kind, op->def.kind) && view_eq(o->def.key, op->def.key))
			return o->kind == OP_DEF_DELETE ? 0 : m->def_version + 1;
	}
	struct view name = def_name(op->def.kind, op->def.key);
	const struct memory_def *d = mapv_find(&m->defs, name);
	free((void *)(uintptr_t)name.p);
	return d ? d->version : 0;
}

/* ---- groups ---- */

static bool pos_taken(const struct memory *m, uint64_t pos)
{
	return entry_find(m, pos) != NULL;
}

static bool op_allowed(const struct memory *m, const struct store_op *group, size_t at)
{
	const struct store_op *op = &group[at];
	switch (op->kind) {
	case OP_APPEND:
		for (uint32_t i = 0; i < op->append.n_dests; i++)
			if (!op->append.dests[i].dead && pos_taken(m, op->append.dests[i].pos))
				return false;
		return true;
	case OP_DUE:
	case OP_MOVE:
		return !op->entry.pos2 || op->entry.pos2 == op->entry.pos ||
		       !pos_taken(m, op->entry.pos2);
	case OP_DEF_PUT:
	case OP_DEF_DELETE:
		return op->def.expected == DEF_ANY || op->def.expected == def_version_at(m, group, at);
	case OP_EXTEND:
	case OP_RELEASE:
		return false; /* of stores that own leases */
	default:
		return true;
	}
}

static void op_do(struct memory *m, struct store_op *op)
{
	op->result = STORE_OK;
	switch (op->kind) {
	case OP_APPEND:
		append(m, op);
		break;
	case OP_REMOVE:
	case OP_MARK:
	case OP_DUE:
	case OP_MOVE:
		op->result = (uint8_t)entry_op(m, op);
		break;
	case OP_QUEUE_ROW:
		queue_row(m, &op->row);
		break;
	case OP_PURGE:
		purge(m, op);
		break;
	case OP_DEF_PUT:
	case OP_META:
		def_put(m, op);
		break;
	case OP_DEF_DELETE:
		def_delete(m, op);
		break;
	default:
		break;
	}
}

static void op_refuse(struct store_op *op)
{
	op->result = STORE_REFUSED;
	for (uint32_t i = 0; op->kind == OP_APPEND && i < op->append.n_dests; i++)
		op->append.dests[i].result = STORE_REFUSED;
}

static void group_do(struct memory *m, struct store_op *ops, size_t n)
{
	bool allowed = true;
	for (size_t i = 0; allowed && i < n; i++)
		allowed = op_allowed(m, ops, i);
	for (size_t i = 0; i < n; i++) {
		if (allowed)
			op_do(m, &ops[i]);
		else
			op_refuse(&ops[i]);
	}
}

static void batch_do(struct memory *m, struct store_batch *b)
{
	size_t start = 0;
	for (size_t i = 0; i < b->n; i++) {
		if (!b->ops[i].group_end && i + 1 < b->n)
			continue;
		group_do(m, b->ops + start, i + 1 - start);
		start = i + 1;
	}
	b->done(b, b->ctx);
}

/* ---- loads ---- */

static struct store_entry entry_out(const struct memory_entry *e)
{
	return (struct store_entry){
		.pos = e->pos,
		.queue = e->queue,
		.origin = e->origin,
		.lane = e->lane,
		.received = e->received,
		.delivered = e->delivered,
		.failed = e->failed,
		.due_ms = e->due_ms,
		.deadline_ms = e->deadline_ms,
		.message = message_ref(e->message),
	};
}

static void load_do(struct memory *m, const struct job *j)
{
	const struct store_load *load = &j->load;
	struct store_loaded out = {.load = load, .end = true};
	const struct memory_lane *l = map64_find(&m->lanes, lane_key(load->queue, load->lane));
	uint64_t bytes = 0;
	size_t cap = 0;

	for (size_t i = l ? memory_lane_after(l, load->after) : 0; l && i < l->n; i++) {
		if (!l->slots[i].entry)
			continue;
		if (j->cancelled || out.n == load->n || (out.n && bytes >= load->bytes)) {
			out.end = false;
			break;
		}
		if (out.n == cap)
			out.entries = mem_grow(out.entries, &cap, out.n + 1, sizeof(*out.entries));
		out.entries[out.n++] = entry_out(l->slots[i].entry);
		bytes += message_cost(l->slots[i].entry->message);
	}
	if (m->store.sink.loaded) {
		m->store.sink.loaded(m->store.sink.ctx, &out);
	} else {
		for (size_t i = 0; i < out.n; i++)
			message_unref(out.entries[i].message);
	}
	free(out.entries);
}

/* ---- the door ---- */

static void job_add(struct memory *m, struct job *j)
{
	bool first = !m->first;
	*m->last = j;
	m->last = &j->next;
	if (first && m->store.wake)
		m->store.wake(m->store.wake_ctx);
}

static void memory_submit(struct store *s, struct store_batch *b)
{
	struct job *j = mem_zalloc(sizeof(*j));
	j->batch = b;
	job_add(memory_of(s), j);
}

static void memory_load(struct store *s, const struct store_load *l)
{
	struct job *j = mem_zalloc(sizeof(*j));
	j->load = *l;
	job_add(memory_of(s), j);
}

static void memory_load_cancel(struct store *s, uint64_t tag)
{
	for (struct job *j = memory_of(s)->first; j; j = j->next)
		if (!j->batch && j->load.tag == tag)
			j->cancelled = true;
}

/* Some of what was purged. */
static void purged_slice(struct memory *m)
{
	struct memory_lane *l = m->purged;
	for (int i = 0; l && i < PURGE_SLICE && l->live; i++)
		purged_free(m, l->slots[l->head].entry);
	if (!l || l->live)
		return;
	m->purged = l->next_purged;
	memory_lane_fini(l);
	free(l);
}

static int memory_poll(struct store *s)
{
	struct memory *m = memory_of(s);
	struct job *j = m->first;
	int n = 0;

	m->first = NULL;
	m->last = &m->first;
	while (j) {
		struct job *next = j->next;
		if (j->batch)
			batch_do(m, j->batch);
		else
			load_do(m, j);
		free(j);
		j = next;
		n++;
	}
	if (m->purged) {
		purged_slice(m);
		n++;
		if (m->store.wake) /* the rest in a turn of its own */
			m->store.wake(m->store.wake_ctx);
	}
	return n;
}

static bool memory_idle(const struct store *s)
{
	return !((const struct memory *)(const void *)s)->first; /* freeing what was purged keeps nobody waiting */
}

static bool memory_rows(struct store *s, void (*each)(void *ctx, const struct store_queue_row *row),
			void *ctx)
{
	size_t at = 0;
	uint64_t uid;
	const struct store_queue_row *r;
	while ((r = map64_next(&memory_of(s)->rows, &at, &uid)))
		each(ctx, r);
	return true;
}

static bool memory_defs(struct store *s, struct view kind,
			void (*each)(void *ctx, struct view key, struct view value, uint64_t version),
			void *ctx)
{
	size_t at = 0;
	const struct memory_def *d;
	while ((d = mapv_next(&memory_of(s)->defs, &at)))
		if (view_eq(d->kind, kind))
			each(ctx, d->key, d->value, d->version);
	return true;
}

static void memory_close(struct store *s)
{
	struct memory *m = memory_of(s);
	size_t at = 0;
	uint64_t key;
	void *v;

	while (memory_poll(s))
		;
	while ((v = map64_next(&m->by_pos, &at, &key))) {
		message_unref(((struct memory_entry *)v)->message);
		free(v);
	}
	at = 0;
	while ((v = map64_next(&m->lanes, &at, &key))) {
		memory_lane_fini(v);
		free(v);
	}
	at = 0;
	while ((v = map64_next(&m->rows, &at, &key)))
		free(v);
	at = 0;
	while ((v = mapv_next(&m->defs, &at)))
		def_free(v);
	map64_fini(&m->by_pos);
	map64_fini(&m->lanes);
	map64_fini(&m->rows);
	mapv_fini(&m->defs);
	free(m);
}

static const struct store_ops memory_ops = {
	.name = "memory",
	.caps = STORE_ORDER | STORE_PRIORITY | STORE_BROWSE | STORE_EXACT_COUNTS |
		STORE_GROUPS_ATOMIC | STORE_MOVE | STORE_TTL,
	.submit = memory_submit,
	.load = memory_load,
	.load_cancel = memory_load_cancel,
	.poll = memory_poll,
	.idle = memory_idle,
	.rows = memory_rows,
	.defs = memory_defs,
	.close = memory_close,
};

struct store *store_memory_open(void)
{
	struct memory *m = mem_zalloc(sizeof(*m));
	m->store.ops = &memory_ops;
	m->last = &m->first;
	return &m->store;
}
