/* SPDX-License-Identifier: Apache-2.0 */
/* Which arguments are legal (rabbitmq.md 3.5, 3.16, 3.19, 3.22–3.26) and which
 * declarations equivalent (2.3, 3.3, 3.4). Texts without "PRECONDITION_FAILED - ". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "mapping/queue_arguments.h"
#include "values.h"

#define ARG(name) "invalid arg '" name "' for queue 'q' in vhost '/': "
#define FOREIGN(name, type) "invalid arg '" name "' for queue 'q' in vhost '/' of queue type " type
#define QUORUM FIELD("x-queue-type", STR("quorum"))
#define DLX FIELD("x-dead-letter-exchange", STR(""))

/* text NULL: accepted. */
static const struct check_row {
	struct table arguments;
	const char *text;
} check_rows[] = {
	{TABLE(FIELD("x-anything", STR("goes")), FIELD("x-message-ttl", INT_OF(VALUE_I8, 0))), NULL},
	{TABLE(FIELD("x-message-ttl", INT_OF(VALUE_I32, -70000))), ARG("x-message-ttl") "{value_negative,-70000}"},
	{TABLE(FIELD("x-message-ttl", STR("1000"))), ARG("x-message-ttl") "\"expected integer, got longstr\""},
	{TABLE(FIELD("x-message-ttl", REAL(1.5))), ARG("x-message-ttl") "\"expected integer, got double\""},
	{TABLE(FIELD("x-message-ttl", BOOL(true))), ARG("x-message-ttl") "\"expected integer, got bool\""},
	{TABLE(FIELD("x-message-ttl", NOTHING)), ARG("x-message-ttl") "\"expected integer, got void\""},
	{TABLE(FIELD("x-message-ttl", INT_OF(VALUE_I64, 315360000000))), NULL},
	{TABLE(FIELD("x-message-ttl", INT_OF(VALUE_I64, 315360000001))),
	 ARG("x-message-ttl") "{value_too_large,315360000001}"},
	{TABLE(FIELD("x-expires", INT_OF(VALUE_I16, 0))), ARG("x-expires") "{value_zero,0}"},
	{TABLE(FIELD("x-expires", INT_OF(VALUE_I16, -1))), ARG("x-expires") "{value_negative,-1}"},
	{TABLE(FIELD("x-expires", STR("x"))), ARG("x-expires") "\"expected integer, got longstr\""},
	{TABLE(FIELD("x-expires", INT_OF(VALUE_I32, 60000))), NULL},
	{TABLE(FIELD("x-max-length", INT_OF(VALUE_I32, -1))), ARG("x-max-length") "{value_negative,-1}"},
	{TABLE(FIELD("x-max-length", INT_OF(VALUE_I32, 0))), NULL},
	{TABLE(FIELD("x-max-length-bytes", STR("1"))), ARG("x-max-length-bytes") "\"expected integer, got longstr\""},
	{TABLE(FIELD("x-max-priority", INT_OF(VALUE_I16, 256))), ARG("x-max-priority") "{max_value_exceeded,256}"},
	{TABLE(FIELD("x-max-priority", INT_OF(VALUE_I16, -1))), ARG("x-max-priority") "{value_negative,-1}"},
	{TABLE(FIELD("x-max-priority", INT_OF(VALUE_I16, 255))), NULL},
	{TABLE(FIELD("x-overflow", STR("bogus"))), ARG("x-overflow") "invalid_overflow"},
	{TABLE(FIELD("x-overflow", INT_OF(VALUE_I8, 1))), ARG("x-overflow") "{unacceptable_type,byte}"},
	{TABLE(FIELD("x-overflow", STR("reject-publish-dlx"))), NULL},
	{TABLE(FIELD("x-dead-letter-exchange", INT_OF(VALUE_I8, 1))),
	 "invalid type 'byte' for arg 'x-dead-letter-exchange' in queue 'q' in vhost '/'"},
	{TABLE(FIELD("x-message-ttl", STR("x")), FIELD("x-dead-letter-exchange", BOOL(true))),
	 "invalid type 'bool' for arg 'x-dead-letter-exchange' in queue 'q' in vhost '/'"},
	{TABLE(FIELD("x-dead-letter-routing-key", STR("k"))),
	 ARG("x-dead-letter-routing-key") "routing_key_but_no_dlx_defined"},
	{TABLE(FIELD("x-dead-letter-routing-key", INT_OF(VALUE_I64, 1)), DLX),
	 ARG("x-dead-letter-routing-key") "{unacceptable_type,long}"},
	{TABLE(FIELD("x-dead-letter-routing-key", STR("k")), DLX), NULL},
	{TABLE(FIELD("x-queue-mode", STR("lazy"))), NULL},
	{TABLE(FIELD("x-mqb-body", STR("bogus"))), ARG("x-mqb-body") "\"unsupported body 'bogus'\""},
	{TABLE(FIELD("x-mqb-body", INT_OF(VALUE_I32, 1))), ARG("x-mqb-body") "{unacceptable_type,signedint}"},
	{TABLE(FIELD("x-mqb-promote", STR("a,b,c,d,e,f,g,h,i,j, k"))), ARG("x-mqb-promote") "{max_value_exceeded,11}"},
	{TABLE(FIELD("x-mqb-promote", BOOL(true))), ARG("x-mqb-promote") "{unacceptable_type,bool}"},
	{TABLE(FIELD("x-mqb-content-type", INT_OF(VALUE_I32, 1))), ARG("x-mqb-content-type") "{unacceptable_type,signedint}"},
	{TABLE(FIELD("x-mqb-bodies", STR("text"))), ARG("x-mqb-bodies") "\"no such setting\""},
	{TABLE(FIELD("x-queue-mode", STR("bogus"))), ARG("x-queue-mode") "\"unsupported queue mode 'bogus'\""},
	{TABLE(FIELD("x-queue-version", INT_OF(VALUE_I32, 2))), NULL},
	{TABLE(FIELD("x-queue-version", INT_OF(VALUE_I32, 3))),
	 ARG("x-queue-version") "\"unsupported queue version '3'\""},
	{TABLE(FIELD("x-single-active-consumer", BOOL(true))), NULL},
	{TABLE(FIELD("x-single-active-consumer", STR("true"))),
	 ARG("x-single-active-consumer") "{unacceptable_type,longstr}"},
	{TABLE(FIELD("x-queue-type", STR("classic"))), NULL},
	{TABLE(FIELD("x-queue-type", STR("bogus"))), ARG("x-queue-type") "\"unsupported queue type 'bogus'\""},
	{TABLE(FIELD("x-queue-type", INT_OF(VALUE_I32, 1))), ARG("x-queue-type") "{unacceptable_type,signedint}"},
	{TABLE(FIELD("x-queue-master-locator", STR("min-masters"))), NULL},
	{TABLE(FIELD("x-delivery-limit", INT_OF(VALUE_I32, 3))), FOREIGN("x-delivery-limit", "rabbit_classic_queue")},
	{TABLE(FIELD("x-max-age", STR("1D"))), FOREIGN("x-max-age", "rabbit_classic_queue")},
	/* the value is wrong and the type is: values first */
	{TABLE(FIELD("x-delivery-limit", INT_OF(VALUE_I32, 3)), FIELD("x-expires", INT_OF(VALUE_I8, 0))),
	 ARG("x-expires") "{value_zero,0}"},
	{TABLE(QUORUM, FIELD("x-delivery-limit", INT_OF(VALUE_I32, 3))), NULL},
	{TABLE(QUORUM, FIELD("x-max-priority", INT_OF(VALUE_I32, 3))), FOREIGN("x-max-priority", "rabbit_quorum_queue")},
	{TABLE(QUORUM, FIELD("x-queue-mode", STR("lazy"))), FOREIGN("x-queue-mode", "rabbit_quorum_queue")},
	{TABLE(QUORUM, FIELD("x-max-in-memory-length", INT_OF(VALUE_I32, -1))),
	 ARG("x-max-in-memory-length") "{value_negative,-1}"},
	{TABLE(QUORUM, FIELD("x-quorum-initial-group-size", INT_OF(VALUE_I32, 0))),
	 ARG("x-quorum-initial-group-size") "{value_zero,0}"},
	{TABLE(QUORUM, DLX, FIELD("x-dead-letter-strategy", STR("bogus"))),
	 ARG("x-dead-letter-strategy") "invalid_dlx_strategy"},
	{TABLE(QUORUM, FIELD("x-queue-leader-locator", STR("bogus"))),
	 ARG("x-queue-leader-locator") "invalid_queue_locator_arg"},
};

/* What RabbitMQ 3.10 lacks or allows and this row's source does not (see the
 * comments of queue_arguments.c): not compared with it. */
static const struct check_row later_rows[] = {
	{TABLE(FIELD("x-queue-type", STR("stream"))), ARG("x-queue-type") "\"unsupported queue type 'stream'\""},
	{TABLE(FIELD("x-consumer-timeout", INT_OF(VALUE_I32, -1))), ARG("x-consumer-timeout") "{value_negative,-1}"},
	{TABLE(FIELD("x-queue-leader-locator", STR("balanced"))), NULL},
	{TABLE(QUORUM, FIELD("x-quorum-target-group-size", INT_OF(VALUE_I32, 3))), NULL},
};

#define SAME(name) "inequivalent arg '" name "' for queue 'q' in vhost '/': "

static const struct same_row {
	struct table now, declared;
	const char *text;
} same_rows[] = {
	{{NULL, 0}, {NULL, 0}, NULL},
	{TABLE(FIELD("x-message-ttl", INT_OF(VALUE_I16, 1000))), TABLE(FIELD("x-message-ttl", INT_OF(VALUE_I64, 1000))), NULL},
	{TABLE(FIELD("x-message-ttl", INT_OF(VALUE_I16, 1000))), TABLE(FIELD("x-message-ttl", INT_OF(VALUE_I16, 2000))),
	 SAME("x-message-ttl") "received '2000' but current is '1000'"},
	{TABLE(FIELD("x-message-ttl", INT_OF(VALUE_I16, 1000))), {NULL, 0},
	 SAME("x-message-ttl") "received none but current is the value '1000' of type 'short'"},
	{TABLE(FIELD("x-mqb-body", STR("text"))), TABLE(FIELD("x-mqb-body", STR("base64"))),
	 SAME("x-mqb-body") "received 'base64' but current is 'text'"},
	{{NULL, 0}, TABLE(FIELD("x-mqb-promote", STR("a"))),
	 SAME("x-mqb-promote") "received the value 'a' of type 'longstr' but current is none"},
	{TABLE(FIELD("x-mqb-body", STR("text"))), {NULL, 0}, NULL}, /* taken as it is */
	{{NULL, 0}, TABLE(FIELD("x-max-priority", INT_OF(VALUE_I8, 5))),
	 SAME("x-max-priority") "received the value '5' of type 'byte' but current is none"},
	{TABLE(FIELD("x-message-ttl", INT_OF(VALUE_I16, 1000))), TABLE(FIELD("x-message-ttl", STR("1000"))),
	 SAME("x-message-ttl") "received '1000' but current is '1000'"},
	{TABLE(FIELD("x-message-ttl", INT_OF(VALUE_I16, 1))), TABLE(FIELD("x-message-ttl", REAL(1.0))),
	 SAME("x-message-ttl") "received '1.0' but current is '1'"},
	{TABLE(FIELD("x-message-ttl", INT_OF(VALUE_I16, 1))), TABLE(FIELD("x-message-ttl", REAL(0.1))),
	 SAME("x-message-ttl") "received '0.1' but current is '1'"},
	{TABLE(FIELD("x-message-ttl", INT_OF(VALUE_I16, 1))), TABLE(FIELD("x-message-ttl", NOTHING)),
	 SAME("x-message-ttl") "received none but current is '1'"},
	{TABLE(FIELD("x-message-ttl", INT_OF(VALUE_I16, 5))), TABLE(FIELD("x-message-ttl", INT_OF(VALUE_TIME, 5))), NULL},
	{TABLE(DLX), TABLE(FIELD("x-dead-letter-exchange", STR("dlx"))),
	 SAME("x-dead-letter-exchange") "received 'dlx' but current is ''"},
	{TABLE(DLX), TABLE(FIELD("x-dead-letter-exchange", BYTES(""))), NULL},
	{{NULL, 0}, TABLE(FIELD("x-single-active-consumer", BOOL(true))),
	 SAME("x-single-active-consumer") "received the value 'true' of type 'bool' but current is none"},
	{{NULL, 0}, TABLE(FIELD("x-max-length",
				CONTAINER(VALUE_ARRAY, FIELD("", STR("a")), FIELD("", INT_OF(VALUE_I32, 1))))),
	 SAME("x-max-length") "received the value '[{longstr,<<\"a\">>},{signedint,1}]' of type 'array' but current is none"},
	{{NULL, 0}, TABLE(FIELD("x-max-length", CONTAINER(VALUE_TABLE, FIELD("k", BOOL(false))))),
	 SAME("x-max-length") "received the value '[{<<\"k\">>,bool,false}]' of type 'table' but current is none"},
	/* unknown arguments are not compared */
	{TABLE(FIELD("x-mine", INT_OF(VALUE_I16, 1))), TABLE(FIELD("x-mine", INT_OF(VALUE_I16, 2))), NULL},
	{{NULL, 0}, TABLE(FIELD("x-queue-type", STR("classic"))), NULL},
	{TABLE(FIELD("x-queue-type", STR("classic"))), {NULL, 0}, NULL},
	{{NULL, 0}, TABLE(QUORUM),
	 SAME("x-queue-type") "received the value 'quorum' of type 'longstr' but current is none"},
	{TABLE(FIELD("x-queue-type", STR("classic"))), TABLE(QUORUM),
	 SAME("x-queue-type") "received 'quorum' but current is 'classic'"},
	{TABLE(QUORUM), {NULL, 0}, SAME("x-queue-type") "received none but current is the value 'quorum' of type 'longstr'"},
	{TABLE(QUORUM, FIELD("x-delivery-limit", INT_OF(VALUE_I32, 3))), TABLE(QUORUM),
	 SAME("x-delivery-limit") "received none but current is the value '3' of type 'signedint'"},
	/* only what the queue's type knows is compared */
	{{NULL, 0}, TABLE(FIELD("x-delivery-limit", INT_OF(VALUE_I32, 3))), NULL},
	{TABLE(FIELD("x-queue-mode", STR("lazy"))), {NULL, 0},
	 SAME("x-queue-mode") "received none but current is the value 'lazy' of type 'longstr'"},
	/* several differ: the queue type's order decides */
	{TABLE(FIELD("x-message-ttl", INT_OF(VALUE_I16, 1)), FIELD("x-expires", INT_OF(VALUE_I16, 30000))),
	 {NULL, 0}, SAME("x-expires") "received none but current is the value '30000' of type 'short'"},
	{TABLE(QUORUM, FIELD("x-expires", INT_OF(VALUE_I16, 30000)), DLX), TABLE(QUORUM),
	 SAME("x-dead-letter-exchange") "received none but current is the value '' of type 'longstr'"},
};

static void check(enum code code, enum code bad, const struct error *e, const char *text)
{
	assert_int_equal(code, text ? bad : CODE_OK);
	if (text)
		assert_string_equal(e->text, text);
}

static void test_check(void **state)
{
	(void)state;
	struct error e;
	for (size_t i = 0; i < sizeof check_rows / sizeof check_rows[0]; i++)
		check(queue_arguments_check(&check_rows[i].arguments, VIEW("q"), VIEW("/"), &e), CODE_INVALID, &e,
		      check_rows[i].text);
	for (size_t i = 0; i < sizeof later_rows / sizeof later_rows[0]; i++)
		check(queue_arguments_check(&later_rows[i].arguments, VIEW("q"), VIEW("/"), &e), CODE_INVALID, &e,
		      later_rows[i].text);
	assert_int_equal(queue_arguments_check(NULL, VIEW("q"), VIEW("/"), NULL), CODE_OK);
}

static void test_same(void **state)
{
	(void)state;
	struct error e;
	for (size_t i = 0; i < sizeof same_rows / sizeof same_rows[0]; i++)
		check(queue_arguments_same(&same_rows[i].now, &same_rows[i].declared, VIEW("q"), VIEW("/"), &e),
		      CODE_DIFFERENT, &e, same_rows[i].text);
	assert_int_equal(queue_arguments_same(NULL, NULL, VIEW("q"), VIEW("/"), NULL), CODE_OK);
}

static void test_properties_of_a_quorum_queue(void **state)
{
	(void)state;
	static const struct {
		struct queue_properties p;
		const char *name, *text;
	} rows[] = {
		{{true, false, false}, "q", NULL},
		{{false, false, false}, "q", "invalid property 'non-durable' for queue 'q' in vhost '/'"},
		{{true, true, false}, "q", "invalid property 'exclusive-owner' for queue 'q' in vhost '/'"},
		{{false, true, true}, "q", "invalid property 'auto-delete' for queue 'q' in vhost '/'"},
		{{true, false, false}, "", "Cannot declare a server-named queue for type rabbit_quorum_queue"},
	};
	const struct table quorum = TABLE(QUORUM);
	struct error e;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		check(queue_properties_check(&quorum, rows[i].p, view_str(rows[i].name), VIEW("/"), &e),
		      CODE_INVALID, &e, rows[i].text);
		assert_int_equal(queue_properties_check(NULL, rows[i].p, view_str(rows[i].name), VIEW("/"), &e),
				 CODE_OK);
	}
}

static void test_topics(void **state)
{
	(void)state;
	const struct table ae = TABLE(FIELD("alternate-exchange", STR("ae")));
	const struct table other = TABLE(FIELD("alternate-exchange", STR("b")), FIELD("x-mine", STR("c")));
	const struct table bad = TABLE(FIELD("alternate-exchange", INT_OF(VALUE_I32, 1)));
	const struct table mine = TABLE(FIELD("x-mine", STR("c")));
	struct error e;
	check(topic_arguments_same(&ae, &other, VIEW("x"), VIEW("v"), &e), CODE_DIFFERENT, &e,
	      "inequivalent arg 'alternate-exchange' for exchange 'x' in vhost 'v': received 'b' but current is 'ae'");
	check(topic_arguments_same(&ae, NULL, VIEW("x"), VIEW("v"), &e), CODE_DIFFERENT, &e,
	      "inequivalent arg 'alternate-exchange' for exchange 'x' in vhost 'v': received none but current "
	      "is the value 'ae' of type 'longstr'");
	check(topic_arguments_same(NULL, &mine, VIEW("x"), VIEW("v"), &e), CODE_DIFFERENT, &e, NULL);
	check(topic_arguments_check(&bad, VIEW("x"), VIEW("v"), &e), CODE_INVALID, &e,
	      "invalid type 'signedint' for arg 'alternate-exchange' in exchange 'x' in vhost 'v'");
	check(topic_arguments_check(&ae, VIEW("x"), VIEW("v"), &e), CODE_INVALID, &e, NULL);
	check(property_differs(&e, "type", "exchange", VIEW("amq.direct"), VIEW("/"), "topic", "direct"),
	      CODE_DIFFERENT, &e,
	      "inequivalent arg 'type' for exchange 'amq.direct' in vhost '/': received 'topic' but current is 'direct'");
}

/* Names of 255 bytes: the text is cut, nothing else happens. */
static void test_long_names(void **state)
{
	(void)state;
	uint8_t name[255];
	struct error e;
	const struct table t = TABLE(FIELD("x-expires", INT_OF(VALUE_I8, 0)));
	memset(name, 'n', sizeof name);
	assert_int_equal(queue_arguments_check(&t, view_of(name, 255), view_of(name, 255), &e), CODE_INVALID);
	assert_int_equal(strlen(e.text), sizeof e.text - 1);
	assert_int_equal(queue_arguments_same(&t, NULL, view_of(name, 255), view_of(name, 255), &e), CODE_DIFFERENT);
}

/* rabbitmq.md 3.20 */
static void test_consumer_priority(void **state)
{
	const struct {
		struct table arguments;
		int64_t priority;
	} rows[] = {
		{{NULL, 0}, 0},
		{TABLE(FIELD("x-priority", INT_OF(VALUE_I8, -3))), -3},
		{TABLE(FIELD("x-priority", INT_OF(VALUE_I64, INT64_MAX))), INT64_MAX},
		{TABLE(FIELD("x-priority", STR("5"))), 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(consumer_priority(&rows[i].arguments), rows[i].priority);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_properties_of_a_quorum_queue),
		cmocka_unit_test(test_topics),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_consumer_priority),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
