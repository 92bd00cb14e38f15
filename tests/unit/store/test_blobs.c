/* SPDX-License-Identifier: Apache-2.0 */
/* Files of large bodies: what goes in comes out, and nothing is left of what
 * nobody refers to, whatever fails on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "support/blob_now.h"
#include "support/store_crash.h"
#include "support/store_driver.h"

enum { BYTES = 1000 * 1000 + 7, DEADLINE_US = 60 * 1000 * 1000 };

static uint8_t octets[BYTES];

static struct view bytes_of(size_t n)
{
	struct rng r;
	rng_seed(&r, n);
	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)rng_next(&r);
	return view_of(octets, n);
}

struct fixture {
	char *dir;
	struct blobs *blobs;
};

static void open_on(struct fixture *f, struct blob_disk *disk, bool threaded)
{
	struct error e;
	assert_non_null(disk);
	f->blobs = blobs_open(&(struct blobs_options){.threaded = threaded, .seed = 3}, disk, &e);
	assert_non_null(f->blobs);
}

static void fixture_open(struct fixture *f, bool threaded)
{
	struct error e;
	f->dir = temp_dir_new();
	open_on(f, blob_disk_open(f->dir, &e), threaded);
}

static void fixture_close(struct fixture *f)
{
	blobs_close(f->blobs);
	temp_dir_remove(f->dir);
}

static void each(bool with_threads, void (*run)(struct fixture *f))
{
	struct fixture f;
	fixture_open(&f, with_threads);
	run(&f);
	fixture_close(&f);
}

static void both(void (*run)(struct fixture *f))
{
	each(false, run);
	each(true, run);
}

static void one_more(void *ctx, uint64_t id)
{
	(void)id;
	++*(size_t *)ctx;
}

static size_t files(struct fixture *f)
{
	size_t n = 0;
	assert_true(blobs_list(f->blobs, one_more, &n));
	return n;
}

/* Removals are nobody's answer. */
static void files_become(struct fixture *f, size_t n)
{
	uint64_t until = clock_mono_us() + DEADLINE_US;
	while (files(f) != n) {
		assert_true(clock_mono_us() < until);
		usleep(100);
	}
}

static void check_body(const struct body *b, struct view want)
{
	uint8_t *flat = mem_alloc(want.n + 1);
	assert_int_equal(body_bytes(b), want.n);
	assert_true(body_copy(b, flat));
	assert_memory_equal(flat, want.p, want.n);
	free(flat);
}

/* ---- in and out ---- */

struct reading {
	struct blob_read read;
	struct body *piece;
	int done;
};

static void on_read(struct blob_read *r, struct body *piece)
{
	struct reading *a = (struct reading *)(void *)r;
	a->piece = piece;
	a->done++;
}

static void round_trip(struct fixture *f)
{
	static const size_t sizes[] = {1, 4095, 256 * 1024, BYTES};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct view v = bytes_of(sizes[i]);
		struct body *b = blob_now(f->blobs, v);
		assert_non_null(b);
		assert_non_null(body_blob(b));
		assert_int_equal(body_cost(b), 0);
		check_body(b, v);
		assert_int_equal(files(f), 1);
		assert_false(blobs_full(f->blobs));
		body_unref(b);
		files_become(f, 0);
	}
}

static void test_round_trip(void **state)
{
	(void)state;
	both(round_trip);
}

static void pieces(struct fixture *f)
{
	struct view v = bytes_of(BYTES);
	struct body *b = blob_now(f->blobs, v);
	static const struct { uint64_t at; size_t n; } spans[] = {
		{0, 1}, {0, BYTES}, {17, 256 * 1024}, {65535, 2}, {BYTES - 1, 1}, {BYTES - 70000, 70000}};
	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		struct reading a = {.read = {.done = on_read}};
		blob_read(body_blob(b), spans[i].at, spans[i].n, &a.read);
		assert_int_equal(a.done, 0); /* never from inside */
		blobs_settle(f->blobs);
		assert_int_equal(a.done, 1);
		assert_null(a.read.job);
		check_body(a.piece, view_head(view_skip(v, spans[i].at), spans[i].n));
		body_unref(a.piece);
	}
	body_unref(b);
	files_become(f, 0);
}

static void test_pieces(void **state)
{
	(void)state;
	both(pieces);
}

/* The body goes while it is being read; the reader is told nothing. */
static void cancelled_read(struct fixture *f)
{
	struct body *b = blob_now(f->blobs, bytes_of(BYTES));
	struct reading a = {.read = {.done = on_read}};
	blob_read(body_blob(b), 0, BYTES, &a.read);
	blob_cancel(body_blob(b), &a.read);
	body_unref(b);
	blobs_settle(f->blobs);
	assert_int_equal(a.done, 0);
	files_become(f, 0);
}

static void test_cancelled_read(void **state)
{
	(void)state;
	both(cancelled_read);
}

struct writing {
	struct blob_write write;
	int moved, done;
};

static void on_moved(struct blob_write *w)
{
	((struct writing *)(void *)w)->moved++;
}

static void on_written(struct blob_write *w, struct body *b)
{
	((struct writing *)(void *)w)->done++;
	body_unref(b);
}

/* Given up with nothing, some, all of it handed in, and after its end. */
static void aborted(struct fixture *f)
{
	for (int i = 0; i < 5; i++) {
		struct writing a = {.write = {.moved = on_moved, .done = on_written}};
		blob_begin(f->blobs, &a.write);
		if (i > 0)
			assert_true(blob_add(f->blobs, &a.write, bytes_of(100)));
		if (i > 1)
			assert_true(blob_add(f->blobs, &a.write, bytes_of(BYTES)));
		if (i > 2)
			blob_end(f->blobs, &a.write);
		if (i > 3)
			blobs_poll(f->blobs);
		blob_abort(f->blobs, &a.write);
		blobs_settle(f->blobs);
		assert_true(i == 4 || !a.done);
		files_become(f, 0);
	}
}

static void test_aborted(void **state)
{
	(void)state;
	both(aborted);
}

static void test_waiting_falls(void **state)
{
	struct fixture f;
	struct writing a = {.write = {.moved = on_moved, .done = on_written}};
	(void)state;
	fixture_open(&f, false);
	blob_begin(f.blobs, &a.write);
	assert_true(blob_add(f.blobs, &a.write, bytes_of(1000)));
	assert_int_equal(a.write.waiting, 0); /* gathered: nothing moves by itself */
	assert_true(blob_add(f.blobs, &a.write, bytes_of(BYTES)));
	assert_int_equal(a.write.waiting, BYTES + 1000);
	blobs_poll(f.blobs);
	assert_int_equal(a.write.waiting, 0);
	assert_int_equal(a.moved, 1);
	blob_end(f.blobs, &a.write);
	blobs_settle(f.blobs);
	assert_int_equal(a.done, 1);
	fixture_close(&f);
}

/* ---- what rows say ---- */

static void kept_and_dropped(struct fixture *f)
{
	bool missing;
	struct view v = bytes_of(5000);
	struct body *b = blob_now(f->blobs, v);
	uint64_t id = body_blob(b)->id;
	blobs_keep(f->blobs, id, BLOBS_ROWS);
	body_unref(b);
	blobs_settle(f->blobs);
	assert_int_equal(files(f), 1);
	assert_null(blobs_body(f->blobs, id, 4999, &missing));
	assert_true(missing);
	assert_null(blobs_body(f->blobs, id + 1, 5000, &missing));
	assert_true(missing);
	b = blobs_body(f->blobs, id, 5000, &missing);
	struct body *again = blobs_body(f->blobs, id, 5000, &missing);
	check_body(b, v);
	blobs_drop(f->blobs, id, BLOBS_ROWS);
	body_unref(b);
	check_body(again, v); /* somebody still has it */
	body_unref(again);
	files_become(f, 0);
	b = blob_now(f->blobs, v);
	id = body_blob(b)->id;
	blobs_keep(f->blobs, id, BLOBS_ROWS);
	body_unref(b);
	blobs_drop(f->blobs, id, BLOBS_ROWS);
	files_become(f, 0);
}

static void test_kept_and_dropped(void **state)
{
	(void)state;
	both(kept_and_dropped);
}

/* Rows of a scratch file and rows that last do not know of each other. */
static void kept_by_two(struct fixture *f)
{
	bool missing;
	for (int i = 0; i < 2; i++) {
		struct body *b = blob_now(f->blobs, bytes_of(5000));
		uint64_t id = body_blob(b)->id;
		blobs_keep(f->blobs, id, BLOBS_SCRATCH);
		blobs_keep(f->blobs, id, BLOBS_SCRATCH);
		blobs_keep(f->blobs, id, BLOBS_ROWS);
		body_unref(b);
		blobs_drop(f->blobs, id, i ? BLOBS_SCRATCH : BLOBS_ROWS);
		blobs_settle(f->blobs);
		b = blobs_body(f->blobs, id, 5000, &missing);
		check_body(b, view_of(octets, 5000));
		body_unref(b);
		blobs_drop(f->blobs, id, i ? BLOBS_ROWS : BLOBS_SCRATCH);
		files_become(f, 0);
	}
	struct body *b = blob_now(f->blobs, bytes_of(5000));
	blobs_keep(f->blobs, body_blob(b)->id, BLOBS_SCRATCH);
	body_unref(b);
	assert_int_equal(files(f), 1);
	blobs_scratch_end(f->blobs);
	files_become(f, 0);
}

static void test_kept_by_two(void **state)
{
	(void)state;
	both(kept_by_two);
}

static void test_unreadable(void **state)
{
	struct fixture f;
	char path[4200];
	uint8_t flat[5000];
	struct reading a = {.read = {.done = on_read}};
	(void)state;
	fixture_open(&f, false);
	struct body *b = blob_now(f.blobs, bytes_of(5000));
	snprintf(path, sizeof(path), "%s/bodies/%016llx", f.dir, (unsigned long long)body_blob(b)->id);
	log_set_level(LOG_ERROR + 1);
	assert_int_equal(truncate(path, 4000), 0);
	assert_false(body_copy(b, flat));
	blob_read(body_blob(b), 3000, 2000, &a.read);
	blobs_settle(f.blobs);
	assert_int_equal(a.done, 1);
	assert_null(a.piece);
	assert_int_equal(unlink(path), 0);
	assert_false(body_copy(b, flat));
	log_set_level(LOG_INFO);
	body_unref(b);
	fixture_close(&f);
}

/* ---- a disk that fails ---- */

static void test_faults(void **state)
{
	static const enum crash_fault faults[] = {CRASH_EIO, CRASH_ENOSPC, CRASH_SHORT, CRASH_SYNC};
	(void)state;
	log_set_level(LOG_ERROR + 1);
	for (size_t k = 0; k < sizeof(faults) / sizeof(faults[0]); k++) {
		bool hit = true;
		for (uint64_t n = 1; hit; n++) {
			struct fixture f = {0};
			struct store_crash *crash = store_crash_new("blobs", n);
			open_on(&f, store_crash_disk(crash), false);
			store_crash_fault(crash, faults[k], n, 1);
			struct body *b = blob_now(f.blobs, bytes_of(BYTES));
			hit = store_crash_hit(crash);
			assert_int_equal(b != NULL, !hit);
			assert_false(blobs_full(f.blobs));
			if (b)
				check_body(b, view_of(octets, BYTES));
			store_crash_fault(crash, CRASH_NONE, 1, 0);
			body_unref(b);
			assert_int_equal(store_crash_blobs(crash), 0);
			blobs_close(f.blobs);
			store_crash_free(crash);
			assert_true(hit || n > (faults[k] == CRASH_SYNC ? 2u : 5u));
		}
	}
	log_set_level(LOG_INFO);
}

/* What was said to be done survives a loss of power, name and all. */
static void test_power_loss(void **state)
{
	struct fixture f = {0};
	struct store_crash *crash = store_crash_new("blobs", 1);
	bool missing;
	(void)state;
	open_on(&f, store_crash_disk(crash), false);
	struct body *b = blob_now(f.blobs, bytes_of(BYTES));
	uint64_t id = body_blob(b)->id;
	blobs_keep(f.blobs, id, BLOBS_ROWS);
	store_crash_power_loss(crash);
	body_unref(b);
	blobs_close(f.blobs);
	store_crash_restart(crash);
	open_on(&f, store_crash_disk(crash), false);
	b = blobs_body(f.blobs, id, BYTES, &missing);
	assert_non_null(b);
	check_body(b, view_of(octets, BYTES));
	body_unref(b);
	blobs_close(f.blobs);
	store_crash_free(crash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_cancelled_read),
		cmocka_unit_test(test_aborted),
		cmocka_unit_test(test_waiting_falls),
		cmocka_unit_test(test_kept_and_dropped),
		cmocka_unit_test(test_kept_by_two),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_power_loss),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
