/* SPDX-License-Identifier: Apache-2.0 */
/* ReceiveMessage of bodies that lie outside of memory: together, alone, mixed;
 * callers that go away meanwhile; files that cannot be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/log.h"
#include "rig/aws_rig.h"
#include "support/blob_now.h"
#include "support/store_crash.h"

enum { PAGE = 300 * 1000, HUGE_BODY = 3 * 1024 * 1024 };

static struct aws_rig rig;
static struct aws_peer peer;
static struct store_crash *crash;
static struct blobs *blobs;
static uint64_t conn, session;

static void ignore(void *ctx, const struct event *ev)
{
	(void)ctx;
	(void)ev;
}

static int setup(void **state)
{
	struct error e;
	(void)state;
	aws_rig_open(&rig);
	aws_peer_open(&peer, &rig);
	aws_peer_json(&peer, "CreateQueue", "{\"QueueName\":\"q\"}", "guest");
	aws_rig_run(&rig);
	assert_int_equal(aws_peer_take(&peer).status, 200);
	crash = store_crash_new("aws", 1);
	blobs = blobs_open(&(struct blobs_options){.seed = 1}, store_crash_disk(crash), &e);
	conn = engine_connection_open(rig.engine, &(struct connection_spec){
		.kind = SESSION_AMQP091, .vhost = VIEW("/"), .user = VIEW("guest"), .event = ignore});
	session = engine_session_open(rig.engine, conn, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	aws_peer_close(&peer, WIRE_PEER_CLOSED);
	engine_connection_close(rig.engine, conn, CLOSE_ORDERLY);
	aws_rig_close(&rig);
	blobs_close(blobs);
	store_crash_free(crash);
	return 0;
}

/* n octets of `fill`, as an AMQP publisher sent them. */
static void publish(char fill, size_t n, bool outside)
{
	uint8_t id[16];
	char *text = mem_alloc(n);
	rng_uuid(&rig.rng, id);
	memset(text, fill, n);
	struct view v = view_of(text, n);
	struct message *m = message_new(
		&(struct message_spec){.raw_kind = RAW_AMQP091, .durable = true, .id = id,
				       .sent_ms = rig.now.wall_ms, .raw = VIEW("\x10\0\2")},
		outside ? blob_now(blobs, v) : body_of(v));
	free(text);
	assert_non_null(m->body);
	engine_send(rig.engine, session, VIEW("q"), m, 0, -1, 0);
	message_unref(m);
	aws_rig_run(&rig);
}

static void receive_say(int n)
{
	char json[200];
	snprintf(json, sizeof(json), "{\"QueueUrl\":\"http://x/000000000000/q\",\"MaxNumberOfMessages\":%d}", n);
	aws_peer_json(&peer, "ReceiveMessage", json, "guest");
	aws_rig_run(&rig);
}

static struct aws_answer receive(int n)
{
	receive_say(n);
	blobs_settle(blobs);
	aws_rig_run(&rig);
	struct aws_answer a = aws_peer_take(&peer);
	assert_int_not_equal(a.status, 0);
	return a;
}

static size_t bodies(struct view v, char fill, size_t n)
{
	size_t found = 0;
	char *want = mem_alloc(n + 10);
	memcpy(want, "\"Body\":\"", 8);
	memset(want + 8, fill, n);
	want[8 + n] = '"';
	for (const uint8_t *at = v.p; (at = memmem(at, v.n - (size_t)(at - v.p), want, n + 9)); at += n)
		found++;
	free(want);
	return found;
}

static size_t visible(void)
{
	struct queue_stat st;
	assert_true(engine_queue_stat(rig.engine, VIEW("/"), VIEW("q"), &st));
	return st.ready;
}

static void together(void **state)
{
	(void)state;
	publish('a', PAGE, true);
	publish('b', 10, false);
	publish('c', PAGE, true);
	receive_say(10);
	assert_int_equal(aws_peer_take(&peer).status, 0); /* the disk has not answered */
	blobs_settle(blobs);
	aws_rig_run(&rig);
	struct aws_answer a = aws_peer_take(&peer);
	assert_int_equal(a.status, 200);
	assert_int_equal(bodies(a.body, 'a', PAGE), 1);
	assert_int_equal(bodies(a.body, 'b', 10), 1);
	assert_int_equal(bodies(a.body, 'c', PAGE), 1);
	assert_int_equal(visible(), 0);
}

/* Larger than SQS allows: in-line, and nothing beside it. */
static void alone(void **state)
{
	(void)state;
	publish('a', 10, false);
	publish('b', HUGE_BODY, true);
	publish('c', 10, false);
	struct aws_answer a = receive(10);
	assert_int_equal(a.status, 200);
	assert_int_equal(bodies(a.body, 'a', 10), 1);
	assert_int_equal(visible(), 2);
	a = receive(10);
	assert_int_equal(bodies(a.body, 'b', HUGE_BODY), 1);
	assert_int_equal(bodies(a.body, 'c', 10), 0);
	assert_int_equal(visible(), 1);
	a = receive(10);
	assert_int_equal(bodies(a.body, 'c', 10), 1);
}

static void caller_goes(void **state)
{
	(void)state;
	publish('a', PAGE, true);
	publish('b', PAGE, true);
	receive_say(10);
	assert_int_equal(visible(), 0);
	aws_peer_close(&peer, WIRE_LOST);
	blobs_settle(blobs);
	aws_rig_run(&rig);
	assert_int_equal(visible(), 2);
	aws_peer_open(&peer, &rig);
	struct aws_answer a = receive(10);
	assert_int_equal(bodies(a.body, 'a', PAGE), 1);
	assert_int_equal(bodies(a.body, 'b', PAGE), 1);
}

struct doomed {
	struct blob_disk *disk;
	uint64_t spared;
};

static void remove_one(void *ctx, uint64_t id)
{
	struct doomed *d = ctx;
	if (id != d->spared)
		assert_int_equal(d->disk->remove(d->disk, id), 0);
}

static void note_one(void *ctx, uint64_t id)
{
	((struct doomed *)ctx)->spared = id;
}

static void unreadable(void **state)
{
	(void)state;
	struct doomed d = {.disk = store_crash_disk(crash)};
	publish('a', PAGE, true);
	assert_true(blobs_list(blobs, note_one, &d));
	publish('b', PAGE, true);
	publish('c', 10, false);
	assert_true(blobs_list(blobs, remove_one, &d));
	log_set_level(LOG_ERROR + 1);
	struct aws_answer a = receive(10);
	assert_int_equal(a.status, 200);
	assert_int_equal(bodies(a.body, 'a', PAGE), 1);
	assert_int_equal(bodies(a.body, 'c', 10), 0);
	assert_int_equal(visible(), 2);
	a = receive(1);
	assert_int_equal(a.status, 503);
	assert_int_equal(visible(), 2);
	log_set_level(LOG_INFO);
	d.disk->free(d.disk);
}

int main(void)
{
	log_set_level(LOG_ERROR);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(together, setup, teardown),
		cmocka_unit_test_setup_teardown(alone, setup, teardown),
		cmocka_unit_test_setup_teardown(caller_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(unreadable, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
