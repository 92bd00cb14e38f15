/* SPDX-License-Identifier: Apache-2.0 */
/* The tests' own remote store: what the engine's tests over it rely on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/store_driver.h"
#include "support/store_remote_fake.h"

static struct store *open_fake(struct driver *d, struct fake_options o)
{
	struct store *s = fake_open(&o);
	driver_init(d, s);
	return s;
}

/* A load that leases for 30 s. */
static size_t lease(struct driver *d, uint32_t queue, uint32_t n)
{
	struct store_load l = {.queue = queue, .n = n, .lease_ms = 30000};
	d->unfinished++;
	d->store->ops->load(d->store, &l);
	driver_wait(d);
	return d->n_entries;
}

/* Handles are valid during the event only: the driver cannot keep them, so the
 * test listens itself. */
struct handles {
	struct driver *d;
	uint8_t bytes[16][16];
	size_t n;
};

static void keep_handles(void *ctx, const struct store_loaded *l)
{
	struct handles *h = ctx;
	h->n = l->n;
	for (size_t i = 0; i < l->n; i++) {
		memcpy(h->bytes[i], l->entries[i].handle.p, 16);
		message_unref(l->entries[i].message);
	}
	h->d->unfinished--;
}

static void lease_handles(struct driver *d, struct handles *h, uint32_t queue, uint32_t n)
{
	struct store_sink old = d->store->sink;
	h->d = d;
	d->store->sink.loaded = keep_handles;
	d->store->sink.ctx = h;
	struct store_load l = {.queue = queue, .n = n, .lease_ms = 30000};
	d->unfinished++;
	d->store->ops->load(d->store, &l);
	driver_wait(d);
	d->store->sink = old;
}

static enum store_result with_handle(struct driver *d, enum store_op_kind kind, const uint8_t *handle, int64_t ms)
{
	struct store_op *op = driver_op(d, kind);
	op->entry.handle = view_of(handle, 16);
	op->entry.ms = ms;
	return driver_run(d);
}

static void put(struct driver *d, uint32_t queue, size_t n)
{
	for (size_t i = 0; i < n; i++)
		driver_append(d, queue, LANE_READY, i + 1, VIEW("m"));
	assert_int_equal(driver_run(d), STORE_OK);
}

static void test_leases(void **state)
{
	struct driver d;
	struct store *s = open_fake(&d, (struct fake_options){.seed = 1, .late_polls = 5});
	struct handles h;
	(void)state;
	put(&d, 1, 8);
	assert_int_equal(fake_count(s, 1), 8);
	lease_handles(&d, &h, 1, 4);
	assert_int_equal(h.n, 4);
	assert_int_equal(fake_leased(s, 1), 4);
	assert_int_equal(with_handle(&d, OP_REMOVE, h.bytes[0], 0), STORE_OK);
	assert_int_equal(with_handle(&d, OP_REMOVE, h.bytes[0], 0), STORE_LOST);
	assert_int_equal(with_handle(&d, OP_RELEASE, h.bytes[1], 0), STORE_OK);
	assert_int_equal(with_handle(&d, OP_RELEASE, h.bytes[2], 5000), STORE_OK);
	assert_int_equal(with_handle(&d, OP_EXTEND, h.bytes[3], 60000), STORE_OK);
	assert_int_equal(fake_count(s, 1), 7);
	assert_int_equal(fake_visible(s, 1), 5);
	assert_int_equal(fake_delayed(s, 1), 1);
	fake_now(s, (struct now){31000, 31000});
	assert_int_equal(fake_visible(s, 1), 6);
	assert_int_equal(fake_leased(s, 1), 1); /* the extended one */
	fake_now(s, (struct now){61000, 61000});
	assert_int_equal(with_handle(&d, OP_REMOVE, h.bytes[3], 0), STORE_LOST);
	driver_fini(&d);
}

static void test_lost_leases_are_told(void **state)
{
	struct driver d;
	struct store *s = open_fake(&d, (struct fake_options){.seed = 2, .tell_lost = 1000});
	(void)state;
	put(&d, 1, 3);
	assert_int_equal(lease(&d, 1, 10), 3);
	fake_drop_leases(s, 1);
	s->ops->poll(s);
	assert_int_equal(d.lost, 3);
	assert_int_equal(fake_visible(s, 1), 3);
	driver_fini(&d);
}

static void test_long_poll(void **state)
{
	struct driver d;
	struct store *s = open_fake(&d, (struct fake_options){.seed = 3});
	struct store_load l = {.queue = 1, .n = 5, .wait_ms = 20000, .lease_ms = 1000, .tag = 9};
	(void)state;
	d.unfinished++;
	s->ops->load(s, &l);
	for (int i = 0; i < 10; i++)
		s->ops->poll(s);
	assert_int_equal(d.unfinished, 1);
	put(&d, 1, 2);
	assert_int_equal(d.n_entries, 2);
	d.unfinished++;
	s->ops->load(s, &l);
	fake_now(s, (struct now){20000, 20000});
	fake_receive(s, 1, 0);
	fake_receive(s, 1, 0);
	driver_wait(&d);
	assert_int_equal(d.n_entries, 0);
	d.unfinished++;
	s->ops->load(s, &l);
	s->ops->load_cancel(s, 9);
	driver_wait(&d);
	driver_fini(&d);
}

static void test_failures(void **state)
{
	struct driver d;
	struct store *s = open_fake(&d, (struct fake_options){.seed = 4, .late_polls = 3, .retry = 300,
							      .refuse = 100, .duplicate = 200});
	size_t seen[STORE_FAILED + 1] = {0};
	(void)state;
	for (uint32_t i = 0; i < 500; i++)
		driver_append(&d, 1, LANE_READY, i + 1, VIEW("m"));
	driver_submit(&d);
	driver_wait(&d);
	for (size_t i = 0; i < 500; i++)
		seen[d.results[i]]++;
	assert_true(seen[STORE_OK] > 250 && seen[STORE_RETRY_LATER] > 100 && seen[STORE_REFUSED] > 20);
	assert_true(fake_count(s, 1) > seen[STORE_OK]);
	size_t n = fake_count_approximate(s, 1);
	assert_true(n >= fake_count(s, 1) * 4 / 5 && n <= fake_count(s, 1) * 6 / 5);
	driver_fini(&d);
}

static void test_append_before_remove(void **state)
{
	struct driver d;
	struct store *s = open_fake(&d, (struct fake_options){.seed = 5, .late_polls = 4});
	struct handles h;
	(void)state;
	put(&d, 1, 1);
	lease_handles(&d, &h, 1, 1);
	fake_options(s)->refuse = 1000;
	struct store_op *op = driver_op(&d, OP_REMOVE); /* first in the batch, last to be done */
	op->entry.handle = view_of(h.bytes[0], 16);
	driver_more(&d);
	driver_append(&d, 2, LANE_READY, 2, VIEW("moved"));
	size_t first = driver_submit(&d);
	driver_wait(&d);
	assert_int_equal(d.results[first], STORE_RETRY_LATER);
	assert_int_equal(d.results[first + 1], STORE_REFUSED);
	assert_int_equal(fake_count(s, 1), 1);
	driver_fini(&d);
}

static void test_by_hand(void **state)
{
	struct driver d;
	struct store *s = open_fake(&d, (struct fake_options){.seed = 6, .manual = true});
	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		driver_append(&d, 1, LANE_READY, i + 1, VIEW("m"));
	driver_submit(&d);
	assert_int_equal(s->ops->poll(s), 0);
	assert_int_equal(fake_waiting(s), 3);
	assert_int_equal(fake_step(s, 2), 2);
	assert_int_equal(s->ops->poll(s), 0);
	assert_int_equal(fake_step(s, 2), 1);
	assert_int_equal(s->ops->poll(s), 1);
	assert_int_equal(d.unfinished, 0);
	driver_fini(&d);
}

static void test_second_writer(void **state)
{
	struct driver d;
	struct store *s = open_fake(&d, (struct fake_options){.seed = 7});
	struct view value = VIEW("theirs");
	(void)state;
	put(&d, 1, 1);
	lease(&d, 1, 1);
	fake_put(s, 2, d.entries[0].message);
	s->ops->poll(s);
	assert_int_equal(d.arrived, 1);
	assert_int_equal(fake_visible(s, 2), 1);
	assert_true(fake_receive(s, 2, 1000));
	assert_false(fake_receive(s, 2, 1000));
	fake_def_change(s, VIEW("queue"), VIEW("a"), &value);
	s->ops->poll(s);
	assert_int_equal(d.def_changes, 1);
	driver_def(&d, "queue", "a", "ours", 0);
	assert_int_equal(driver_run(&d), STORE_REFUSED);
	driver_fini(&d);
}

static void test_close_with_work_left(void **state)
{
	struct driver d;
	struct store *s = open_fake(&d, (struct fake_options){.seed = 8, .manual = true});
	struct store_load l = {.queue = 1, .n = 5, .wait_ms = 20000};
	(void)state;
	driver_append(&d, 1, LANE_READY, 1, VIEW("m"));
	driver_submit(&d);
	d.unfinished++;
	s->ops->load(s, &l);
	s->ops->close(s);
	d.store = NULL;
	assert_int_equal(d.unfinished, 0);
	driver_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leases),
		cmocka_unit_test(test_lost_leases_are_told),
		cmocka_unit_test(test_long_poll),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_append_before_remove),
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_second_writer),
		cmocka_unit_test(test_close_with_work_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
