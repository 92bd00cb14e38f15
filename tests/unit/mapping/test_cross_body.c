/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of 0-9-1 publishers to SQS readers: the rows of the body table, and back. */
#include "cross_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define NONE NULL

static const struct row {
	const char *what;
	const char *type, *encoding; /* NULL: not declared */
	enum cross_body setting;
	struct view body;
	const char *expected;
	const char *enc; /* mqb.enc */
	bool guessed, illegal;
} rows[] = {
	/* declared as text: the text */
	{"text/plain", "text/plain", NONE, CROSS_BODY_AUTO, VIEW("hi"), "hi", NONE, false, false},
	{"text/*", "TEXT/x-whatever; charset=utf-8", NONE, CROSS_BODY_AUTO, VIEW("hi"), "hi", NONE, false, false},
	{"json", "application/json", NONE, CROSS_BODY_AUTO, VIEW("{}"), "{}", NONE, false, false},
	{"json with charset", " application/json ; charset=utf-8", NONE, CROSS_BODY_AUTO, VIEW("{}"), "{}", NONE, false,
	 false},
	{"xml", "application/xml", NONE, CROSS_BODY_AUTO, VIEW("<a/>"), "<a/>", NONE, false, false},
	{"+json", "application/vnd.masstransit+json", NONE, CROSS_BODY_AUTO, VIEW("[]"), "[]", NONE, false, false},
	{"+xml", "application/soap+XML", NONE, CROSS_BODY_AUTO, VIEW("<s/>"), "<s/>", NONE, false, false},
	{"form", "application/x-www-form-urlencoded", NONE, CROSS_BODY_AUTO, VIEW("a=b"), "a=b", NONE, false, false},
	{"declared text wins over the setting", "text/plain", NONE, CROSS_BODY_BASE64, VIEW("hi"), "hi", NONE, false,
	 false},
	{"utf-8", "text/plain", NONE, CROSS_BODY_AUTO, VIEW("\xd0\xb7"), "\xd0\xb7", NONE, false, false},
	/* any other type, any encoding, illegal text: base64 */
	{"octets", "application/octet-stream", NONE, CROSS_BODY_AUTO, VIEW("hi"), "aGk=", "base64", false, false},
	{"no type we know", "application/jsonx", NONE, CROSS_BODY_AUTO, VIEW("hi"), "aGk=", "base64", false, false},
	{"json only in a parameter", "application/x; a=/json", NONE, CROSS_BODY_AUTO, VIEW("hi"), "aGk=", "base64", false,
	 false},
	{"encoding", "text/plain", "gzip", CROSS_BODY_AUTO, VIEW("hi"), "aGk=", "base64", false, false},
	{"encoding alone", NONE, "gzip", CROSS_BODY_TEXT, VIEW("hi"), "aGk=", "base64", false, false},
	{"illegal text: NUL", "text/plain", NONE, CROSS_BODY_AUTO, VIEW("a\0"), "YQA=", "base64", false, false},
	{"illegal text: latin-1", "text/plain", NONE, CROSS_BODY_AUTO, VIEW("\xe9"), "6Q==", "base64", false, false},
	{"illegal text: U+FFFE", "text/plain", NONE, CROSS_BODY_AUTO, VIEW("\xef\xbf\xbe"), "77++", "base64", false, false},
	/* nothing declared: the setting */
	{"auto, legal", NONE, NONE, CROSS_BODY_AUTO, VIEW("hi"), "hi", NONE, true, false},
	{"auto, illegal", NONE, NONE, CROSS_BODY_AUTO, VIEW("\xff"), "/w==", "base64", true, false},
	{"auto, empty type", "", "", CROSS_BODY_AUTO, VIEW("hi"), "hi", NONE, true, false},
	{"text, legal", NONE, NONE, CROSS_BODY_TEXT, VIEW("hi"), "hi", NONE, false, false},
	{"text, illegal", NONE, NONE, CROSS_BODY_TEXT, VIEW("\xff"), "/w==", "base64", false, true},
	{"base64", NONE, NONE, CROSS_BODY_BASE64, VIEW("hi"), "aGk=", "base64", false, false},
	/* empty */
	{"empty", NONE, NONE, CROSS_BODY_AUTO, VIEW(""), " ", "empty", false, false},
	{"empty octets", "application/octet-stream", "gzip", CROSS_BODY_BASE64, VIEW(""), " ", "empty", false, false},
	{"a space is no empty body", "text/plain", NONE, CROSS_BODY_AUTO, VIEW(" "), " ", NONE, false, false},
};

static struct bag bag_of(const struct row *r)
{
	struct bag bag = {0};

	if (r->type) {
		bag.has |= BAG_CONTENT_TYPE;
		bag.content_type = view_str(r->type);
	}
	if (r->encoding) {
		bag.has |= BAG_CONTENT_ENCODING;
		bag.content_encoding = view_str(r->encoding);
	}
	return bag;
}

static void to_sqs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct bag bag = bag_of(r);
		struct message *m = rig_amqp(&bag, r->body, "", "q");
		struct cross_settings s = {.body = r->setting};
		struct arena a;
		struct cross_sqs out;

		arena_init(&a);
		assert_true(cross_to_sqs(&s, &rig_codecs, m, &a, &out));
		if (!view_is(out.body, r->expected))
			fail_msg("%s: body \"%.*s\"", r->what, VIEW_ARG(out.body));
		const char *enc = rig_text(&out.attributes, "mqb.enc", &a);
		if ((enc != NULL) != (r->enc != NULL) || (enc && strcmp(enc, r->enc) != 0))
			fail_msg("%s: mqb.enc %s", r->what, enc ? enc : "absent");
		if (out.guessed != r->guessed || out.illegal != r->illegal)
			fail_msg("%s: guessed %d illegal %d", r->what, out.guessed, out.illegal);
		if (r->guessed)
			assert_int_equal(out.as_base64, r->enc != NULL);
		message_unref(m);
		arena_fini(&a);
	}
}

static void and_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct bag bag = bag_of(r);
		struct message *m = rig_amqp(&bag, r->body, "", "q"), *again;
		struct cross_facts f = {.queue = VIEW("q")};
		struct cross_settings s = {0};
		struct cross_legacy out;
		struct arena a;

		arena_init(&a);
		again = rig_resend(m, &a);
		assert_true(cross_to_amqp091(&s, &rig_codecs, again, &f, &a, &out));
		struct view body = out.body_replaced ? out.body : body_piece(again->body, 0);
		if (!view_eq(body, r->body))
			fail_msg("%s: came back as \"%.*s\"", r->what, VIEW_ARG(body));
		assert_null(table_find(&out.bag.headers, VIEW("mqb.enc")));
		message_unref(m);
		message_unref(again);
		arena_fini(&a);
	}
}

/* Bodies of more than one chunk are made whole. */
static void several_chunks(void **state)
{
	size_t n = 3 * BODY_CHUNK + 17;
	char *text = malloc(n);
	struct bag bag = {0};
	struct cross_settings s = {0};
	struct cross_sqs out;
	struct arena a;

	(void)state;
	for (size_t i = 0; i < n; i++)
		text[i] = (char)('a' + i % 26);
	arena_init(&a);
	struct message *m = rig_amqp(&bag, view_of(text, n), "", "q");
	assert_true(cross_to_sqs(&s, &rig_codecs, m, &a, &out));
	assert_true(view_eq(out.body, view_of(text, n)));
	message_unref(m);
	arena_fini(&a);
	free(text);
}

static void malformed_header(void **state)
{
	struct bag bag = {0};
	struct cross_settings s = {0};
	struct cross_sqs out;
	struct arena a;

	(void)state;
	arena_init(&a);
	struct message *m = rig_amqp(&bag, VIEW("hi"), "x", "k");
	assert_false(cross_to_sqs(&s, &rig_codecs_malformed, m, &a, &out));
	assert_true(view_is(out.body, "hi"));
	assert_int_equal(out.attributes.n, 0);
	message_unref(m);
	arena_fini(&a);
}

/* Marks that anybody may set are honoured when they fit the body, else they are
 * ordinary attributes and nothing is lost. */
static void foreign_marks(void **state)
{
	static const struct {
		const char *enc, *body, *expected; /* expected NULL: no mark */
	} marks[] = {
		{"base64", "aGk=", "hi"}, {"base64", "aGk", "hi"},  {"base64", "not base64!", NULL},
		{"empty", " ", ""},	  {"empty", "data", NULL}, {"rot13", "uv", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		struct sqs_attributes at = {
			.v = {{VIEW("mqb.enc"), VIEW("String"), view_str(marks[i].enc)}}, .n = 1};
		struct message *m = rig_sqs(&at, view_str(marks[i].body));
		struct cross_settings s = {0};
		struct cross_facts f = {.queue = VIEW("q")};
		struct cross_legacy out;
		struct arena a;

		arena_init(&a);
		assert_true(cross_to_amqp091(&s, &rig_codecs, m, &f, &a, &out));
		assert_int_equal(out.body_replaced, marks[i].expected != NULL);
		if (marks[i].expected)
			assert_true(view_is(out.body, marks[i].expected));
		assert_int_equal(table_find(&out.bag.headers, VIEW("mqb.enc")) == NULL, marks[i].expected != NULL);
		message_unref(m);
		arena_fini(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_sqs),	    cmocka_unit_test(and_back),
		cmocka_unit_test(several_chunks),   cmocka_unit_test(malformed_header),
		cmocka_unit_test(foreign_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
