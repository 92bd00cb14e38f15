/* SPDX-License-Identifier: Apache-2.0 */
/* What only the SQLite store has: a file that is there the next time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/arena.h"
#include "base/clock.h"
#include "store/store_sqlite.h"
#include "support/store_driver.h"

struct fixture {
	struct driver d;
	struct store_sqlite_options o;
	char *dir;
	sqlite3 *file; /* the test's own look at it */
};

static int setup(void **state)
{
	struct fixture *f = mem_zalloc(sizeof(*f));
	f->dir = temp_dir_new();
	store_sqlite_options_default(&f->o, f->dir);
	*state = f;
	return 0;
}

static void open_store(struct fixture *f)
{
	struct error e = {0};
	struct store *s = store_sqlite_open(&f->o, &e);
	if (!s)
		print_error("%s\n", e.text);
	assert_non_null(s);
	driver_init(&f->d, s);
}

static void close_store(struct fixture *f)
{
	driver_fini(&f->d);
	f->d = (struct driver){0};
}

static void reopen(struct fixture *f)
{
	close_store(f);
	open_store(f);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	close_store(f);
	sqlite3_close(f->file);
	temp_dir_remove(f->dir);
	free(f);
	return 0;
}

/* One number of the closed file. */
static int64_t number(struct fixture *f, const char *sql)
{
	char path[4200];
	sqlite3_stmt *st;
	snprintf(path, sizeof(path), "%s/mqbridge.db", f->dir);
	assert_int_equal(sqlite3_open(path, &f->file), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(f->file, sql, -1, &st, NULL), SQLITE_OK);
	int64_t n = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;
	sqlite3_finalize(st);
	sqlite3_close(f->file);
	f->file = NULL;
	return n;
}

static void refuse(struct fixture *f, enum code code, const char *text)
{
	struct error e = {0};
	assert_null(store_sqlite_open(&f->o, &e));
	assert_int_equal(e.code, code);
	assert_non_null(strstr(e.text, text));
}

/* ---- restart ---- */

static void count_row(void *ctx, const struct store_queue_row *row)
{
	*(uint64_t *)ctx += row->entries;
}

static void count_def(void *ctx, struct view key, struct view value, uint64_t version)
{
	(void)key;
	(void)value;
	*(uint64_t *)ctx = version;
}

static void test_restart(void **state)
{
	struct fixture *f = *state;
	uint64_t rows = 0, before = 0, after = 0;
	open_store(f);
	for (uint64_t i = 1; i <= 100; i++)
		driver_append(&f->d, 1, LANE_READY, i, VIEW("kept"));
	driver_op(&f->d, OP_QUEUE_ROW)->row = (struct store_queue_row){.uid = 1, .entries = 100};
	driver_def(&f->d, "queue", "a", "1", 0);
	assert_int_equal(driver_run(&f->d), STORE_OK);
	f->d.store->ops->defs(f->d.store, VIEW("queue"), count_def, &before);
	reopen(f);
	assert_int_equal(driver_count(&f->d, 1, LANE_READY), 100);
	f->d.store->ops->rows(f->d.store, count_row, &rows);
	assert_int_equal(rows, 100);
	f->d.store->ops->defs(f->d.store, VIEW("queue"), count_def, &after);
	assert_int_equal(after, before);
	driver_def(&f->d, "queue", "b", "2", 0); /* versions go on */
	driver_run(&f->d);
	f->d.store->ops->defs(f->d.store, VIEW("queue"), count_def, &after);
	assert_true(after > before);
	close_store(f);
	assert_int_equal(number(f, "PRAGMA user_version"), 2);
	assert_int_equal(number(f, "PRAGMA auto_vacuum"), 2);
	assert_int_equal(number(f, "PRAGMA application_id"), 0x4d514252);
}

/* ---- what is refused ---- */

static void test_locked(void **state)
{
	struct fixture *f = *state;
	open_store(f);
	refuse(f, CODE_IN_USE, "is in use by process");
	reopen(f);
}

static void edit(struct fixture *f, const char *sql)
{
	number(f, sql);
}

static void test_newer_schema(void **state)
{
	struct fixture *f = *state;
	open_store(f);
	close_store(f);
	edit(f, "PRAGMA user_version=3");
	refuse(f, CODE_UNSUPPORTED, "schema version 3");
	edit(f, "PRAGMA user_version=2");
	open_store(f);
}

static void keep_row(void *ctx, const struct store_queue_row *row)
{
	*(struct store_queue_row *)ctx = *row;
}

/* Version 1 had no octets in its rows. */
static void test_older_schema(void **state)
{
	struct fixture *f = *state;
	struct store_queue_row row = {.uid = 0};
	uint8_t large[40000] = {1};
	open_store(f);
	driver_append(&f->d, 7, LANE_READY, 1, VIEW("12345"));
	driver_append(&f->d, 7, LANE_READY, 2, view_of(large, sizeof(large)));
	driver_append(&f->d, 7, LANE_DELAYED, 3, VIEW("later"));
	driver_op(&f->d, OP_QUEUE_ROW)->row = (struct store_queue_row){.uid = 7, .entries = 3, .delayed = 1};
	assert_int_equal(driver_run(&f->d), STORE_OK);
	close_store(f);
	edit(f, "ALTER TABLE queue_row DROP COLUMN body_bytes");
	edit(f, "ALTER TABLE queue_row DROP COLUMN expiring");
	edit(f, "PRAGMA user_version=1");
	open_store(f);
	f->d.store->ops->rows(f->d.store, keep_row, &row);
	assert_int_equal(row.uid, 7);
	assert_int_equal(row.entries, 3);
	assert_int_equal(row.body_bytes, 5 + sizeof(large));
	assert_false(row.expiring);
	assert_int_equal(driver_count(&f->d, 7, LANE_READY), 2);
	close_store(f);
	assert_int_equal(number(f, "PRAGMA user_version"), 2);
}

static void test_not_ours(void **state)
{
	struct fixture *f = *state;
	edit(f, "CREATE TABLE somebody(else_s INTEGER)");
	refuse(f, CODE_INVALID, "another application");
}

static void test_not_a_database(void **state)
{
	struct fixture *f = *state;
	char path[4200];
	snprintf(path, sizeof(path), "%s/mqbridge.db", f->dir);
	FILE *out = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("this is not a database\n", out);
	fclose(out);
	refuse(f, CODE_UNAVAILABLE, "not a database");
}

static void test_no_directory(void **state)
{
	struct fixture *f = *state;
	f->o.dir = "/nonexistent/directory";
	refuse(f, CODE_UNAVAILABLE, "No such file");
}

/* ---- purge ---- */

static void purge_lane(struct fixture *f, uint64_t upto, const uint64_t *keep, size_t n_keep)
{
	struct store_op *op = driver_op(&f->d, OP_PURGE);
	op->purge.queue = 1;
	op->purge.upto = upto;
	op->purge.keep = keep;
	op->purge.n_keep = n_keep;
	assert_int_equal(driver_run(&f->d), STORE_OK);
}

/* Without the thread nothing is reclaimed unless somebody polls, so a purge
 * outlives the process unfinished. */
static void test_purge_is_finished_later(void **state)
{
	struct fixture *f = *state;
	static const uint64_t keep[] = {1, 1500, 3000};
	f->o.threaded = false;
	open_store(f);
	for (uint64_t i = 1; i <= 3100; i++)
		if (i != 200)
			driver_append(&f->d, 1, LANE_READY, i, VIEW("x"));
	driver_run(&f->d);
	purge_lane(f, 3000, keep, 3);
	close_store(f);
	assert_int_equal(number(f, "SELECT count(*) FROM purge"), 1);
	assert_true(number(f, "SELECT count(*) FROM entry") > 1000);

	open_store(f);
	assert_int_equal(driver_count(&f->d, 1, LANE_READY), 103);
	driver_append(&f->d, 1, LANE_READY, 200, VIEW("late, below the mark"));
	driver_run(&f->d);
	reopen(f); /* the spared one is remembered */
	assert_int_equal(driver_count(&f->d, 1, LANE_READY), 104);
	for (int i = 0; i < 20; i++)
		f->d.store->ops->poll(f->d.store);
	assert_int_equal(driver_count(&f->d, 1, LANE_READY), 104);
	close_store(f);
	assert_int_equal(number(f, "SELECT count(*) FROM purge"), 0);
	assert_int_equal(number(f, "SELECT count(*) FROM entry"), 104);
}

static void test_purge_after_restart_threaded(void **state)
{
	struct fixture *f = *state;
	f->o.threaded = false;
	open_store(f);
	for (uint64_t i = 1; i <= 3000; i++)
		driver_append(&f->d, 1, (uint8_t)(i % 2 ? LANE_READY : LANE_DELAYED), i, VIEW("x"));
	driver_run(&f->d);
	struct store_op *op = driver_op(&f->d, OP_PURGE);
	op->purge.queue = 1;
	op->purge.whole_queue = true;
	driver_run(&f->d);
	close_store(f);
	assert_int_equal(number(f, "SELECT count(*) FROM purge"), 1);
	f->o.threaded = true;
	open_store(f);
	/* the writer reclaims when idle; a load behind it sees none of them either way */
	assert_int_equal(driver_count(&f->d, 1, LANE_READY), 0);
	assert_int_equal(driver_count(&f->d, 1, LANE_DELAYED), 0);
	uint64_t until = clock_mono_us() + 30 * 1000 * 1000;
	int64_t left = 1;
	while (left && clock_mono_us() < until) {
		usleep(50 * 1000); /* only a store that nobody asks anything is idle */
		close_store(f);
		left = number(f, "SELECT count(*) FROM purge");
		open_store(f);
	}
	assert_int_equal(left, 0);
	close_store(f);
	assert_int_equal(number(f, "SELECT count(*) FROM entry"), 0);
}

/* ---- bodies ---- */

static void test_shared_bodies(void **state)
{
	struct fixture *f = *state;
	uint8_t *big = mem_zalloc(50000);
	f->o.threaded = false;
	open_store(f);
	driver_append_many(&f->d, 1, 10, 100, view_of(big, 50000)); /* shared */
	driver_append_many(&f->d, 1, 10, 200, VIEW("tiny"));	    /* repeated */
	driver_append(&f->d, 1, LANE_READY, 300, view_of(big, 50000)); /* apart, for its size */
	driver_run(&f->d);
	close_store(f);
	assert_int_equal(number(f, "SELECT count(*) FROM body"), 2);
	assert_int_equal(number(f, "SELECT refs FROM body_ref WHERE id=100"), 10);
	assert_int_equal(number(f, "SELECT count(*) FROM entry WHERE body_id=100"), 10);
	assert_int_equal(number(f, "SELECT count(*) FROM entry WHERE body_id IS NULL"), 10);

	open_store(f);
	for (uint64_t i = 0; i < 9; i++)
		driver_remove(&f->d, 1, 100 + i);
	driver_run(&f->d);
	assert_int_equal(driver_load(&f->d, 10, LANE_READY, 0, 1), 1);
	assert_int_equal(driver_body(&f->d, 0).n, 50000);
	close_store(f);
	assert_int_equal(number(f, "SELECT refs FROM body_ref WHERE id=100"), 1);
	open_store(f);
	driver_remove(&f->d, 10, 109);
	driver_remove(&f->d, 1, 300);
	driver_run(&f->d);
	close_store(f);
	assert_int_equal(number(f, "SELECT count(*) FROM body"), 0);
	assert_int_equal(number(f, "SELECT count(*) FROM body_ref"), 0);
	free(big);
}

/* A body that arrived in pieces is the same as one that arrived at once. */
static void test_bodies_of_many_chunks(void **state)
{
	struct fixture *f = *state;
	static const size_t sizes[] = {0, 1, 1000, BODY_CHUNK - 1, BODY_CHUNK, BODY_CHUNK + 1, 5000000};
	open_store(f);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t *bytes = mem_alloc(sizes[i] + 1);
		for (size_t k = 0; k < sizes[i]; k++)
			bytes[k] = (uint8_t)(k * 31 + k / 7919);
		struct store_op *op = driver_append(&f->d, 1, LANE_READY, i + 1, VIEW_NONE);
		struct body *b = op->append.message->body;
		for (size_t at = 0; at < sizes[i]; at += 777)
			assert_true(body_append(b, view_of(bytes + at, sizes[i] - at < 777 ? sizes[i] - at : 777)));
		assert_int_equal(driver_run(&f->d), STORE_OK);
		reopen(f);
		assert_int_equal(driver_load(&f->d, 1, LANE_READY, i, 1), 1);
		assert_true(view_eq(driver_body(&f->d, 0), view_of(bytes, sizes[i])));
		free(bytes);
	}
}

/* ---- removals ---- */

/* Neighbours in one batch go by one statement: theirs and their bodies only, and those that
 * are gone already are none of its business. */
static void test_neighbours_are_removed_together(void **state)
{
	struct fixture *f = *state;
	uint8_t *large = mem_zalloc(5000); /* a row of its own */
	f->o.threaded = false;
	open_store(f);
	for (uint64_t i = 1; i <= 30; i++)
		driver_append(&f->d, 1, LANE_READY, i, i % 3 ? VIEW("x") : view_of(large, 5000));
	driver_remove(&f->d, 1, 12);
	driver_run(&f->d);
	for (uint64_t i = 3; i <= 20; i++)
		driver_remove(&f->d, 1, i);
	for (uint64_t i = 22; i <= 24; i++)
		driver_remove(&f->d, 1, i);
	driver_run(&f->d);
	close_store(f);
	assert_int_equal(number(f, "SELECT count(*) FROM entry"), 9);
	assert_int_equal(number(f, "SELECT count(*) FROM entry WHERE pos BETWEEN 3 AND 20 OR pos BETWEEN 22 AND 24"), 0);
	assert_int_equal(number(f, "SELECT count(*) FROM body"), 3); /* of 21, 27 and 30 */
	assert_int_equal(number(f, "SELECT count(*) FROM entry WHERE body_id IS NOT NULL"), 3);
	free(large);
}

/* ---- room ---- */

static int64_t file_bytes(const struct fixture *f)
{
	char path[4200];
	struct stat st;
	snprintf(path, sizeof(path), "%s/mqbridge.db", f->dir);
	assert_int_equal(stat(path, &st), 0);
	return (int64_t)st.st_size;
}

static void test_room_is_given_back(void **state)
{
	struct fixture *f = *state;
	uint8_t *big = mem_zalloc(10000);
	f->o.threaded = false;
	f->o.slack_bytes = 64 * 1024;
	open_store(f);
	for (uint64_t i = 1; i <= 5000; i++)
		driver_append(&f->d, 1, LANE_READY, i, view_of(big, 10000));
	driver_run(&f->d);
	for (uint64_t i = 1; i <= 5000; i++)
		driver_remove(&f->d, 1, i);
	driver_run(&f->d);
	for (int i = 0; i < 100; i++)
		f->d.store->ops->poll(f->d.store);
	assert_true(file_bytes(f) < 4 * 1024 * 1024); /* while it is open, too */
	close_store(f);
	assert_true(number(f, "PRAGMA page_count") < 100);
	free(big);
}

/* Many batches while the writer is busy share transactions, and come back in order. */
static void test_group_commit_keeps_order(void **state)
{
	struct fixture *f = *state;
	open_store(f);
	f->d.lazy = true;
	for (uint64_t i = 1; i <= 2000; i++) {
		driver_append(&f->d, 1, LANE_READY, i, VIEW("x"));
		if (i > 1)
			driver_remove(&f->d, 1, i - 1);
		driver_submit(&f->d);
		if (i % 500 == 0)
			driver_load(&f->d, 1, LANE_READY, 0, 10);
	}
	driver_wait(&f->d);
	assert_int_equal(f->d.n_entries, 1);
	assert_int_equal(f->d.entries[0].pos, 2000);
	for (size_t i = 0; i < f->d.n_results; i++)
		assert_int_equal(f->d.results[i], STORE_OK);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_restart),
		T(test_locked),
		T(test_newer_schema),
		T(test_older_schema),
		T(test_not_ours),
		T(test_not_a_database),
		T(test_no_directory),
		T(test_purge_is_finished_later),
		T(test_purge_after_restart_threaded),
		T(test_shared_bodies),
		T(test_bodies_of_many_chunks),
		T(test_neighbours_are_removed_together),
		T(test_room_is_given_back),
		T(test_group_commit_keeps_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
