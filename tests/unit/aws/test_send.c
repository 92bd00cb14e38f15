/* SPDX-License-Identifier: Apache-2.0 */
/* SendMessage and its batch: who obeys the store gate, groups on standard queues,
 * the trace header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rig/aws_rig.h"

static struct aws_rig rig;
static struct aws_peer peer;

#define Q "\"QueueUrl\":\"http://x/000000000000/q\""
#define QF "QueueUrl=http%3A%2F%2Fx%2F000000000000%2Fq"

static int setup(void **state)
{
	(void)state;
	aws_rig_open(&rig);
	aws_peer_open(&peer, &rig);
	aws_peer_json(&peer, "CreateQueue", "{\"QueueName\":\"q\"}", "guest");
	aws_rig_run(&rig);
	assert_int_equal(aws_peer_take(&peer).status, 200);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	aws_peer_close(&peer, WIRE_PEER_CLOSED);
	aws_rig_close(&rig);
	return 0;
}

/* A connection that has published is not read while the store is behind; one
 * that receives always is (engine.md §3). */
static void store_gate(void **state)
{
	static const struct {
		const char *action, *json;
		bool publishes;
	} rows[] = {
		{"ReceiveMessage", "{" Q "}", false},
		{"PurgeQueue", "{" Q "}", false},
		{"GetQueueAttributes", "{" Q "}", false},
		{"SendMessage", "{" Q ",\"MessageBody\":\"m\"}", true},
		{"SendMessageBatch", "{" Q ",\"Entries\":[{\"Id\":\"a\",\"MessageBody\":\"m\"}]}", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct aws_peer p;

		aws_peer_open(&p, &rig);
		aws_peer_json(&p, rows[i].action, rows[i].json, "guest");
		aws_rig_run(&rig);
		assert_int_equal(aws_peer_take(&p).status, 200);
		assert_int_equal(p.wire.publishes, rows[i].publishes);
		aws_peer_close(&p, WIRE_PEER_CLOSED);
	}
	aws_peer_query(&peer, "sqs", "Action=SendMessage&MessageBody=m&" QF, "guest");
	aws_rig_run(&rig);
	assert_int_equal(aws_peer_take(&peer).status, 200);
	assert_true(peer.wire.publishes);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(store_gate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
