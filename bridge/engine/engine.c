/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's life and its turn. */
#include <stdlib.h>
#include <time.h>

#include "engine/engine_priv.h"

/* Positions and queue uids are reserved on disk ahead of use, in blocks, so that
 * one given to an unstored message is not given again (engine.md §1). */
enum { POSITION_BLOCK = 1 << 26, UID_BLOCK = 1 << 16, POSITIONS_MIN = 1 << 20,
       UIDS_MIN = 1 << 10, START_POLLS = 100000 };

static const struct timespec POLL_PAUSE = {.tv_nsec = 100000};

void engine_options_default(struct engine_options *o)
{
	*o = (struct engine_options){
		.window_entries = 16384,
		.window_bytes = 32u << 20,
		.load_entries = 512,
		.load_bytes = 4u << 20,
		.resident_high_bytes = 128u << 20,
		.resident_low_bytes = 96u << 20,
		.store_high_bytes = 64u << 20,
		.store_low_bytes = 32u << 20,
		.batch_ops_max = 20000,
		.deliver_turn = 4096,
		.deliver_bytes = 256u << 10,
		.in_flight_max = 120000,
		.fanout_max = 256,
		.fanout_turn = 4096,
		.seed = 1,
	};
}

struct vhost *vhost_get(struct engine *e, struct view name)
{
	struct vhost *v = mapv_find(&e->vhosts, name);
	if (v)
		return v;
	v = mem_zalloc(sizeof(*v) + name.n);
	uint8_t *copy = (uint8_t *)(v + 1);
	view_put(copy, name);
	v->name = view_of(copy, name.n);
	v->changes = 1;
	mapv_put(&e->vhosts, v->name, v);
	return v;
}

bool engine_vhost_has(const struct engine *e, struct view vhost)
{
	return mapv_find(&e->vhosts, vhost) != NULL;
}

/* ---- reserved numbers ---- */

static void reserve_more(struct engine *e)
{
	if (!e->reserving && e->pos_limit - e->next_pos < POSITION_BLOCK / 2) {
		e->reserving = true;
		journal_meta(e, "pos_limit", e->pos_limit + POSITION_BLOCK);
	}
	uint64_t uid_limit = (uint64_t)e->next_uid + UID_BLOCK;
	if (!e->uid_reserving && (uint64_t)e->next_uid + UID_BLOCK / 2 > e->uid_limit && uid_limit < UINT32_MAX) {
		e->uid_reserving = true;
		journal_meta(e, "uid_limit", uid_limit);
	}
}

bool positions_left(const struct engine *e)
{
	return e->pos_limit - e->next_pos > POSITIONS_MIN;
}

uint64_t position_next(struct engine *e)
{
	must(e->next_pos < e->pos_limit);
	return e->next_pos++;
}

bool uids_left(const struct engine *e)
{
	return (uint64_t)e->next_uid + UIDS_MIN < e->uid_limit;
}

uint32_t uid_next(struct engine *e)
{
	must(e->next_uid < UINT32_MAX);
	return e->next_uid++;
}

/* ---- the store's up-calls ---- */

static void on_loaded(void *ctx, const struct store_loaded *l)
{
	struct engine *e = ctx;
	bool marked = l->load->tag & LOAD_REF || load_is_kept(l);
	struct queue *q = map64_find(&e->queues, marked ? l->load->queue : l->load->tag);
	if (e->remote) {
		remote_loaded(e, l);
		return;
	}
	if (!q) {
		for (size_t i = 0; i < l->n; i++)
			message_unref(l->entries[i].message);
		return;
	}
	if (l->load->tag & LOAD_REF)
		refs_loaded(q, l);
	else if (load_is_kept(l))
		leases_loaded(q, l);
	else if (l->load->lane == LANE_DELAYED)
		queue_adopt_delayed(q, l);
	else
		lane_loaded(q, l);
}

static void on_lease_lost(void *ctx, uint32_t queue, struct view handle)
{
	remote_lost(ctx, queue, handle);
}

static void on_arrived(void *ctx, uint32_t queue)
{
	struct engine *e = ctx;
	struct queue *q = map64_find(&e->queues, queue);
	if (q)
		queue_poke(q);
}

static void on_state(void *ctx, enum store_state state, const char *why)
{
	struct engine *e = ctx;
	if (state != e->store_state)
		log_warn("store.state", "state=%d why=\"%s\"", (int)state, why ? why : "");
	e->store_state = state;
	if (state == STATE_OK)
		e->journal.retry_at_ms = 0;
}

/* ---- life ---- */

static void meta_read(void *ctx, struct view key, struct view value, uint64_t version)
{
	struct engine *e = ctx;
	(void)version;
	if (value.n != 8)
		return;
	uint64_t v = be64_get(value.p);
	if (view_is(key, "pos_limit"))
		e->next_pos = v;
	else if (view_is(key, "uid_limit"))
		e->next_uid = (uint32_t)v;
	else if (view_is(key, "boot"))
		e->boot = v;
}

/* Numbers of this life are on disk before the first one is given out. */
static enum code reserve_first(struct engine *e, struct error *err)
{
	if (!e->store->ops->defs(e->store, VIEW("meta"), meta_read, e))
		return error_set(err, CODE_UNAVAILABLE, "the store cannot be read");
	e->next_pos = e->next_pos ? e->next_pos : 1;
	e->next_uid = e->next_uid ? e->next_uid : 1;
	e->boot++;
	journal_meta(e, "pos_limit", e->next_pos + POSITION_BLOCK);
	journal_meta(e, "uid_limit", (uint64_t)e->next_uid + UID_BLOCK);
	journal_meta(e, "boot", e->boot);
	journal_flush(e);
	for (int i = 0; i < START_POLLS && !(e->pos_limit && e->uid_limit); i++) {
		if (!e->store->ops->poll(e->store))
			nanosleep(&POLL_PAUSE, NULL);
		if (e->journal.retry)
			break;
	}
	if (e->pos_limit && e->uid_limit)
		return CODE_OK;
	return error_set(err, CODE_UNAVAILABLE, "the store does not take writes");
}

static void engine_init(struct engine *e, const struct engine_options *o, struct store *store, struct now now)
{
	e->options = *o;
	e->store = store;
	e->remote = store->ops->caps & STORE_OWNS_LEASES;
	e->now = now;
	rng_seed(&e->rng, o->seed);
	buf_init(&e->hashed, SIZE_MAX);
	slots_init(&e->connections, sizeof(struct connection));
	slots_init(&e->sessions, sizeof(struct session));
	slots_init(&e->consumers, sizeof(struct consumer));
	slots_init(&e->receives, sizeof(struct receive));
	slots_init(&e->leases, sizeof(struct lease));
	slots_init(&e->replies, sizeof(struct reply));
	list_init(&e->active);
	list_init(&e->retaining);
	list_init(&e->fanouts);
	list_init(&e->sated);
	list_init(&e->upkeep);
	list_init(&e->refusals);
	list_init(&e->asks);
	list_init(&e->stalled);
	list_init(&e->answering);
	arena_init(&e->scratch);
	arena_init(&e->letter);
	arena_init(&e->slabs);
	journal_init(e);
	spill_init(e);
	store->sink = (struct store_sink){
		.ctx = e, .loaded = on_loaded, .lease_lost = on_lease_lost, .arrived = on_arrived, .state = on_state,
	};
}

struct engine *engine_new(const struct engine_options *o, struct store *store, struct now now, struct error *err)
{
	struct engine *e = mem_zalloc(sizeof(*e));
	engine_init(e, o, store, now);
	if (reserve_first(e, err) != CODE_OK || definitions_load(e, err) != CODE_OK ||
	    leases_restore(e, err) != CODE_OK) {
		engine_free(e);
		return NULL;
	}
	return e;
}

static void queues_free(struct engine *e, struct vhost *v)
{
	size_t at = 0;
	struct queue *q;
	struct bound *b;
	(void)e;
	while ((q = mapv_next(&v->queues, &at))) {
		size_t i = 0;
		while ((b = mapv_next(&q->bindings, &i)))
			free(b);
		mapv_fini(&q->bindings);
		queue_free(q);
	}
}

static void topics_free(struct vhost *v)
{
	size_t at = 0;
	struct topic *t;
	struct bound *b;
	while ((t = mapv_next(&v->topics, &at))) {
		size_t i = 0;
		while ((b = mapv_next(&t->bindings, &i)))
			free(b);
		mapv_fini(&t->bindings);
		subscriptions_free(t);
		topic_free(t);
	}
}

/* Entries, leases and waiters end without a word to the store. */
static void messages_free(struct engine *e)
{
	uint32_t at = 0;
	struct lease *l;
	struct vhost *v;
	struct queue *q;
	size_t i = 0, k;
	while ((l = slots_next(&e->leases, &at)))
		free(l->handle);
	while ((v = mapv_next(&e->vhosts, &i))) {
		k = 0;
		while ((q = mapv_next(&v->queues, &k)))
			queue_forget(q);
	}
}

void engine_free(struct engine *e)
{
	uint32_t at = 0;
	struct connection *c;
	struct vhost *v;
	size_t i = 0;
	while ((c = slots_next(&e->connections, &at)))
		engine_connection_close(e, slot_id(&c->slot), CLOSE_ORDERLY);
	/* What the store has of ours must come back before it can go. */
	while (e->journal.submitted)
		if (!e->store->ops->poll(e->store))
			nanosleep(&POLL_PAUSE, NULL);
	spill_fini(e);
	notes_free(e);
	fanouts_free(e);
	refusals_free(e);
	messages_free(e);
	journal_fini(e);
	LIST_EACH(&e->asks, a)
		ask_free(LIST_ENTRY(a, struct ask, all));
	while ((v = mapv_next(&e->vhosts, &i))) {
		queues_free(e, v);
		topics_free(v);
		mapv_fini(&v->queues);
		mapv_fini(&v->topics);
		mapv_fini(&v->wires);
		mapv_fini(&v->topic_wires);
		mapv_fini(&v->subscriptions);
		mapv_fini(&v->replies);
		listing_fini(&v->all);
		listing_fini(&v->of_topic);
		free(v);
	}
	mapv_fini(&e->vhosts);
	map64_fini(&e->queues);
	map64_fini(&e->topics);
	map64_fini(&e->subscriptions);
	map64_fini(&e->by_pos);
	heap_fini(&e->lease_deadlines);
	heap_fini(&e->receive_deadlines);
	heap_fini(&e->due);
	heap_fini(&e->expiries);
	heap_fini(&e->unused);
	slots_fini(&e->connections);
	slots_fini(&e->sessions);
	slots_fini(&e->consumers);
	slots_fini(&e->receives);
	slots_fini(&e->leases);
	slots_fini(&e->replies);
	router_cursor_fini(&e->cursor);
	arena_fini(&e->scratch);
	arena_fini(&e->letter);
	arena_fini(&e->slabs);
	route_fini(&e->route);
	free(e->keys.v);
	buf_fini(&e->hashed);
	e->store->sink = (struct store_sink){.ctx = NULL};
	free(e);
}

/* ---- the turn ---- */

void engine_time(struct engine *e, struct now now)
{
	e->now = now;
}

bool engine_run(struct engine *e, struct now now)
{
	e->now = now;
	e->more = false;
	e->deliver_left = e->options.deliver_turn;
	e->store->ops->poll(e->store);
	if (e->spill.store)
		e->spill.store->ops->poll(e->spill.store);
	leases_expire(e);
	receives_expire(e);
	queues_due(e);
	queues_sweep(e);
	queues_resume(e);
	fanouts_run(e);
	upkeep_due(e);
	do {
		dispatch_run(e);
		notes_raise(e);
		upkeep_run(e);
	} while (!e->more && (!list_empty(&e->active) || e->notes || !list_empty(&e->answering)));
	if (!e->more)
		e->fresh_from = e->next_pos;
	return e->more;
}

void engine_flush(struct engine *e)
{
	reserve_more(e);
	journal_flush(e);
	spill_flush(e);
}

static int64_t heap_ms(const struct heap *h)
{
	struct heap_node *n = heap_min(h);
	return n ? (int64_t)n->key : INT64_MAX;
}

int64_t engine_next_ms(const struct engine *e)
{
	int64_t due = heap_ms(&e->due), expiry = heap_ms(&e->expiries);
	if (expiry < due)
		due = expiry;
	int64_t times[] = {
		heap_ms(&e->lease_deadlines),
		heap_ms(&e->receive_deadlines),
		heap_ms(&e->unused),
		due == INT64_MAX ? due : e->now.mono_ms + (due - e->now.wall_ms),
		journal_next_ms(e),
		list_empty(&e->stalled) ? INT64_MAX : e->stalled_at_ms,
	};
	int64_t first = INT64_MAX;
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
		first = times[i] < first ? times[i] : first;
	return first;
}

bool engine_idle(const struct engine *e)
{
	return !e->notes && list_empty(&e->active) && list_empty(&e->stalled) && list_empty(&e->fanouts) &&
	       list_empty(&e->upkeep) && spill_idle(e) && journal_idle(e) && e->store->ops->idle(e->store);
}

bool engine_store_full(const struct engine *e)
{
	struct engine *self = (struct engine *)(uintptr_t)e;
	uint64_t bytes = e->journal.bytes + e->spill.bytes + e->fanout_bytes;
	if (bytes > e->options.store_high_bytes)
		self->store_full = true;
	else if (bytes < e->options.store_low_bytes)
		self->store_full = false;
	return e->store_full;
}

void engine_counters(const struct engine *e, struct engine_counters *out)
{
	*out = e->counters;
	out->connections = e->connections.live;
	out->sessions = e->sessions.live;
	out->leases = e->leases.live;
	out->replies = e->replies.live;
	out->batch_bytes = e->journal.bytes + e->spill.bytes;
	out->resident_bytes = e->resident_bytes;
	out->spilled = e->spill.n;
}
