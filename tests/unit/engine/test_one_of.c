/* SPDX-License-Identifier: Apache-2.0 */
/* Topics that give a message to one of their destinations: consistent hash and random
 * (rabbitmq.md 2.19, 2.21). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "declare.h"
#include "mapping/table_codec.h"
#include "rig/rig.h"

enum { QUEUES = 3, MESSAGES = 60 };

static enum code topic_with(struct peer *p, const char *name, enum topic_type type, const char *argument, const char *value)
{
	struct field f = {view_str(argument), {.type = VALUE_STRING, .s = view_str(value)}};
	struct table t = {&f, 1};
	engine_topic_declare(p->rig->engine, p->session, ++p->cmd,
			     &(struct topic_spec){.name = view_str(name), .type = type, .durable = true, .arguments = &t});
	return peer_next(p)->code;
}

static void publish(struct peer *p, const char *topic, const char *key, const char *header)
{
	struct field f = {VIEW("h"), {.type = VALUE_STRING, .s = view_str(header)}};
	struct table t = {&f, 1};
	struct buf raw;
	uint8_t id[16];
	rng_uuid(&p->rig->rng, id);
	buf_init(&raw, 4096);
	assert_true(table_encode(&t, &raw));
	struct message *m = message_new(&(struct message_spec){.raw_kind = RAW_AMQP091, .durable = true, .id = id,
							       .sent_ms = p->rig->now.wall_ms, .raw = buf_view(&raw)},
					body_of(VIEW("m")));
	buf_fini(&raw);
	engine_publish(p->rig->engine, p->session, view_str(topic), view_str(key), m, PUBLISH_CONFIRM, ++p->cmd);
	message_unref(m);
	assert_int_equal(peer_next(p)->how, PUBLISHED_STORED);
}

static void queues(struct peer *p, const char *topic, const char *key)
{
	for (int i = 0; i < QUEUES; i++) {
		char name[16];
		snprintf(name, sizeof(name), "q%d", i);
		peer_queue(p, name, true);
		assert_int_equal(peer_bind(p, topic, name, key)->code, CODE_OK);
	}
}

/* Ready ones; the queues are emptied. */
static void taken(struct peer *p, uint64_t out[QUEUES])
{
	for (int i = 0; i < QUEUES; i++) {
		char name[16];
		snprintf(name, sizeof(name), "q%d", i);
		out[i] = ready_in(p->rig, name);
		engine_queue_purge(p->rig->engine, p->session, ++p->cmd, view_str(name), false);
		assert_int_equal(peer_next(p)->code, CODE_OK);
	}
}

/* By the header alone; the same queue again for the same value, after a restart too. */
static void by_header(struct rig *r)
{
	struct peer p;
	uint64_t first[QUEUES], second[QUEUES];
	peer_open(&p, r, SESSION_AMQP091);
	assert_int_equal(topic_with(&p, "t", TOPIC_CONSISTENT_HASH, "hash-header", "h"), CODE_OK);
	assert_int_equal(topic_with(&p, "bad", TOPIC_CONSISTENT_HASH, "hash-property", "app_id"), CODE_INVALID);
	queues(&p, "t", "1");
	assert_int_equal(peer_bind(&p, "t", "q0", "none")->code, CODE_INVALID);
	for (int i = 0; i < MESSAGES; i++) {
		char key[16], value[16];
		snprintf(key, sizeof(key), "k%d", i);
		snprintf(value, sizeof(value), "v%d", i % 30);
		publish(&p, "t", key, value);
	}
	taken(&p, first);
	assert_int_equal(first[0] + first[1] + first[2], MESSAGES);
	for (int i = 0; i < QUEUES; i++)
		assert_true(first[i] && first[i] % 2 == 0);
	peer_free(&p);
	rig_restart(r);
	peer_open(&p, r, SESSION_AMQP091);
	for (int i = 0; i < MESSAGES; i++) {
		char value[16];
		snprintf(value, sizeof(value), "v%d", i % 30);
		publish(&p, "t", "other", value);
	}
	taken(&p, second);
	assert_memory_equal(first, second, sizeof(first));
	peer_close(&p, CLOSE_ORDERLY);
}

/* Every binding has its chance, whatever the key; nothing without one. */
static void at_random(struct rig *r)
{
	struct peer p;
	uint64_t got[QUEUES];
	peer_open(&p, r, SESSION_AMQP091);
	assert_int_equal(topic_with(&p, "t", TOPIC_RANDOM, "x", "y"), CODE_OK);
	publish(&p, "t", "k", "");
	queues(&p, "t", "k");
	for (int i = 0; i < MESSAGES; i++)
		publish(&p, "t", "other", "");
	taken(&p, got);
	assert_int_equal(got[0] + got[1] + got[2], MESSAGES);
	for (int i = 0; i < QUEUES; i++)
		assert_true(got[i] > 3);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_by_header(void **state)
{
	(void)state;
	rig_over(STORE_EXACT_COUNTS | STORE_SURVIVES, codec_options(), by_header);
}

static void test_at_random(void **state)
{
	(void)state;
	rig_over(STORE_EXACT_COUNTS, codec_options(), at_random);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_header),
		cmocka_unit_test(test_at_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
