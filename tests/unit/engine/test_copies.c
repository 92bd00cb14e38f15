/* SPDX-License-Identifier: Apache-2.0 */
/* Further routing keys in the headers CC and BCC (rabbitmq.md 2.17). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "declare.h"
#include "mapping/table_codec.h"
#include "rig/rig.h"

/* An array of strings out of words divided by spaces; a number word is a number. */
static struct value words(const char *text, struct field *room)
{
	size_t n = 0;
	for (struct view rest = view_str(text); rest.n; n++) {
		const uint8_t *space = memchr(rest.p, ' ', rest.n);
		struct view word = view_head(rest, space ? (size_t)(space - rest.p) : rest.n);
		room[n] = (struct field){VIEW_NONE, {.type = VALUE_STRING, .s = word}};
		if (word.p[0] == '#')
			room[n].value = (struct value){.type = VALUE_I32, .i = 5};
		rest = view_skip(rest, word.n + (space ? 1 : 0));
	}
	return (struct value){.type = VALUE_ARRAY, .table = {room, n}};
}

/* cc, bcc: NULL for none. */
static struct message *message_to(struct peer *p, const char *cc, const char *bcc)
{
	struct field cc_room[8], bcc_room[8], v[2];
	struct table t = {v, 0};
	struct buf raw;
	uint8_t id[16];
	if (cc)
		v[t.n++] = (struct field){VIEW("CC"), words(cc, cc_room)};
	if (bcc)
		v[t.n++] = (struct field){VIEW("BCC"), words(bcc, bcc_room)};
	rng_uuid(&p->rig->rng, id);
	buf_init(&raw, 4096);
	assert_true(table_encode(&t, &raw));
	struct message *m = message_new(&(struct message_spec){.raw_kind = RAW_AMQP091, .durable = true, .id = id,
							       .sent_ms = p->rig->now.wall_ms, .raw = buf_view(&raw)},
					body_of(VIEW("m")));
	buf_fini(&raw);
	return m;
}

/* topic "": the default exchange. Whether it came back. */
static bool returned(struct peer *p, const char *topic, const char *key, const char *cc, const char *bcc)
{
	struct message *m = message_to(p, cc, bcc);
	const unsigned flags = PUBLISH_CONFIRM | PUBLISH_MANDATORY | PUBLISH_COPIES;
	if (*topic)
		engine_publish(p->rig->engine, p->session, view_str(topic), view_str(key), m, flags, ++p->cmd);
	else
		engine_send(p->rig->engine, p->session, view_str(key), m, flags, -1, ++p->cmd);
	message_unref(m);
	struct seen *s = peer_next(p);
	bool back = s->kind == EVENT_RETURNED;
	if (back)
		s = peer_next(p);
	assert_int_equal(s->kind, EVENT_PUBLISHED);
	assert_int_equal(s->how, PUBLISHED_STORED);
	return back;
}

/* Queues q0… and what each of them has; they are emptied. */
enum { QUEUES = 4 };
static void reached(struct peer *p, const char *wanted)
{
	char got[QUEUES + 1] = "";
	for (int i = 0; i < QUEUES; i++) {
		char name[16];
		snprintf(name, sizeof(name), "q%d", i);
		got[i] = (char)('0' + ready_in(p->rig, name));
		engine_queue_purge(p->rig->engine, p->session, ++p->cmd, view_str(name), false);
		assert_int_equal(peer_next(p)->code, CODE_OK);
	}
	assert_string_equal(got, wanted);
}

static void scene(struct peer *p, struct rig *r)
{
	peer_open(p, r, SESSION_AMQP091);
	for (int i = 0; i < QUEUES; i++) {
		char name[16];
		snprintf(name, sizeof(name), "q%d", i);
		peer_queue(p, name, i != 1);
	}
}

static void default_exchange(struct rig *r)
{
	struct peer p;
	scene(&p, r);
	assert_false(returned(&p, "", "q0", "q1 q1 q0", "q2 q0"));
	reached(&p, "1110");
	assert_false(returned(&p, "", "missing", "# q3", NULL));
	reached(&p, "0001");
	assert_false(returned(&p, "", "missing", NULL, "q3"));
	reached(&p, "0001");
	assert_true(returned(&p, "", "missing", "# nor", ""));
	reached(&p, "0000");
	peer_close(&p, CLOSE_ORDERLY);
}

/* Each router by its own rule: fanout and headers once, direct and topic by every key. */
static void routers(struct rig *r)
{
	struct peer p;
	scene(&p, r);
	peer_topic(&p, "d", TOPIC_DIRECT);
	peer_topic(&p, "t", TOPIC_TOPIC);
	for (int i = 0; i < QUEUES; i++) {
		char name[16], key[16];
		snprintf(name, sizeof(name), "q%d", i);
		snprintf(key, sizeof(key), "k.%d", i);
		peer_bind(&p, "d", name, key);
		peer_bind(&p, "t", name, key);
		peer_bind(&p, "amq.fanout", name, "");
	}
	peer_bind(&p, "t", "q3", "*.1");
	assert_false(returned(&p, "d", "none", "k.2", "k.1 k.2"));
	reached(&p, "0110");
	assert_false(returned(&p, "t", "k.0", "k.1", NULL));
	reached(&p, "1101");
	assert_false(returned(&p, "amq.fanout", "", "a b", "c"));
	reached(&p, "1111");
	assert_true(returned(&p, "d", "none", "k", "x"));
	peer_close(&p, CLOSE_ORDERLY);
}

/* Routed at the commit by the keys of then. */
static void in_a_transaction(struct rig *r)
{
	struct peer p;
	scene(&p, r);
	engine_tx_begin(r->engine, p.session, 1);
	engine_tx_use(r->engine, p.session, 1);
	struct message *m = message_to(&p, "q1", "q2");
	engine_send(r->engine, p.session, VIEW("q0"), m, PUBLISH_COPIES, -1, 0);
	message_unref(m);
	reached(&p, "0000");
	engine_tx_use(r->engine, p.session, 0);
	engine_tx_commit(r->engine, p.session, ++p.cmd, 1);
	assert_int_equal(peer_next(&p)->code, CODE_OK);
	reached(&p, "1110");
	peer_close(&p, CLOSE_ORDERLY);
}

static void die(struct peer *p, const char *queue)
{
	struct seen *s = peer_get(p, queue);
	assert_int_equal(s->count, 1);
	peer_settle(p, s->lease, OUTCOME_DEAD_LETTER, false);
}

/* A dead letter goes by all keys, after a restart too; by its queue's own key alone if
 * that has one. */
static void dead_letters(struct rig *r)
{
	struct field f[] = {{VIEW("x-dead-letter-exchange"), {.type = VALUE_STRING, .s = VIEW("d")}},
			    {VIEW("x-dead-letter-routing-key"), {.type = VALUE_STRING, .s = VIEW("k.3")}}};
	const struct table keyless = {f, 1}, keyed = {f, 2};
	struct peer p;
	scene(&p, r);
	declare_with(&p, "first", &keyless);
	declare_with(&p, "second", &keyed);
	engine_topic_declare(r->engine, p.session, ++p.cmd,
			     &(struct topic_spec){.name = VIEW("d"), .type = TOPIC_DIRECT, .durable = true});
	peer_next(&p);
	peer_bind(&p, "d", "q2", "k.2");
	peer_bind(&p, "d", "q3", "k.3");
	peer_bind(&p, "amq.fanout", "first", "");
	peer_bind(&p, "amq.fanout", "second", "");
	assert_false(returned(&p, "amq.fanout", "k", "k.2", "k.3"));
	peer_free(&p);
	rig_restart(r);
	peer_open(&p, r, SESSION_AMQP091);
	peer_queue(&p, "q1", false);
	die(&p, "first");
	reached(&p, "0011");
	die(&p, "second");
	reached(&p, "0001");
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_default_exchange(void **state)
{
	(void)state;
	rig_over(STORE_EXACT_COUNTS, codec_options(), default_exchange);
}

static void test_routers(void **state)
{
	(void)state;
	rig_over(STORE_EXACT_COUNTS, codec_options(), routers);
}

static void test_in_a_transaction(void **state)
{
	(void)state;
	rig_over(STORE_EXACT_COUNTS | STORE_GROUPS_ATOMIC, codec_options(), in_a_transaction);
}

static void test_dead_letters(void **state)
{
	(void)state;
	rig_over(STORE_EXACT_COUNTS | STORE_SURVIVES, codec_options(), dead_letters);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default_exchange),
		cmocka_unit_test(test_routers),
		cmocka_unit_test(test_in_a_transaction),
		cmocka_unit_test(test_dead_letters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
