/* SPDX-License-Identifier: Apache-2.0 */
/* Large messages on a disk that fails, or loses power, at its n-th writing call,
 * for every n, files and database alike: what was reported stored is there byte
 * by byte, no entry has half a body, and once the start's sweep is done no file
 * is there without an entry.
 *
 * Message k goes to queues 1 and 2 with one body; in the same group the entry of
 * message k - 1 goes out of queue 1, and that of k - 2 out of queue 2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/log.h"
#include "store/store_sqlite.h"
#include "support/blob_now.h"
#include "support/store_crash.h"
#include "support/store_driver.h"

enum { MESSAGES = 6, BYTES = 70000, IDLE_POLLS = 50 };

struct script {
	struct store_crash *crash;
	char *dir;
	struct blobs *blobs;
	struct driver d;
	bool open;
	bool tried[MESSAGES], ok[MESSAGES]; /* the group was handed in, and reported stored */
	uint64_t lives;
};

static uint8_t octets[BYTES];

static struct view body_of_message(int k)
{
	for (size_t i = 0; i < BYTES; i++)
		octets[i] = (uint8_t)(i * 13 + (size_t)k * 101 + (i >> 7));
	return view_of(octets, BYTES);
}

static uint64_t pos_of(int k)
{
	return 10 + (uint64_t)k * 10;
}

static bool script_open(struct script *s)
{
	struct store_sqlite_options o;
	struct error e;
	s->blobs = blobs_open(&(struct blobs_options){.seed = ++s->lives}, store_crash_disk(s->crash), &e);
	must(s->blobs);
	store_sqlite_options_default(&o, s->dir);
	o.vfs = "crash";
	o.threaded = false;
	o.blobs = s->blobs;
	o.checkpoint_pages = 20;
	o.retry_ms = o.retry_ms_max = 1;
	struct store *store = store_sqlite_open(&o, &e);
	s->open = store != NULL;
	if (store)
		driver_init(&s->d, store);
	else
		blobs_close(s->blobs);
	return s->open;
}

static void script_close(struct script *s)
{
	if (!s->open)
		return;
	driver_fini(&s->d);
	blobs_close(s->blobs);
	s->open = false;
}

static void idle(struct script *s)
{
	for (int i = 0; i < IDLE_POLLS; i++)
		s->d.store->ops->poll(s->d.store);
}

static void script_run(struct script *s)
{
	for (int k = 0; k < MESSAGES; k++) {
		struct body *b = blob_now(s->blobs, body_of_message(k));
		if (!b)
			continue; /* nacked */
		driver_append_body(&s->d, 1, 2, pos_of(k), b);
		for (int old = k - 1; old >= 0 && old >= k - 2; old--) {
			driver_more(&s->d);
			driver_remove(&s->d, old == k - 1 ? 1 : 2, pos_of(old) + (old == k - 1 ? 0 : 1));
		}
		s->tried[k] = true;
		s->ok[k] = driver_run(&s->d) == STORE_OK;
		s->d.store->ops->poll(s->d.store); /* idle work: also coming back after a failure */
	}
}

/* Is the entry there, and whole? */
static bool entry_there(struct script *s, int k, uint32_t queue)
{
	uint64_t pos = pos_of(k) + queue - 1;
	driver_load(&s->d, queue, LANE_READY, pos - 1, 1);
	must(!s->d.failed);
	if (!s->d.n_entries || s->d.entries[0].pos != pos)
		return false;
	struct view v = driver_body(&s->d, 0), want = body_of_message(k);
	assert_int_equal(v.n, want.n);
	assert_memory_equal(v.p, want.p, v.n);
	return true;
}

static void check(struct script *s)
{
	size_t files = 0;
	assert_true(script_open(s));
	for (int k = 0; k < MESSAGES; k++) {
		/* Groups later than k that were stored have taken it out again. */
		bool out1 = k + 1 < MESSAGES && s->ok[k + 1], out2 = k + 2 < MESSAGES && s->ok[k + 2];
		bool maybe1 = k + 1 < MESSAGES && s->tried[k + 1], maybe2 = k + 2 < MESSAGES && s->tried[k + 2];
		bool there1 = entry_there(s, k, 1), there2 = entry_there(s, k, 2);
		if (s->ok[k]) {
			assert_true(there1 || maybe1);
			assert_true(there2 || maybe2);
		}
		assert_false(there1 && out1);
		assert_false(there2 && out2);
		assert_true(s->tried[k] || (!there1 && !there2));
		files += there1 || there2;
	}
	driver_load(&s->d, 99, LANE_READY, 0, 1);
	idle(s);
	assert_int_equal(store_crash_blobs(s->crash), files);
	driver_append_body(&s->d, 1, 1, 9000, blob_now(s->blobs, body_of_message(9)));
	assert_int_equal(driver_run(&s->d), STORE_OK);
	script_close(s);
}

/* One run with the fault at the n-th call. False: the workload has fewer. */
static bool run_once(enum crash_fault fault, uint64_t nth, uint64_t times, bool tear)
{
	struct script s = {.crash = store_crash_new("crash", nth), .dir = temp_dir_new()};
	store_crash_tear(s.crash, tear);
	store_crash_fault(s.crash, fault, nth, times);
	if (script_open(&s))
		script_run(&s);
	bool hit = store_crash_hit(s.crash);
	store_crash_power_loss(s.crash);
	script_close(&s);
	store_crash_restart(s.crash);
	check(&s);
	store_crash_free(s.crash);
	temp_dir_remove(s.dir);
	return hit;
}

static void each_call(enum crash_fault fault, uint64_t times, bool tear)
{
	uint64_t n = 1;
	log_set_level(LOG_ERROR + 1);
	while (run_once(fault, n, times, tear))
		n++;
	log_set_level(LOG_INFO);
	assert_true(n > 20); /* it did meet the workload */
}

static void test_eio_once(void **state)
{
	(void)state;
	each_call(CRASH_EIO, 1, false);
}

static void test_eio_for_ever(void **state)
{
	(void)state;
	each_call(CRASH_EIO, UINT64_MAX, false);
}

static void test_disk_full(void **state)
{
	(void)state;
	each_call(CRASH_ENOSPC, 2, false);
}

static void test_short_write(void **state)
{
	(void)state;
	each_call(CRASH_SHORT, 1, false);
}

static void test_failed_sync(void **state)
{
	(void)state;
	each_call(CRASH_SYNC, 1, false);
	each_call(CRASH_SYNC, 2, true);
}

static void test_power_loss(void **state)
{
	(void)state;
	each_call(CRASH_POWER, 1, false);
}

static void test_power_loss_torn(void **state)
{
	(void)state;
	each_call(CRASH_POWER, 1, true);
}

/* The database fails and comes back without a restart: what is no row's is gone,
 * what is one's is there. */
static void test_recovered(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR + 1);
	bool hit = true;
	for (uint64_t n = 1; hit; n++) {
		struct script s = {.crash = store_crash_new("crash", n), .dir = temp_dir_new()};
		size_t files = 0;
		assert_true(script_open(&s));
		store_crash_fault(s.crash, CRASH_SYNC, n, 1);
		script_run(&s);
		hit = store_crash_hit(s.crash);
		store_crash_fault(s.crash, CRASH_NONE, 1, 0);
		idle(&s);
		for (int k = 0; k < MESSAGES; k++) {
			bool there1 = entry_there(&s, k, 1), there2 = entry_there(&s, k, 2);
			files += there1 || there2;
		}
		driver_load(&s.d, 99, LANE_READY, 0, 1);
		idle(&s);
		assert_int_equal(store_crash_blobs(s.crash), files);
		script_close(&s);
		store_crash_free(s.crash);
		temp_dir_remove(s.dir);
	}
	log_set_level(LOG_INFO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eio_once),	 cmocka_unit_test(test_eio_for_ever),
		cmocka_unit_test(test_disk_full),	 cmocka_unit_test(test_short_write),
		cmocka_unit_test(test_failed_sync),	 cmocka_unit_test(test_power_loss),
		cmocka_unit_test(test_power_loss_torn), cmocka_unit_test(test_recovered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
