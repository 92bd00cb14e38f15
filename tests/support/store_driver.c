/* SPDX-License-Identifier: Apache-2.0 */
#include "support/store_driver.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"

enum { DEADLINE_US = 60 * 1000 * 1000, PAUSE_US = 100 };

static void drop_entries(struct driver *d)
{
	for (size_t i = 0; i < d->n_entries; i++)
		message_unref(d->entries[i].message);
	free(d->entries);
	d->entries = NULL;
	d->n_entries = 0;
}

static void on_loaded(void *ctx, const struct store_loaded *l)
{
	struct driver *d = ctx;
	drop_entries(d);
	d->entries = mem_alloc(l->n * sizeof(*d->entries) + 1);
	if (l->n)
		memcpy(d->entries, l->entries, l->n * sizeof(*d->entries));
	d->n_entries = l->n;
	d->end = l->end;
	d->failed = l->failed;
	d->tag = l->load->tag;
	d->unfinished--;
}

static void on_state(void *ctx, enum store_state state, const char *why)
{
	struct driver *d = ctx;
	(void)why;
	d->state = state;
	d->states++;
}

static void on_lost(void *ctx, uint32_t queue, struct view handle)
{
	(void)queue;
	(void)handle;
	((struct driver *)ctx)->lost++;
}

static void on_arrived(void *ctx, uint32_t queue)
{
	(void)queue;
	((struct driver *)ctx)->arrived++;
}

static void on_def_changed(void *ctx, struct view kind, struct view key)
{
	(void)kind;
	(void)key;
	((struct driver *)ctx)->def_changes++;
}

void driver_init(struct driver *d, struct store *store)
{
	*d = (struct driver){.store = store};
	store->sink = (struct store_sink){
		.ctx = d,
		.loaded = on_loaded,
		.lease_lost = on_lost,
		.arrived = on_arrived,
		.state = on_state,
		.def_changed = on_def_changed,
	};
}

static void batch_free(struct store_batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct store_op *op = &b->ops[i];
		if (op->kind == OP_APPEND) {
			message_unref(op->append.message);
			free(op->append.dests);
		}
		free(op->ctx);
	}
	free(b->ops);
	free(b);
}

void driver_fini(struct driver *d)
{
	if (d->store)
		d->store->ops->close(d->store);
	d->store = NULL;
	if (d->building)
		batch_free(d->building);
	drop_entries(d);
	free(d->results);
	free(d->flat);
}

static void on_done(struct store_batch *b, void *ctx)
{
	struct driver *d = ctx;
	struct store_op *ops = b->ops;
	/* The first op's ctx holds the index of the batch's first result. */
	size_t first = *(size_t *)ops[0].ctx;
	for (size_t i = 0; i < b->n; i++) {
		must(ops[i].result != STORE_PENDING);
		d->results[first + i] = ops[i].result;
	}
	d->unfinished--;
	batch_free(b);
}

struct store_op *driver_op(struct driver *d, enum store_op_kind kind)
{
	if (!d->building)
		d->building = mem_zalloc(sizeof(*d->building));
	struct store_batch *b = d->building;
	if (b->n == b->cap)
		b->ops = mem_grow(b->ops, &b->cap, b->n + 1, sizeof(*b->ops));
	struct store_op *op = &b->ops[b->n++];
	*op = (struct store_op){.kind = (uint8_t)kind, .group_end = true};
	return op;
}

void driver_more(struct driver *d)
{
	d->building->ops[d->building->n - 1].group_end = false;
}

static struct message *make_message(uint64_t seed, struct body *body)
{
	struct rng r;
	uint8_t id[16];
	rng_seed(&r, seed);
	rng_uuid(&r, id);
	struct message_spec spec = {
		.raw_kind = RAW_AMQP091,
		.priority = 4,
		.durable = true,
		.id = id,
		.sent_ms = 1700000000000 + (int64_t)seed,
		.exchange = VIEW("orders"),
		.key = VIEW("eu.new"),
		.user = VIEW("guest"),
		.raw = VIEW("\x10\x00\x02"),
	};
	struct message *m = message_new(&spec, body);
	must(m);
	return m;
}

struct store_op *driver_append_body(struct driver *d, uint32_t first, uint32_t n, uint64_t pos,
				    struct body *body)
{
	struct store_op *op = driver_op(d, OP_APPEND);
	d->building->bytes += body_cost(body);
	op->append.message = make_message(pos, body);
	op->append.dests = mem_zalloc(n * sizeof(*op->append.dests) + 1);
	op->append.n_dests = n;
	for (uint32_t i = 0; i < n; i++) {
		op->append.dests[i].queue = first + i;
		op->append.dests[i].origin = first + i;
		op->append.dests[i].pos = pos + i;
	}
	return op;
}

struct store_op *driver_append_many(struct driver *d, uint32_t first, uint32_t n, uint64_t pos,
				    struct view body)
{
	struct body *b = body_of(body);
	must(b);
	return driver_append_body(d, first, n, pos, b);
}

struct store_op *driver_append(struct driver *d, uint32_t queue, uint8_t lane, uint64_t pos, struct view body)
{
	struct store_op *op = driver_append_many(d, queue, 1, pos, body);
	op->append.dests[0].lane = lane;
	return op;
}

struct store_op *driver_remove(struct driver *d, uint32_t queue, uint64_t pos)
{
	struct store_op *op = driver_op(d, OP_REMOVE);
	op->entry.queue = queue;
	op->entry.pos = pos;
	return op;
}

struct store_op *driver_def(struct driver *d, const char *kind, const char *key, const char *value,
			    uint64_t expected)
{
	struct store_op *op = driver_op(d, value ? OP_DEF_PUT : OP_DEF_DELETE);
	op->def.kind = view_str(kind);
	op->def.key = view_str(key);
	op->def.value = view_str(value);
	op->def.expected = expected;
	return op;
}

size_t driver_submit(struct driver *d)
{
	struct store_batch *b = d->building;
	size_t first = d->n_results;
	must(b && b->n);
	if (first + b->n > d->cap_results)
		d->results = mem_grow(d->results, &d->cap_results, first + b->n, 1);
	memset(d->results + first, STORE_PENDING, b->n);
	d->n_results += b->n;
	b->ops[0].ctx = mem_alloc(sizeof(first));
	memcpy(b->ops[0].ctx, &first, sizeof(first));
	b->done = on_done;
	b->ctx = d;
	d->building = NULL;
	d->unfinished++;
	d->store->ops->submit(d->store, b);
	return first;
}

void driver_wait(struct driver *d)
{
	uint64_t until = clock_mono_us() + DEADLINE_US;
	while (d->unfinished) {
		if (d->store->ops->poll(d->store) == 0) {
			must(clock_mono_us() < until);
			usleep(PAUSE_US);
		}
	}
	must(d->store->ops->idle(d->store));
}

enum store_result driver_run(struct driver *d)
{
	size_t first = driver_submit(d);
	driver_wait(d);
	return d->results[first];
}

size_t driver_load(struct driver *d, uint32_t queue, uint8_t lane, uint64_t after, uint32_t n)
{
	struct store_load l = {.queue = queue, .lane = lane, .after = after, .n = n,
			       .bytes = UINT32_MAX, .tag = after};
	d->unfinished++;
	d->store->ops->load(d->store, &l);
	if (!d->lazy)
		driver_wait(d);
	return d->n_entries;
}

size_t driver_count(struct driver *d, uint32_t queue, uint8_t lane)
{
	size_t n = 0;
	uint64_t after = 0;
	do {
		driver_load(d, queue, lane, after, 1000);
		must(!d->failed);
		n += d->n_entries;
		if (d->n_entries)
			after = d->entries[d->n_entries - 1].pos;
	} while (!d->end);
	return n;
}

struct view driver_body(struct driver *d, size_t i)
{
	const struct body *b = d->entries[i].message->body;
	free(d->flat);
	d->flat = mem_alloc(body_bytes(b) + 1);
	must(body_copy(b, d->flat));
	return view_of(d->flat, body_bytes(b));
}

char *temp_dir_new(void)
{
	const char *base = getenv("TMPDIR");
	char *dir = mem_alloc(4096);
	snprintf(dir, 4096, "%s/mqb-test-XXXXXX", base ? base : "/tmp");
	must(mkdtemp(dir));
	return dir;
}

static void files_remove(const char *dir)
{
	char path[8192];
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d));) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

void temp_dir_remove(char *dir)
{
	char bodies[8192];
	snprintf(bodies, sizeof(bodies), "%s/bodies", dir);
	files_remove(bodies);
	files_remove(dir);
	free(dir);
}
