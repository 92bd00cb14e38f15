/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of store.h for local stores, over each of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "store/store_memory.h"
#include "store/store_sqlite.h"
#include "support/store_driver.h"

struct fixture {
	struct driver d;
	char *dir;
};

static int setup_memory(void **state)
{
	struct fixture *f = mem_zalloc(sizeof(*f));
	driver_init(&f->d, store_memory_open());
	*state = f;
	return 0;
}

static int setup_sqlite(void **state, bool threaded)
{
	struct fixture *f = mem_zalloc(sizeof(*f));
	struct store_sqlite_options o;
	struct error e = {0};
	f->dir = temp_dir_new();
	store_sqlite_options_default(&o, f->dir);
	o.threaded = threaded;
	struct store *s = store_sqlite_open(&o, &e);
	if (!s)
		print_error("%s\n", e.text);
	assert_non_null(s);
	driver_init(&f->d, s);
	*state = f;
	return 0;
}

static int setup_threaded(void **state)
{
	return setup_sqlite(state, true);
}

static int setup_direct(void **state)
{
	return setup_sqlite(state, false);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	driver_fini(&f->d);
	if (f->dir)
		temp_dir_remove(f->dir);
	free(f);
	return 0;
}

static struct driver *driver_of(void **state)
{
	return &((struct fixture *)*state)->d;
}

static void append_n(struct driver *d, uint32_t queue, uint64_t from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		driver_append(d, queue, LANE_READY, from + i, VIEW("body"));
	assert_int_equal(driver_run(d), STORE_OK);
}

static void assert_positions(struct driver *d, const uint64_t *pos, size_t n)
{
	assert_int_equal(d->n_entries, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(d->entries[i].pos, pos[i]);
}

/* ---- entries ---- */

static void test_round_trip(void **state)
{
	struct driver *d = driver_of(state);
	struct store_op *op = driver_append(d, 7, LANE_DELAYED, 42, VIEW("hello"));
	struct message *m = message_ref(op->append.message);
	struct store_dest *dest = op->append.dests;
	dest->received = 1;
	dest->delivered = 2;
	dest->failed = 3;
	dest->origin = 4000000000u;
	dest->due_ms = 1800000000000;
	dest->deadline_ms = 1900000000000;
	assert_int_equal(driver_run(d), STORE_OK);

	assert_int_equal(driver_load(d, 7, LANE_DELAYED, 0, 10), 1);
	const struct store_entry *e = &d->entries[0];
	assert_int_equal(e->pos, 42);
	assert_int_equal(e->queue, 7);
	assert_int_equal(e->lane, LANE_DELAYED);
	assert_int_equal(e->received, 1);
	assert_int_equal(e->delivered, 2);
	assert_int_equal(e->failed, 3);
	assert_int_equal(e->origin, 4000000000u);
	assert_int_equal(e->due_ms, 1800000000000);
	assert_int_equal(e->deadline_ms, 1900000000000);
	assert_int_equal(e->message->raw_kind, m->raw_kind);
	assert_int_equal(e->message->priority, m->priority);
	assert_true(e->message->durable);
	assert_memory_equal(e->message->id, m->id, 16);
	assert_int_equal(e->message->sent_ms, m->sent_ms);
	assert_true(view_eq(e->message->exchange, m->exchange));
	assert_true(view_eq(e->message->key, m->key));
	assert_true(view_eq(e->message->user, m->user));
	assert_true(view_eq(e->message->raw, m->raw));
	assert_true(view_is(driver_body(d, 0), "hello"));
	message_unref(m);
}

static void test_nothing_is_raised_inside(void **state)
{
	struct driver *d = driver_of(state);
	d->lazy = true;
	driver_append(d, 1, LANE_READY, 1, VIEW("a"));
	driver_submit(d);
	driver_load(d, 1, LANE_READY, 0, 1);
	assert_int_equal(d->unfinished, 2);
	assert_false(d->store->ops->idle(d->store));
	driver_wait(d);
	/* the load saw what was submitted before it */
	assert_int_equal(d->n_entries, 1);
	assert_int_equal(d->results[0], STORE_OK);
}

static void test_load_pages(void **state)
{
	struct driver *d = driver_of(state);
	append_n(d, 1, 10, 25);
	append_n(d, 2, 100, 3);
	driver_append(d, 1, 3, 200, VIEW("other lane"));
	driver_run(d);

	assert_int_equal(driver_load(d, 1, LANE_READY, 0, 10), 10);
	assert_false(d->end);
	assert_int_equal(d->entries[0].pos, 10);
	assert_int_equal(driver_load(d, 1, LANE_READY, 19, 15), 15);
	assert_true(d->end);
	assert_int_equal(d->entries[0].pos, 20);
	assert_int_equal(d->entries[14].pos, 34);
	assert_int_equal(driver_load(d, 1, LANE_READY, 34, 10), 0);
	assert_true(d->end);
	assert_int_equal(driver_load(d, 99, LANE_READY, 0, 10), 0);
	assert_true(d->end);
	assert_int_equal(driver_count(d, 2, LANE_READY), 3);
	assert_int_equal(driver_count(d, 1, 3), 1);
}

static void test_load_stops_at_bytes(void **state)
{
	struct driver *d = driver_of(state);
	append_n(d, 1, 1, 10);
	struct store_load l = {.queue = 1, .n = 10, .bytes = 1};
	d->unfinished++;
	d->store->ops->load(d->store, &l);
	driver_wait(d);
	assert_int_equal(d->n_entries, 1);
	assert_false(d->end);
}

static void test_load_cancel_is_answered(void **state)
{
	struct driver *d = driver_of(state);
	append_n(d, 1, 1, 10);
	d->lazy = true;
	driver_load(d, 1, LANE_READY, 5, 10);
	d->store->ops->load_cancel(d->store, 5);
	driver_wait(d);
	assert_int_equal(d->tag, 5);
	assert_true(d->n_entries == 0 || d->n_entries == 5);
}

static void test_positions_out_of_order(void **state)
{
	struct driver *d = driver_of(state);
	static const uint64_t given[] = {50, 10, 30, 20, 40}, want[] = {10, 20, 30, 40, 50};
	for (size_t i = 0; i < 5; i++)
		driver_append(d, 1, LANE_READY, given[i], VIEW("x"));
	driver_run(d);
	driver_load(d, 1, LANE_READY, 0, 10);
	assert_positions(d, want, 5);
}

static void test_remove(void **state)
{
	struct driver *d = driver_of(state);
	static const uint64_t want[] = {1, 3, 5};
	append_n(d, 1, 1, 5);
	driver_remove(d, 1, 2);
	driver_remove(d, 1, 4);
	driver_remove(d, 1, 77); /* nothing there: as good as removed */
	size_t first = driver_submit(d);
	driver_wait(d);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(d->results[first + i], STORE_OK);
	driver_load(d, 1, LANE_READY, 0, 10);
	assert_positions(d, want, 3);
}

static void test_many_removals_and_reuse(void **state)
{
	struct driver *d = driver_of(state);
	append_n(d, 1, 1, 1000);
	for (uint64_t pos = 1; pos <= 1000; pos++)
		if (pos % 7)
			driver_remove(d, 1, pos);
	driver_run(d);
	assert_int_equal(driver_count(d, 1, LANE_READY), 142);
	append_n(d, 1, 1001, 500);
	assert_int_equal(driver_count(d, 1, LANE_READY), 642);
	for (uint64_t pos = 1; pos <= 1500; pos++)
		driver_remove(d, 1, pos);
	driver_run(d);
	assert_int_equal(driver_count(d, 1, LANE_READY), 0);
}

static void test_mark_due_move(void **state)
{
	struct driver *d = driver_of(state);
	append_n(d, 1, 1, 3);
	struct store_op *op = driver_op(d, OP_MARK);
	op->entry.queue = 1;
	op->entry.pos = 1;
	op->entry.received = 300;
	op->entry.failed = 2;
	op = driver_op(d, OP_DUE);
	op->entry.queue = 1;
	op->entry.pos = 2;
	op->entry.lane2 = LANE_DELAYED;
	op->entry.pos2 = 9;
	op->entry.due_ms = 1234;
	op = driver_op(d, OP_MOVE);
	op->entry.queue = 1;
	op->entry.pos = 3;
	op->entry.queue2 = 5;
	op->entry.pos2 = 10;
	assert_int_equal(driver_run(d), STORE_OK);

	assert_int_equal(driver_load(d, 1, LANE_READY, 0, 10), 1);
	assert_int_equal(d->entries[0].received, 300);
	assert_int_equal(d->entries[0].failed, 2);
	assert_int_equal(driver_load(d, 1, LANE_DELAYED, 0, 10), 1);
	assert_int_equal(d->entries[0].pos, 9);
	assert_int_equal(d->entries[0].due_ms, 1234);
	assert_int_equal(driver_load(d, 5, LANE_READY, 0, 10), 1);
	assert_int_equal(d->entries[0].pos, 10);
	assert_int_equal(d->entries[0].queue, 5);
	assert_int_equal(d->entries[0].origin, 1);
	assert_true(view_is(driver_body(d, 0), "body"));
}

static void test_ops_on_what_is_not_there(void **state)
{
	struct driver *d = driver_of(state);
	static const enum store_op_kind kinds[] = {OP_MARK, OP_DUE, OP_MOVE};
	for (size_t i = 0; i < 3; i++) {
		struct store_op *op = driver_op(d, kinds[i]);
		op->entry.pos = 5;
		op->entry.pos2 = 6;
		op->entry.queue2 = 2;
		assert_int_equal(driver_run(d), STORE_LOST);
	}
	assert_int_equal(driver_count(d, 2, LANE_READY), 0);
}

static void test_keeps_its_place(void **state)
{
	struct driver *d = driver_of(state);
	append_n(d, 1, 1, 3);
	struct store_op *op = driver_op(d, OP_DUE);
	op->entry.queue = 1;
	op->entry.pos = op->entry.pos2 = 2;
	op->entry.lane2 = LANE_DELAYED;
	driver_run(d);
	op = driver_op(d, OP_DUE);
	op->entry.queue = 1;
	op->entry.lane = LANE_DELAYED;
	op->entry.pos = op->entry.pos2 = 2;
	op->entry.lane2 = LANE_READY;
	assert_int_equal(driver_run(d), STORE_OK);
	static const uint64_t want[] = {1, 2, 3};
	driver_load(d, 1, LANE_READY, 0, 10);
	assert_positions(d, want, 3);
}

static void test_one_message_many_queues(void **state)
{
	struct driver *d = driver_of(state);
	uint8_t *bytes = mem_zalloc(200000);
	static const size_t sizes[] = {10, 5000, 70000, 200000};
	for (size_t i = 0; i < 4; i++) {
		uint64_t pos = 1000 * (i + 1);
		bytes[0] = (uint8_t)i;
		struct store_op *op = driver_append_many(d, 10, 5, pos, view_of(bytes, sizes[i]));
		op->append.dests[2].dead = true;
		assert_int_equal(driver_run(d), STORE_OK);
		for (uint32_t q = 0; q < 5; q++) {
			if (q == 2) {
				assert_int_equal(driver_load(d, 10 + q, LANE_READY, pos - 1, 10), 0);
				continue;
			}
			assert_int_equal(driver_load(d, 10 + q, LANE_READY, pos - 1, 10), 1);
			assert_int_equal(d->entries[0].pos, pos + q);
			assert_true(view_eq(driver_body(d, 0), view_of(bytes, sizes[i])));
			driver_remove(d, 10 + q, pos + q);
			driver_run(d);
		}
	}
	free(bytes);
}

static void test_cancelled_op(void **state)
{
	struct driver *d = driver_of(state);
	driver_append(d, 1, LANE_READY, 1, VIEW("a"));
	driver_op(d, OP_NONE);
	driver_append(d, 1, LANE_READY, 2, VIEW("b"));
	assert_int_equal(driver_run(d), STORE_OK);
	assert_int_equal(driver_count(d, 1, LANE_READY), 2);
}

/* ---- groups ---- */

static void test_group_is_refused_whole(void **state)
{
	struct driver *d = driver_of(state);
	driver_append(d, 1, LANE_READY, 1, VIEW("before"));
	driver_def(d, "queue", "a", "1", 0);
	driver_run(d);

	driver_append(d, 1, LANE_READY, 2, VIEW("alone"));
	driver_append(d, 1, LANE_READY, 3, VIEW("of the group"));
	driver_more(d);
	driver_remove(d, 1, 1);
	driver_more(d);
	driver_def(d, "queue", "a", "2", 999); /* not its version */
	driver_append(d, 1, LANE_READY, 4, VIEW("after"));
	size_t first = driver_submit(d);
	driver_wait(d);
	static const uint8_t want[] = {STORE_OK, STORE_REFUSED, STORE_REFUSED, STORE_REFUSED, STORE_OK};
	assert_memory_equal(d->results + first, want, 5);
	static const uint64_t pos[] = {1, 2, 4};
	driver_load(d, 1, LANE_READY, 0, 10);
	assert_positions(d, pos, 3);
}

static void test_position_taken(void **state)
{
	struct driver *d = driver_of(state);
	append_n(d, 1, 1, 1);
	driver_append(d, 2, LANE_READY, 1, VIEW("again"));
	driver_append(d, 2, LANE_READY, 2, VIEW("fine"));
	size_t first = driver_submit(d);
	driver_wait(d);
	assert_int_equal(d->results[first], STORE_REFUSED);
	assert_int_equal(d->results[first + 1], STORE_OK);
	assert_int_equal(driver_count(d, 1, LANE_READY), 1);
	assert_int_equal(driver_count(d, 2, LANE_READY), 1);
}

static void test_leases_are_refused(void **state)
{
	struct driver *d = driver_of(state);
	driver_op(d, OP_EXTEND);
	assert_int_equal(driver_run(d), STORE_REFUSED);
	driver_op(d, OP_RELEASE);
	assert_int_equal(driver_run(d), STORE_REFUSED);
}

/* ---- purge ---- */

static void purge(struct driver *d, uint32_t queue, bool whole, uint64_t upto, const uint64_t *keep, size_t n)
{
	struct store_op *op = driver_op(d, OP_PURGE);
	op->purge.queue = queue;
	op->purge.whole_queue = whole;
	op->purge.upto = upto;
	op->purge.keep = keep;
	op->purge.n_keep = n;
	assert_int_equal(driver_run(d), STORE_OK);
}

static void check_purge(struct driver *d, size_t n)
{
	const uint64_t keep[] = {3, 7, n - 1};
	append_n(d, 1, 1, n + 10);
	append_n(d, 2, 100000, 5);
	purge(d, 1, false, n, keep, 3);
	assert_int_equal(driver_load(d, 1, LANE_READY, 0, 5), 5);
	static const uint64_t head[] = {3, 7};
	assert_int_equal(d->entries[0].pos, head[0]);
	assert_int_equal(d->entries[1].pos, head[1]);
	assert_int_equal(d->entries[2].pos, n - 1);
	assert_int_equal(d->entries[3].pos, n + 1);
	assert_int_equal(driver_count(d, 1, LANE_READY), 13);
	assert_int_equal(driver_count(d, 2, LANE_READY), 5);
	/* what is purged is not there for other operations either */
	struct store_op *op = driver_op(d, OP_MARK);
	op->entry.queue = 1;
	op->entry.pos = 4;
	assert_int_equal(driver_run(d), STORE_LOST);
	/* and an entry that comes later below the mark stays */
	op = driver_op(d, OP_MOVE);
	op->entry.queue = 2;
	op->entry.pos = 100000;
	op->entry.queue2 = 1;
	op->entry.pos2 = n + 500;
	assert_int_equal(driver_run(d), STORE_OK);
	purge(d, 1, false, n + 600, NULL, 0);
	assert_int_equal(driver_count(d, 1, LANE_READY), 0);
	driver_append(d, 1, LANE_READY, n + 550, VIEW("late"));
	driver_run(d);
	assert_int_equal(driver_count(d, 1, LANE_READY), 1);
}

static void test_purge_small(void **state)
{
	check_purge(driver_of(state), 20);
}

static void test_purge_large(void **state)
{
	check_purge(driver_of(state), 5000);
}

static void test_purge_whole_queue(void **state)
{
	struct driver *d = driver_of(state);
	uint64_t pos = 1;
	for (unsigned lane = 0; lane < 256; lane += 51)
		for (int i = 0; i < 300; i++)
			driver_append(d, 1, (uint8_t)lane, pos++, VIEW("x"));
	driver_append(d, 2, LANE_READY, pos++, VIEW("x"));
	struct store_op *op = driver_op(d, OP_QUEUE_ROW);
	op->row = (struct store_queue_row){.uid = 1, .entries = 1800};
	driver_run(d);
	purge(d, 1, true, 0, NULL, 0);
	for (unsigned lane = 0; lane < 256; lane += 51)
		assert_int_equal(driver_count(d, 1, (uint8_t)lane), 0);
	assert_int_equal(driver_count(d, 2, LANE_READY), 1);
}

static void test_purge_two_lanes_of_three(void **state)
{
	struct driver *d = driver_of(state);
	for (uint64_t i = 0; i < 900; i++)
		driver_append(d, 1, (uint8_t)(i % 3), i + 1, VIEW("x"));
	struct store_op *op = driver_op(d, OP_PURGE);
	op->purge.queue = 1;
	op->purge.lane = 1;
	op->purge.upto = 900;
	op = driver_op(d, OP_PURGE);
	op->purge.queue = 1;
	op->purge.lane = 2;
	op->purge.upto = 450;
	driver_run(d);
	assert_int_equal(driver_count(d, 1, 0), 300);
	assert_int_equal(driver_count(d, 1, 1), 0);
	assert_int_equal(driver_count(d, 1, 2), 150);
}

/* ---- rows and definitions ---- */

static void one_row(void *ctx, const struct store_queue_row *row)
{
	struct store_queue_row *rows = ctx;
	rows[row->uid] = *row;
}

static void test_queue_rows(void **state)
{
	struct driver *d = driver_of(state);
	struct store_queue_row rows[3] = {{0}};
	driver_op(d, OP_QUEUE_ROW)->row = (struct store_queue_row){1, 10, 100, 90, false, 3, 5, 1, 10};
	driver_op(d, OP_QUEUE_ROW)->row = (struct store_queue_row){2, 20, 200, 0, false, 0, 0, 0, UINT64_MAX >> 1};
	driver_op(d, OP_QUEUE_ROW)->row = (struct store_queue_row){1, 11, 110, 99, true, 4, 6, 2, 12};
	driver_run(d);
	d->store->ops->rows(d->store, one_row, rows);
	assert_int_equal(rows[1].entries, 11);
	assert_int_equal(rows[1].bytes, 110);
	assert_int_equal(rows[1].body_bytes, 99);
	assert_true(rows[1].expiring);
	assert_false(rows[2].expiring);
	assert_int_equal(rows[1].delayed, 4);
	assert_int_equal(rows[1].handed_up_to, 6);
	assert_int_equal(rows[1].first_pos, 2);
	assert_int_equal(rows[1].last_pos, 12);
	assert_int_equal(rows[2].last_pos, UINT64_MAX >> 1);
	purge(d, 1, true, 0, NULL, 0);
	rows[1].uid = 0;
	d->store->ops->rows(d->store, one_row, rows);
	assert_int_equal(rows[1].uid, 0);
}

struct defs {
	size_t n;
	char text[256];
	uint64_t version;
};

static void one_def(void *ctx, struct view key, struct view value, uint64_t version)
{
	struct defs *l = ctx;
	size_t used = strlen(l->text);
	snprintf(l->text + used, sizeof(l->text) - used, "%.*s=%.*s;", VIEW_ARG(key), VIEW_ARG(value));
	l->version = version;
	l->n++;
}

static struct defs defs_of(struct driver *d, struct view kind)
{
	struct defs l = {0};
	d->store->ops->defs(d->store, kind, one_def, &l);
	return l;
}

static void test_definitions(void **state)
{
	struct driver *d = driver_of(state);
	driver_def(d, "user", "guest", "v1", 0);
	assert_int_equal(driver_run(d), STORE_OK);
	struct defs l = defs_of(d, VIEW("user"));
	assert_string_equal(l.text, "guest=v1;");
	uint64_t version = l.version;

	driver_def(d, "user", "guest", "v2", 0); /* exists */
	assert_int_equal(driver_run(d), STORE_REFUSED);
	driver_def(d, "user", "guest", "v2", version);
	assert_int_equal(driver_run(d), STORE_OK);
	driver_def(d, "user", "guest", "v3", version); /* the old one */
	assert_int_equal(driver_run(d), STORE_REFUSED);
	driver_def(d, "user", "guest", NULL, version);
	assert_int_equal(driver_run(d), STORE_REFUSED);
	l = defs_of(d, VIEW("user"));
	assert_string_equal(l.text, "guest=v2;");
	assert_true(l.version > version);

	driver_def(d, "user", "guest", NULL, l.version);
	assert_int_equal(driver_run(d), STORE_OK);
	assert_int_equal(defs_of(d, VIEW("user")).n, 0);
	driver_def(d, "user", "guest", NULL, DEF_ANY); /* gone already */
	assert_int_equal(driver_run(d), STORE_OK);
}

static void test_definitions_are_bytes(void **state)
{
	struct driver *d = driver_of(state);
	struct store_op *op = driver_def(d, "k", "", "", DEF_ANY);
	op->def.key = VIEW("a\0b");
	driver_def(d, "kk", "a", "other kind", DEF_ANY);
	driver_run(d);
	assert_int_equal(defs_of(d, VIEW("k")).n, 1);
	assert_int_equal(defs_of(d, VIEW("kk")).n, 1);
	assert_int_equal(defs_of(d, VIEW("none")).n, 0);
}

static void test_definitions_in_one_group(void **state)
{
	struct driver *d = driver_of(state);
	driver_def(d, "q", "a", "1", 0);
	driver_more(d);
	driver_def(d, "q", "a", NULL, DEF_ANY);
	driver_more(d);
	driver_def(d, "q", "a", "2", 0);
	assert_int_equal(driver_run(d), STORE_OK);
	assert_string_equal(defs_of(d, VIEW("q")).text, "a=2;");

	driver_def(d, "q", "b", "1", 0);
	driver_more(d);
	driver_def(d, "q", "b", "2", 0); /* there is one by now */
	assert_int_equal(driver_run(d), STORE_REFUSED);
	assert_string_equal(defs_of(d, VIEW("q")).text, "a=2;");
}

static void test_meta(void **state)
{
	struct driver *d = driver_of(state);
	for (int i = 0; i < 2; i++) {
		struct store_op *op = driver_op(d, OP_META);
		op->def.key = VIEW("positions");
		op->def.value = i ? VIEW("2000") : VIEW("1000");
		assert_int_equal(driver_run(d), STORE_OK);
	}
	assert_string_equal(defs_of(d, VIEW("meta")).text, "positions=2000;");
}

/* ---- ends ---- */

static void count_wake(void *ctx)
{
	__atomic_add_fetch((int *)ctx, 1, __ATOMIC_SEQ_CST);
}

static void test_wakes(void **state)
{
	struct driver *d = driver_of(state);
	int woken = 0;
	d->store->wake_ctx = &woken;
	d->store->wake = count_wake;
	append_n(d, 1, 1, 1);
	assert_true(__atomic_load_n(&woken, __ATOMIC_SEQ_CST) > 0);
}

static void test_close_finishes(void **state)
{
	struct driver *d = driver_of(state);
	d->lazy = true;
	for (uint64_t i = 0; i < 50; i++) {
		driver_append(d, 1, LANE_READY, i + 1, VIEW("x"));
		driver_submit(d);
	}
	driver_load(d, 1, LANE_READY, 0, 100);
	d->store->ops->close(d->store);
	d->store = NULL;
	assert_int_equal(d->unfinished, 0);
	assert_int_equal(d->n_entries, 50);
	for (size_t i = 0; i < 50; i++)
		assert_int_equal(d->results[i], STORE_OK);
}

#define OVER(test)                                                                            \
	{#test " memory", test, setup_memory, teardown, NULL},                                \
	{#test " sqlite threaded", test, setup_threaded, teardown, NULL},                     \
	{#test " sqlite direct", test, setup_direct, teardown, NULL}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OVER(test_round_trip),
		OVER(test_nothing_is_raised_inside),
		OVER(test_load_pages),
		OVER(test_load_stops_at_bytes),
		OVER(test_load_cancel_is_answered),
		OVER(test_positions_out_of_order),
		OVER(test_remove),
		OVER(test_many_removals_and_reuse),
		OVER(test_mark_due_move),
		OVER(test_ops_on_what_is_not_there),
		OVER(test_keeps_its_place),
		OVER(test_one_message_many_queues),
		OVER(test_cancelled_op),
		OVER(test_group_is_refused_whole),
		OVER(test_position_taken),
		OVER(test_leases_are_refused),
		OVER(test_purge_small),
		OVER(test_purge_large),
		OVER(test_purge_whole_queue),
		OVER(test_purge_two_lanes_of_three),
		OVER(test_queue_rows),
		OVER(test_definitions),
		OVER(test_definitions_are_bytes),
		OVER(test_definitions_in_one_group),
		OVER(test_meta),
		OVER(test_wakes),
		OVER(test_close_finishes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
