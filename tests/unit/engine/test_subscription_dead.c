/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters whose topic has subscriptions: they get their copies like any
 * publish, in the step that takes the message out, or that step does not happen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "declare.h"
#include "rig/envelopes.h"
#include "rig/rig.h"
#include "unit/mapping/values.h"

static const struct table to_topic = TABLE(FIELD("x-dead-letter-exchange", STR("dlx")));
static struct rig_envelopes envelopes;

static void over(uint32_t caps, void (*body)(struct rig *r))
{
	struct engine_options o = *codec_options();
	rig_envelopes_init(&envelopes);
	o.envelopes = &envelopes.maker;
	rig_over(caps, &o, body);
}

static void subscribe(struct peer *p, const char *queue, const char *raw)
{
	struct attribute a = {VIEW("RawMessageDelivery"), view_str(raw)};
	engine_subscribe(p->rig->engine, p->session, ++p->cmd,
			 &(struct subscription_spec){.topic = VIEW("dlx"), .queue = view_str(queue),
						     .topic_arn = VIEW("arn"), .attributes = &a, .n_attributes = 1});
	assert_int_equal(peer_next(p)->code, CODE_OK);
}

/* q's dead letters go to d1 raw, to d2 and to d3 in envelopes. */
static void scene(struct peer *p, struct rig *r)
{
	peer_open(p, r, SESSION_AMQP091);
	declare_with(p, "q", &to_topic);
	peer_topic(p, "dlx", TOPIC_FANOUT);
	peer_queue(p, "d1", true);
	peer_queue(p, "d2", true);
	peer_queue(p, "d3", false);
	subscribe(p, "d1", "true");
	subscribe(p, "d2", "false");
	subscribe(p, "d3", "false");
	peer_send(p, "q", "a", true);
}

static void took(struct peer *p, const char *queue, const char *body)
{
	struct seen *s = peer_get(p, queue);
	assert_int_equal(s->count, 1);
	assert_string_equal(s->body, body);
	peer_settle(p, s->lease, OUTCOME_ACCEPT, false);
	assert_int_equal(peer_get(p, queue)->count, 0);
}

static uint64_t dead(struct rig *r)
{
	return ready_in(r, "d1") + ready_in(r, "d2") + ready_in(r, "d3");
}

static void copies(struct rig *r)
{
	struct peer p;
	scene(&p, r);
	peer_settle(&p, peer_get(&p, "q")->lease, OUTCOME_DEAD_LETTER, false);
	took(&p, "d1", "a");
	took(&p, "d2", "a in d2");
	took(&p, "d3", "a in d3");
	assert_int_equal(ready_in(r, "q"), 0);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_copies(void **state)
{
	(void)state;
	over(STORE_ORDER, copies);
}

/* The second envelope cannot be made: the message is back where it was. */
static void no_memory(struct rig *r)
{
	struct peer p;
	scene(&p, r);
	envelopes.fail = envelopes.made + 2;
	peer_settle(&p, peer_get(&p, "q")->lease, OUTCOME_DEAD_LETTER, false);
	assert_int_equal(dead(r), 0);
	assert_int_equal(ready_in(r, "q"), 1);
	envelopes.fail = 0;
	peer_settle(&p, peer_get(&p, "q")->lease, OUTCOME_DEAD_LETTER, false);
	assert_int_equal(dead(r), 3);
	assert_int_equal(envelopes.shared, envelopes.done);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_no_memory(void **state)
{
	(void)state;
	over(STORE_ORDER, no_memory);
}

static struct seen *commit(struct peer *p, uint64_t lease)
{
	peer_settle(p, lease, OUTCOME_DEAD_LETTER, false);
	engine_tx_commit(p->rig->engine, p->session, ++p->cmd, 1);
	return peer_next(p);
}

/* In a transaction too, with what else it does: a publish, an acknowledgement. */
static void in_a_commit(struct rig *r)
{
	struct peer p, tx;
	scene(&p, r);
	peer_send(&p, "d1", "other", true);
	peer_open(&tx, r, SESSION_AMQP091);
	uint64_t lease = peer_get(&tx, "q")->lease, other = peer_get(&tx, "d1")->lease;
	engine_tx_begin(r->engine, tx.session, 1);
	engine_tx_use(r->engine, tx.session, 1);
	for (int i = 0; i < 2; i++) {
		struct message *m = rig_message(r, "sent", true);
		engine_send(r->engine, tx.session, VIEW("q"), m, 0, -1, 0);
		message_unref(m);
		peer_settle(&tx, other, OUTCOME_ACCEPT, false);
		envelopes.fail = i ? 0 : envelopes.made + 2;
		assert_int_equal(commit(&tx, lease)->code, i ? CODE_OK : CODE_UNAVAILABLE);
		assert_int_equal(dead(r), i ? 3 : 0);
		assert_int_equal(ready_in(r, "q"), i);
	}
	peer_close(&tx, CLOSE_ORDERLY);
	took(&p, "q", "sent");
	took(&p, "d1", "a");
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_in_a_commit(void **state)
{
	(void)state;
	over(STORE_ORDER, in_a_commit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_in_a_commit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
