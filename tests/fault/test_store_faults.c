/* SPDX-License-Identifier: Apache-2.0 */
/* A scripted workload over a disk that fails at its n-th writing call, for every
 * n: after a power loss and a restart, every group that was reported STORE_OK is
 * there, and every group is there whole or not at all (store.h).
 *
 * Group k puts the definition group/k, appends one entry to queue 1, one message
 * to queues 2 to 4, and removes the queue 1 entry of group k - 1. So the
 * definition tells whether the group is there, and the entries must agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/log.h"
#include "store/store_sqlite.h"
#include "support/store_crash.h"
#include "support/store_driver.h"

enum { GROUPS = 12, PER_BATCH = 3, PURGED = 200, PURGE_AT = GROUPS / 2, SHARED = 5000, KEPT_QUEUE = 9 };

struct script {
	struct store_crash *crash;
	char *dir;
	struct driver d;
	uint32_t checkpoint_pages;
	bool open;
	bool filled, purge_ok, purge_sent;
	enum store_result results[GROUPS];
};

static bool script_open(struct script *s, bool threaded)
{
	struct store_sqlite_options o;
	struct error e;
	store_sqlite_options_default(&o, s->dir);
	o.vfs = "crash";
	o.threaded = threaded;
	o.checkpoint_pages = s->checkpoint_pages;
	o.slice_entries = 60;
	o.retry_ms = o.retry_ms_max = 1;
	struct store *store = store_sqlite_open(&o, &e);
	s->open = store != NULL;
	if (store)
		driver_init(&s->d, store);
	return s->open;
}

static void script_close(struct script *s)
{
	if (s->open)
		driver_fini(&s->d);
	s->open = false;
}

static uint64_t base_pos(int k)
{
	return 1000 + (uint64_t)k * 10;
}

static void key_of(int k, char out[16])
{
	snprintf(out, 16, "%d", k);
}

static void add_group(struct script *s, int k, char key[16])
{
	uint8_t shared[SHARED];
	memset(shared, 'a' + k % 26, sizeof(shared));
	key_of(k, key);
	driver_def(&s->d, "group", key, "here", DEF_ANY);
	driver_more(&s->d);
	driver_append(&s->d, 1, LANE_READY, base_pos(k), view_str(key));
	driver_more(&s->d);
	driver_append_many(&s->d, 2, 3, base_pos(k) + 1, view_of(shared, sizeof(shared)));
	if (k == 0)
		return;
	driver_more(&s->d);
	driver_remove(&s->d, 1, base_pos(k - 1));
}

static void fill_purged(struct script *s)
{
	for (uint64_t i = 0; i < PURGED; i++) {
		driver_append(&s->d, KEPT_QUEUE, LANE_READY, i + 1, VIEW("to be purged"));
		driver_more(&s->d);
	}
	driver_def(&s->d, "group", "filled", "", DEF_ANY);
	s->filled = driver_run(&s->d) == STORE_OK;
}

static void purge(struct script *s)
{
	struct store_op *op = driver_op(&s->d, OP_PURGE);
	op->purge.queue = KEPT_QUEUE;
	op->purge.upto = PURGED;
	s->purge_sent = true;
	s->purge_ok = driver_run(&s->d) == STORE_OK;
}

static void script_run(struct script *s)
{
	fill_purged(s);
	for (int k = 0; k < GROUPS; k += PER_BATCH) {
		char keys[PER_BATCH][16];
		for (int i = 0; i < PER_BATCH; i++)
			add_group(s, k + i, keys[i]);
		size_t first = driver_submit(&s->d), at = first;
		driver_wait(&s->d);
		for (int i = 0; i < PER_BATCH; i++) {
			s->results[k + i] = s->d.results[at];
			size_t ops = k + i == 0 ? 3 : 4;
			for (size_t j = 0; j < ops; j++) /* one outcome a group */
				assert_int_equal(s->d.results[at + j], s->d.results[at]);
			at += ops;
		}
		if (k == PURGE_AT)
			purge(s);
		s->d.store->ops->poll(s->d.store); /* idle work */
	}
}

/* ---- what is there afterwards ---- */

struct presence {
	bool group[GROUPS], filled;
};

static void one_def(void *ctx, struct view key, struct view value, uint64_t version)
{
	struct presence *p = ctx;
	char text[16] = "";
	(void)value;
	(void)version;
	if (view_is(key, "filled")) {
		p->filled = true;
		return;
	}
	memcpy(text, key.p, key.n < 15 ? key.n : 15);
	long k = strtol(text, NULL, 10);
	must(k >= 0 && k < GROUPS);
	p->group[k] = true;
}

static void check_group(struct script *s, const struct presence *p, int k)
{
	char key[16];
	bool first_stays = p->group[k] && !(k + 1 < GROUPS && p->group[k + 1]);
	key_of(k, key);
	if (s->results[k] == STORE_OK)
		assert_true(p->group[k]);
	driver_load(&s->d, 1, LANE_READY, base_pos(k) - 1, 1);
	bool there = s->d.n_entries && s->d.entries[0].pos == base_pos(k);
	assert_int_equal(there, first_stays);
	if (there)
		assert_true(view_is(driver_body(&s->d, 0), key));
	for (uint32_t q = 0; q < 3; q++) {
		driver_load(&s->d, 2 + q, LANE_READY, base_pos(k), 1);
		there = s->d.n_entries && s->d.entries[0].pos == base_pos(k) + 1 + q;
		assert_int_equal(there, p->group[k]);
		if (!there)
			continue;
		struct view body = driver_body(&s->d, 0);
		assert_int_equal(body.n, SHARED);
		assert_int_equal(body.p[SHARED - 1], 'a' + k % 26);
	}
}

static void check(struct script *s)
{
	struct presence p = {0};
	assert_true(script_open(s, false));
	s->d.store->ops->defs(s->d.store, VIEW("group"), one_def, &p);
	for (int k = 0; k < GROUPS; k++)
		check_group(s, &p, k);
	if (s->filled)
		assert_true(p.filled);
	size_t n = driver_count(&s->d, KEPT_QUEUE, LANE_READY);
	if (s->purge_ok)
		assert_int_equal(n, 0);
	else if (!s->purge_sent)
		assert_int_equal(n, p.filled ? PURGED : 0);
	else
		assert_true(n == 0 || n == PURGED);
	/* and it works: what a purge left is reclaimed, new entries go in */
	for (int i = 0; i < 30; i++)
		s->d.store->ops->poll(s->d.store);
	driver_append(&s->d, 1, LANE_READY, 900000, VIEW("after"));
	assert_int_equal(driver_run(&s->d), STORE_OK);
	script_close(s);
}

/* One run with the fault at the n-th call. False: the workload has fewer. */
static bool run_once(enum crash_fault fault, uint64_t nth, uint64_t times, bool tear)
{
	struct script s = {.crash = store_crash_new("crash", nth), .dir = temp_dir_new()};
	/* Two failures in a row are those of commit and close: see below. */
	s.checkpoint_pages = times == 2 ? 100000 : 20;
	store_crash_tear(s.crash, tear);
	store_crash_fault(s.crash, fault, nth, times);
	if (script_open(&s, false))
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

/* Some kinds go through every call, their variants through one in SPARSE. */
enum { SPARSE = 2 };

static void each_call(enum crash_fault fault, uint64_t times, bool tear, uint64_t step)
{
	uint64_t n = 1;
	log_set_level(LOG_ERROR + 1);
	while (run_once(fault, n, times, tear))
		n += step;
	log_set_level(LOG_INFO);
	assert_true(n > 40); /* it did meet the workload */
}

static void test_eio_once(void **state)
{
	(void)state;
	each_call(CRASH_EIO, 1, false, 1);
}

static void test_eio_for_ever(void **state)
{
	(void)state;
	each_call(CRASH_EIO, UINT64_MAX, false, SPARSE);
}

static void test_disk_full_once(void **state)
{
	(void)state;
	each_call(CRASH_ENOSPC, 1, false, SPARSE);
}

static void test_disk_full_for_ever(void **state)
{
	(void)state;
	each_call(CRASH_ENOSPC, UINT64_MAX, false, SPARSE);
}

static void test_short_write(void **state)
{
	(void)state;
	each_call(CRASH_SHORT, 1, false, SPARSE);
}

static void test_failed_sync_once(void **state)
{
	(void)state;
	each_call(CRASH_SYNC, 1, false, 1);
}

/* The commit's, and that of the checkpoint when the connection is closed: the
 * log then has a hole that only a power loss shows, unless a later checkpoint
 * hides it; so here there is none. */
static void test_failed_sync_twice(void **state)
{
	(void)state;
	each_call(CRASH_SYNC, 2, false, 1);
}

static void test_failed_sync_torn(void **state)
{
	(void)state;
	each_call(CRASH_SYNC, 3, true, SPARSE);
}

static void test_power_loss(void **state)
{
	(void)state;
	each_call(CRASH_POWER, 1, false, SPARSE);
}

static void test_power_loss_torn(void **state)
{
	(void)state;
	each_call(CRASH_POWER, 1, true, 1);
}

/* ---- what the loop is told ---- */

static void test_states(void **state)
{
	struct script s = {.crash = store_crash_new("crash", 1), .dir = temp_dir_new(),
			   .checkpoint_pages = 20};
	(void)state;
	log_set_level(LOG_ERROR + 1);
	assert_true(script_open(&s, true));
	driver_append(&s.d, 1, LANE_READY, 1, VIEW("a"));
	assert_int_equal(driver_run(&s.d), STORE_OK);

	store_crash_fault(s.crash, CRASH_ENOSPC, 1, UINT64_MAX);
	driver_append(&s.d, 1, LANE_READY, 2, VIEW("b"));
	assert_int_equal(driver_run(&s.d), STORE_FAILED);
	assert_int_equal(s.d.state, STATE_FULL);
	driver_append(&s.d, 1, LANE_READY, 3, VIEW("c"));
	assert_int_equal(driver_run(&s.d), STORE_FAILED);
	driver_load(&s.d, 1, LANE_READY, 0, 10);
	assert_true(s.d.failed);

	store_crash_fault(s.crash, CRASH_NONE, 1, 0);
	while (s.d.state != STATE_OK) /* the time-out of the test is the deadline */
		s.d.store->ops->poll(s.d.store);
	driver_append(&s.d, 1, LANE_READY, 4, VIEW("d"));
	assert_int_equal(driver_run(&s.d), STORE_OK);
	assert_int_equal(driver_count(&s.d, 1, LANE_READY), 2);
	assert_int_equal(s.d.states, 2);

	store_crash_fault(s.crash, CRASH_SYNC, 1, 1);
	driver_append(&s.d, 1, LANE_READY, 5, VIEW("e"));
	assert_int_equal(driver_run(&s.d), STORE_FAILED);
	assert_int_equal(s.d.states, 3);
	log_set_level(LOG_INFO);
	script_close(&s);
	store_crash_free(s.crash);
	temp_dir_remove(s.dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eio_once),
		cmocka_unit_test(test_eio_for_ever),
		cmocka_unit_test(test_disk_full_once),
		cmocka_unit_test(test_disk_full_for_ever),
		cmocka_unit_test(test_short_write),
		cmocka_unit_test(test_failed_sync_once),
		cmocka_unit_test(test_failed_sync_twice),
		cmocka_unit_test(test_failed_sync_torn),
		cmocka_unit_test(test_power_loss),
		cmocka_unit_test(test_power_loss_torn),
		cmocka_unit_test(test_states),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
