/* SPDX-License-Identifier: Apache-2.0 */
#include "rig/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/log.h"
#include "store/store_memory.h"
#include "store/store_sqlite.h"
#include "support/blob_now.h"
#include "support/store_crash.h"
#include "support/store_remote_fake.h"

enum { SETTLE_TURNS = 200000, REMOTE_TURNS = 60, REMOTE_TURN_MS = 5, REMOTE_TRIES = 50 };

const char *rig_store_name(enum rig_store store)
{
	static const char *const names[RIG_STORES] = {"memory", "sqlite", "sqlite-thread", "crash", "remote"};
	return names[store];
}

bool rig_has(enum rig_store store, uint32_t caps)
{
	static const uint32_t has[RIG_STORES] = {
		[RIG_MEMORY] = STORE_ORDER | STORE_EXACT_COUNTS | STORE_GROUPS_ATOMIC | STORE_MOVE | STORE_TTL,
		[RIG_SQLITE] = STORE_ORDER | STORE_EXACT_COUNTS | STORE_GROUPS_ATOMIC | STORE_MOVE | STORE_TTL |
			       STORE_SURVIVES,
		[RIG_SQLITE_THREAD] = STORE_ORDER | STORE_EXACT_COUNTS | STORE_GROUPS_ATOMIC | STORE_MOVE |
				      STORE_TTL | STORE_SURVIVES,
		[RIG_CRASH] = STORE_ORDER | STORE_EXACT_COUNTS | STORE_GROUPS_ATOMIC | STORE_MOVE | STORE_TTL |
			      STORE_SURVIVES,
		[RIG_REMOTE] = STORE_OWNS_LEASES,
	};
	return (has[store] & caps) == caps;
}

void rig_over(uint32_t caps, const struct engine_options *options, void (*body)(struct rig *r))
{
	for (int k = 0; k < RIG_STORES; k++) {
		struct rig r = {0};
		if (!rig_has((enum rig_store)k, caps))
			continue;
		if (options)
			r.options = *options;
		rig_open(&r, (enum rig_store)k);
		body(&r);
		rig_close(&r);
	}
}

static void blobs_start(struct rig *r)
{
	struct error e = {.code = CODE_OK};
	if (!r->outside || !rig_has(r->kind, STORE_SURVIVES))
		return;
	struct blob_disk *disk = r->crash ? store_crash_disk(r->crash) : blob_disk_open(r->dir, &e);
	r->blobs = disk ? blobs_open(&(struct blobs_options){.threaded = r->kind == RIG_SQLITE_THREAD,
							     .seed = ++r->lives}, disk, &e) : NULL;
	if (!r->blobs)
		fail_msg("blobs: %s", e.text);
}

static void store_start(struct rig *r)
{
	struct error e = {.code = CODE_OK};
	struct store_sqlite_options o;
	blobs_start(r);
	switch (r->kind) {
	case RIG_MEMORY:
		if (!r->store)
			r->store = store_memory_open();
		return;
	case RIG_SQLITE:
	case RIG_SQLITE_THREAD:
	case RIG_CRASH:
		store_sqlite_options_default(&o, r->dir);
		o.threaded = r->kind == RIG_SQLITE_THREAD;
		o.blobs = r->blobs;
		if (r->crash) {
			o.vfs = r->dir;
			o.slack_bytes = 1 << 16;
			o.cache_bytes = 1 << 18;
			o.retry_ms = 1;
			o.retry_ms_max = 2;
		}
		r->store = store_sqlite_open(&o, &e);
		if (!r->store)
			fail_msg("store: %s", e.text);
		return;
	case RIG_REMOTE:
		if (!r->store)
			r->store = fake_open(&(struct fake_options){.seed = r->options.seed, .late_polls = 3});
		fake_now(r->store, r->now);
		return;
	case RIG_STORES:
		break;
	}
	fail_msg("no such store");
}

/* Beside a store on disk a scratch file on the same disk. */
static void spill_start(struct rig *r)
{
	struct error e = {.code = CODE_OK};
	struct store_sqlite_options o;
	if (r->kind == RIG_MEMORY || r->kind == RIG_REMOTE) {
		r->spill = store_memory_open();
	} else {
		store_sqlite_options_default(&o, r->dir);
		o.scratch = true;
		o.blobs = r->blobs;
		o.synchronous = 0;
		o.threaded = r->kind == RIG_SQLITE_THREAD;
		o.cache_bytes = 1 << 18;
		o.retry_ms = 1;
		o.retry_ms_max = 2;
		o.vfs = r->crash ? r->dir : NULL;
		r->spill = store_sqlite_open(&o, &e);
	}
	if (!r->spill)
		fail_msg("spill store: %s", e.text);
	r->options.spill = r->spill;
}

static void engine_start_unsettled(struct rig *r)
{
	struct error e = {.code = CODE_OK};
	store_start(r);
	spill_start(r);
	r->engine = engine_new(&r->options, r->store, r->now, &e);
	if (!r->engine)
		fail_msg("engine: %s", e.text);
	engine_vhost_add(r->engine, VIEW("/"));
}

static void engine_start(struct rig *r)
{
	engine_start_unsettled(r);
	rig_settle(r);
}

void rig_open(struct rig *r, enum rig_store kind)
{
	struct engine_options o = r->options;
	bool outside = r->outside;
	memset(r, 0, sizeof(*r));
	r->kind = kind;
	r->options = o;
	r->outside = outside;
	if (!o.window_entries)
		engine_options_default(&r->options);
	r->now = (struct now){1000, 1700000000000};
	rng_seed(&r->rng, 7);
	log_set_level(getenv("MQBRIDGE_SIM_TRACE") ? LOG_DEBUG : LOG_ERROR);
	strncpy(r->dir, "/tmp/mqbridge-test-XXXXXX", sizeof(r->dir) - 1);
	if (!mkdtemp(r->dir))
		fail_msg("no temporary directory");
	if (kind == RIG_CRASH)
		r->crash = store_crash_new(r->dir, r->options.seed);
	engine_start(r);
}

static void engine_end(struct rig *r)
{
	engine_free(r->engine);
	r->engine = NULL;
	r->spill->ops->close(r->spill);
	if (r->kind == RIG_MEMORY || r->kind == RIG_REMOTE)
		return;
	r->store->ops->close(r->store);
	r->store = NULL;
	if (r->blobs)
		blobs_close(r->blobs);
	r->blobs = NULL;
}

static void engine_stop(struct rig *r)
{
	rig_settle(r);
	engine_leases_keep(r->engine);
	rig_settle(r);
	engine_end(r);
}

void rig_power_loss(struct rig *r)
{
	store_crash_power_loss(r->crash);
	engine_end(r);
	store_crash_restart(r->crash);
	engine_start(r);
}

void rig_restart_unsettled(struct rig *r)
{
	engine_stop(r);
	r->now.mono_ms += 1000;
	r->now.wall_ms += 1000;
	engine_start_unsettled(r);
}

void rig_restart(struct rig *r)
{
	rig_restart_unsettled(r);
	rig_settle(r);
}

void rig_close(struct rig *r)
{
	char command[128];
	engine_stop(r);
	if (r->store)
		r->store->ops->close(r->store);
	if (r->crash)
		store_crash_free(r->crash);
	snprintf(command, sizeof(command), "rm -rf '%s'", r->dir);
	if (system(command) != 0)
		fail_msg("cannot remove %s", r->dir);
}

static void file_seen(void *ctx, uint64_t id)
{
	(void)id;
	++*(size_t *)ctx;
}

void rig_no_files(struct rig *r)
{
	size_t n = 1;
	if (!r->blobs)
		return;
	rig_restart(r);
	for (int i = 0; n && i < SETTLE_TURNS; i++) {
		r->store->ops->poll(r->store);
		n = 0;
		assert_true(blobs_list(r->blobs, file_seen, &n));
		if (n && r->kind == RIG_SQLITE_THREAD)
			usleep(50);
	}
	assert_int_equal(n, 0);
}

void rig_turn(struct rig *r)
{
	if (r->kind == RIG_REMOTE)
		fake_now(r->store, r->now);
	engine_run(r->engine, r->now);
	engine_flush(r->engine);
	if (!r->check_every || r->turns++ % r->check_every == 0)
		engine_check(r->engine);
}

/* A remote store's long polls keep it busy for ever: enough turns for its latest
 * completions instead. */
static void settle_remote(struct rig *r)
{
	for (int i = 0; i < REMOTE_TURNS; i++) {
		r->now.mono_ms += REMOTE_TURN_MS;
		r->now.wall_ms += REMOTE_TURN_MS;
		rig_turn(r);
	}
}

/* Until the engine is idle; pending rows and retries are timed, so the clock moves. */
void rig_settle(struct rig *r)
{
	if (r->kind == RIG_REMOTE) {
		settle_remote(r);
		return;
	}
	for (int i = 0; i < SETTLE_TURNS; i++) {
		rig_turn(r);
		if (engine_idle(r->engine))
			return;
		if (r->kind == RIG_SQLITE_THREAD)
			usleep(50);
		if (i % 16 == 15) {
			r->now.mono_ms += 1;
			r->now.wall_ms += 1;
		}
	}
	fail_msg("the engine never came to rest");
}

void rig_wait(struct rig *r, int64_t ms)
{
	r->now.mono_ms += ms;
	r->now.wall_ms += ms;
	rig_settle(r);
}

/* ---- peers ---- */

static void body_into(struct seen *s, const struct message *m)
{
	uint8_t *flat = mem_alloc(body_bytes(m->body) + 1);
	assert_true(body_copy(m->body, flat));
	s->body_bytes = body_bytes(m->body);
	size_t n = s->body_bytes < sizeof(s->body) - 1 ? s->body_bytes : sizeof(s->body) - 1;
	memcpy(s->body, flat, n);
	s->body[n] = 0;
	free(flat);
}

static void delivery_into(struct seen *s, const struct delivery *d)
{
	body_into(s, d->message);
	s->lease = d->lease;
	s->redelivered = d->redelivered;
	s->received = d->received;
	s->delivered = d->delivered;
	s->failed = d->failed;
	s->first_received_ms = d->first_received_ms;
	s->receipt = d->receipt;
	message_copy_id(d->message, d->origin, s->id);
}

static void error_into(struct seen *s, const struct error *e)
{
	s->code = e->code;
	if (e->code != CODE_OK)
		memcpy(s->text, e->text, sizeof(s->text));
}

static struct seen *seen_new(struct peer *p, enum event_kind kind)
{
	p->v = mem_grow(p->v, &p->cap, p->n + 1, sizeof(*p->v));
	struct seen *s = &p->v[p->n++];
	memset(s, 0, sizeof(*s));
	s->kind = kind;
	s->order = p->rig->events++;
	s->at_ms = p->rig->now.mono_ms;
	return s;
}

static void on_received(struct peer *p, const struct event *ev)
{
	struct seen *s = seen_new(p, EVENT_RECEIVED);
	s->cmd = ev->received.cmd;
	s->count = ev->received.n;
	s->ready = ev->received.ready;
	error_into(s, ev->received.error);
	for (size_t i = 0; i < ev->received.n; i++) {
		if (i)
			s = seen_new(p, EVENT_RECEIVED);
		s->cmd = ev->received.cmd;
		s->count = ev->received.n;
		s->ready = ev->received.ready;
		s->nth = i;
		delivery_into(s, &ev->received.v[i]);
	}
}

static void on_event(void *ctx, const struct event *ev)
{
	struct peer *p = ctx;
	if (ev->kind == EVENT_RECEIVED) {
		on_received(p, ev);
		return;
	}
	struct seen *s = seen_new(p, ev->kind);
	switch (ev->kind) {
	case EVENT_DONE:
		s->cmd = ev->done.cmd;
		s->created = ev->done.created;
		s->count = ev->done.count;
		s->consumers = ev->done.consumers;
		s->consumer = ev->done.id;
		snprintf(s->name, sizeof(s->name), "%.*s", VIEW_ARG(ev->done.name));
		error_into(s, ev->done.error);
		return;
	case EVENT_PUBLISHED:
		s->tag = ev->published.tag;
		s->how = ev->published.how;
		error_into(s, ev->published.error);
		return;
	case EVENT_RETURNED:
		s->tag = ev->returned.tag;
		body_into(s, ev->returned.message);
		return;
	case EVENT_DELIVERED:
		s->consumer = ev->delivered.consumer;
		delivery_into(s, &ev->delivered.d);
		return;
	default:
		s->consumer = ev->cancelled.consumer;
		return;
	}
}

void peer_open(struct peer *p, struct rig *r, enum session_kind kind)
{
	memset(p, 0, sizeof(*p));
	p->rig = r;
	p->conn = engine_connection_open(r->engine, &(struct connection_spec){
		.kind = kind, .vhost = VIEW("/"), .user = VIEW("guest"), .event = on_event, .ctx = p,
	});
	p->session = engine_session_open(r->engine, p->conn, p);
	assert_int_not_equal(p->session, 0);
}

void peer_free(struct peer *p)
{
	free(p->v);
	p->v = NULL;
	p->n = p->cap = p->at = 0;
}

void peer_close(struct peer *p, enum close_how how)
{
	engine_connection_close(p->rig->engine, p->conn, how);
	peer_free(p);
}

size_t peer_pending(struct peer *p)
{
	rig_settle(p->rig);
	return p->n - p->at;
}

struct seen *peer_next(struct peer *p)
{
	for (int i = 0; p->at == p->n && (i == 0 || (p->rig->kind == RIG_REMOTE && i < REMOTE_TRIES)); i++)
		rig_settle(p->rig);
	if (p->at == p->n)
		fail_msg("no event came");
	return &p->v[p->at++];
}

struct message *rig_message(struct rig *r, const char *body, bool durable)
{
	uint8_t id[16];
	rng_uuid(&r->rng, id);
	struct body *b = r->blobs && durable ? blob_now(r->blobs, view_str(body)) : body_of(view_str(body));
	if (!b)
		return NULL;
	return message_new(&(struct message_spec){
				   .durable = durable, .id = id, .sent_ms = r->now.wall_ms, .user = VIEW("guest"),
			   },
			   b);
}

struct seen *peer_queue(struct peer *p, const char *name, bool durable)
{
	engine_queue_declare(p->rig->engine, p->session, ++p->cmd,
			     &(struct queue_spec){.name = view_str(name), .durable = durable});
	return peer_next(p);
}

struct seen *peer_topic(struct peer *p, const char *name, enum topic_type type)
{
	engine_topic_declare(p->rig->engine, p->session, ++p->cmd,
			     &(struct topic_spec){.name = view_str(name), .type = type, .durable = true});
	return peer_next(p);
}

struct seen *peer_bind(struct peer *p, const char *topic, const char *queue, const char *key)
{
	engine_bind(p->rig->engine, p->session, ++p->cmd,
		    &(struct binding_spec){
			    .source = view_str(topic), .destination = view_str(queue), .key = view_str(key)});
	return peer_next(p);
}

void peer_send(struct peer *p, const char *queue, const char *body, bool durable)
{
	struct message *m = rig_message(p->rig, body, durable);
	uint64_t tag = ++p->cmd;
	engine_send(p->rig->engine, p->session, view_str(queue), m, PUBLISH_CONFIRM, -1, tag);
	message_unref(m);
	struct seen *s = peer_next(p);
	assert_int_equal(s->kind, EVENT_PUBLISHED);
	assert_int_equal(s->tag, tag);
	assert_int_equal(s->how, PUBLISHED_STORED);
}

uint64_t peer_consume(struct peer *p, const char *queue, uint32_t credit, bool no_ack)
{
	engine_consume(p->rig->engine, p->session, ++p->cmd,
		       &(struct consumer_spec){.queue = view_str(queue), .credit = credit, .no_ack = no_ack});
	struct seen *s = peer_next(p);
	assert_int_equal(s->kind, EVENT_DONE);
	assert_int_equal(s->code, CODE_OK);
	return s->consumer;
}

struct seen *peer_get(struct peer *p, const char *queue)
{
	engine_get(p->rig->engine, p->session, ++p->cmd, view_str(queue), false);
	return peer_next(p);
}

void peer_receive(struct peer *p, const char *queue, uint32_t n, int64_t wait_ms, int64_t lease_ms)
{
	engine_receive(p->rig->engine, p->session, ++p->cmd, view_str(queue), n, wait_ms, lease_ms);
}

void peer_settle(struct peer *p, uint64_t lease, enum outcome_kind kind, bool failed)
{
	engine_settle(p->rig->engine, p->session, &lease, 1, &(struct outcome){.kind = kind, .failed = failed});
}
