/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the SQLite store whose bodies are files: one file for all queues, gone
 * with the last row, never before, and nothing without a row after a start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/store_sqlite.h"
#include "support/blob_now.h"
#include "support/store_crash.h"
#include "support/store_driver.h"

enum { BYTES = 300000, DEADLINE_US = 60 * 1000 * 1000 };

struct fixture {
	char *dir;
	struct store_crash *crash; /* has the files; the database is a real one */
	struct blobs *blobs;
	struct driver d;
	bool threaded;
};

static uint8_t octets[BYTES];
static uint64_t lives; /* names of files differ between them */

static struct view body_bytes_of(int k)
{
	for (size_t i = 0; i < BYTES; i++)
		octets[i] = (uint8_t)(i * 31 + (size_t)k * 7 + (i >> 8));
	return view_of(octets, BYTES);
}

static void open_store(struct fixture *f)
{
	struct store_sqlite_options o;
	struct error e;
	f->blobs = blobs_open(&(struct blobs_options){.threaded = f->threaded, .seed = ++lives},
			      store_crash_disk(f->crash), &e);
	assert_non_null(f->blobs);
	store_sqlite_options_default(&o, f->dir);
	o.threaded = f->threaded;
	o.blobs = f->blobs;
	o.slice_entries = 10;
	struct store *s = store_sqlite_open(&o, &e);
	assert_non_null(s);
	driver_init(&f->d, s);
}

static void close_store(struct fixture *f)
{
	driver_fini(&f->d);
	blobs_close(f->blobs);
}

static void restart(struct fixture *f)
{
	close_store(f);
	open_store(f);
}

/* Runs on a store with its own threads and on one without. */
static void both(void (*run)(struct fixture *f))
{
	for (int i = 0; i < 2; i++) {
		struct fixture f = {.dir = temp_dir_new(), .crash = store_crash_new("files", 1), .threaded = i};
		open_store(&f);
		run(&f);
		close_store(&f);
		store_crash_free(f.crash);
		temp_dir_remove(f.dir);
	}
}

static struct body *body_new_file(struct fixture *f, int k)
{
	struct body *b = blob_now(f->blobs, body_bytes_of(k));
	assert_non_null(b);
	return b;
}

/* The store's idle work and the removals take their time. */
static void files_become(struct fixture *f, size_t n)
{
	uint64_t until = clock_mono_us() + DEADLINE_US;
	while (store_crash_blobs(f->crash) != n) {
		assert_true(clock_mono_us() < until);
		f->d.store->ops->poll(f->d.store);
		usleep(100);
	}
}

static void check_entry(struct fixture *f, uint32_t queue, uint64_t pos, int k)
{
	assert_int_equal(driver_load(&f->d, queue, LANE_READY, pos - 1, 1), 1);
	assert_int_equal(f->d.entries[0].pos, pos);
	assert_non_null(body_blob(f->d.entries[0].message->body));
	struct view v = driver_body(&f->d, 0), want = body_bytes_of(k);
	assert_int_equal(v.n, want.n);
	assert_memory_equal(v.p, want.p, v.n);
}

static void remove_entry(struct fixture *f, uint32_t queue, uint64_t pos)
{
	driver_remove(&f->d, queue, pos);
	assert_int_equal(driver_run(&f->d), STORE_OK);
	driver_load(&f->d, 99, LANE_READY, 0, 1); /* lets go of what was loaded */
}

static void several_queues(struct fixture *f)
{
	driver_append_body(&f->d, 1, 3, 10, body_new_file(f, 1));
	assert_int_equal(driver_run(&f->d), STORE_OK);
	assert_int_equal(store_crash_blobs(f->crash), 1);
	for (uint32_t i = 0; i < 3; i++)
		check_entry(f, 1 + i, 10 + i, 1);
	remove_entry(f, 1, 10);
	restart(f);
	check_entry(f, 2, 11, 1);
	remove_entry(f, 2, 11);
	files_become(f, 1);
	check_entry(f, 3, 12, 1);
	remove_entry(f, 3, 12);
	files_become(f, 0);
}

static void test_several_queues(void **state)
{
	(void)state;
	both(several_queues);
}

/* A dead letter: new headers, the same body, in the group that removes the old entry. */
static void another_message(struct fixture *f)
{
	struct body *b = body_new_file(f, 2);
	driver_append_body(&f->d, 1, 1, 10, body_ref(b));
	assert_int_equal(driver_run(&f->d), STORE_OK);
	driver_append_body(&f->d, 2, 2, 20, b);
	driver_more(&f->d);
	driver_remove(&f->d, 1, 10);
	assert_int_equal(driver_run(&f->d), STORE_OK);
	restart(f);
	check_entry(f, 2, 20, 2);
	remove_entry(f, 2, 20);
	files_become(f, 1);
	check_entry(f, 3, 21, 2);
	remove_entry(f, 3, 21);
	files_become(f, 0);
}

static void test_another_message(void **state)
{
	(void)state;
	both(another_message);
}

static void moved_and_delayed(struct fixture *f)
{
	driver_append_body(&f->d, 1, 1, 10, body_new_file(f, 3));
	struct store_op *op = driver_op(&f->d, OP_MOVE);
	op->entry.queue = 1;
	op->entry.pos = 10;
	op->entry.queue2 = 5;
	op->entry.pos2 = 11;
	op = driver_op(&f->d, OP_DUE);
	op->entry.queue = 5;
	op->entry.pos = 11;
	op->entry.pos2 = 12;
	assert_int_equal(driver_run(&f->d), STORE_OK);
	restart(f);
	check_entry(f, 5, 12, 3);
	remove_entry(f, 5, 12);
	files_become(f, 0);
}

static void test_moved_and_delayed(void **state)
{
	(void)state;
	both(moved_and_delayed);
}

/* The group is not written: its file goes with its message. */
static void refused(struct fixture *f)
{
	log_set_level(LOG_ERROR);
	driver_append_body(&f->d, 1, 1, 10, body_new_file(f, 1));
	assert_int_equal(driver_run(&f->d), STORE_OK);
	driver_append_body(&f->d, 2, 1, 30, body_new_file(f, 2));
	driver_more(&f->d);
	driver_append(&f->d, 1, LANE_READY, 10, VIEW("taken"));
	driver_append_body(&f->d, 3, 1, 40, body_new_file(f, 3));
	size_t first = driver_submit(&f->d);
	driver_wait(&f->d);
	assert_int_equal(f->d.results[first], STORE_REFUSED);
	assert_int_equal(f->d.results[first + 2], STORE_OK);
	log_set_level(LOG_INFO);
	files_become(f, 2);
	check_entry(f, 1, 10, 1);
	check_entry(f, 3, 40, 3);
}

static void test_refused(void **state)
{
	(void)state;
	both(refused);
}

/* In slices, with others of the same file outside the queue. */
static void purged(struct fixture *f)
{
	struct body *shared = body_new_file(f, 4);
	for (uint64_t i = 0; i < 300; i++)
		driver_append(&f->d, 1, LANE_READY, 1000 + i, VIEW("small"));
	driver_append_body(&f->d, 1, 1, 2000, body_ref(shared));
	driver_append_body(&f->d, 1, 1, 2001, body_new_file(f, 5));
	driver_append_body(&f->d, 2, 1, 2002, shared);
	assert_int_equal(driver_run(&f->d), STORE_OK);
	assert_int_equal(store_crash_blobs(f->crash), 2);
	struct store_op *op = driver_op(&f->d, OP_PURGE);
	op->purge.queue = 1;
	op->purge.upto = 5000;
	assert_int_equal(driver_run(&f->d), STORE_OK);
	assert_int_equal(driver_count(&f->d, 1, LANE_READY), 0);
	files_become(f, 1);
	check_entry(f, 2, 2002, 4);
}

static void test_purged(void **state)
{
	(void)state;
	both(purged);
}

/* Files of a life that a crash ended before their rows. */
static void swept(struct fixture *f)
{
	driver_append_body(&f->d, 1, 1, 10, body_new_file(f, 1));
	assert_int_equal(driver_run(&f->d), STORE_OK);
	for (int i = 0; i < 25; i++) {
		struct body *b = body_new_file(f, i);
		blobs_keep(f->blobs, body_blob(b)->id, BLOBS_ROWS); /* a row is on its way, and is never written */
		body_unref(b);
	}
	assert_int_equal(store_crash_blobs(f->crash), 26);
	log_set_level(LOG_ERROR);
	restart(f);
	struct body *fresh = body_new_file(f, 7); /* of this life: not the sweep's business */
	files_become(f, 2);
	log_set_level(LOG_INFO);
	check_entry(f, 1, 10, 1);
	driver_append_body(&f->d, 1, 1, 11, fresh);
	assert_int_equal(driver_run(&f->d), STORE_OK);
	check_entry(f, 1, 11, 7);
}

static void test_swept(void **state)
{
	(void)state;
	both(swept);
}

/* A file somebody took away: its message cannot be had, the others can. */
static void missing(struct fixture *f)
{
	struct body *b = body_new_file(f, 1);
	uint64_t id = body_blob(b)->id;
	driver_append_body(&f->d, 1, 1, 10, b);
	driver_append_body(&f->d, 1, 1, 11, body_new_file(f, 2));
	assert_int_equal(driver_run(&f->d), STORE_OK);
	struct blob_disk *disk = store_crash_disk(f->crash);
	assert_int_equal(disk->remove(disk, id), 0);
	disk->free(disk);
	log_set_level(LOG_ERROR + 1);
	check_entry(f, 1, 11, 2);
	assert_int_equal(driver_load(&f->d, 1, LANE_READY, 0, 10), 1);
	assert_true(f->d.end);
	log_set_level(LOG_INFO);
}

static void test_missing(void **state)
{
	(void)state;
	both(missing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_several_queues),
		cmocka_unit_test(test_another_message),
		cmocka_unit_test(test_moved_and_delayed),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_purged),
		cmocka_unit_test(test_swept),
		cmocka_unit_test(test_missing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
