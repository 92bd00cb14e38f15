/* SPDX-License-Identifier: Apache-2.0 */
/* The SNS envelope: its text as AWS writes it, the string to sign, Subject, timestamp. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "mapping/sns_envelope.h"

static const struct sqs_attribute attributes[] = {
	{VIEW("s"), VIEW("String"), VIEW("a\"b")},
	{VIEW("n"), VIEW("Number.int"), VIEW("-1")},
	{VIEW("b"), VIEW("Binary"), VIEW("\x01\x02\x03")},
};

static struct sns_envelope full(void)
{
	return (struct sns_envelope){
		.message_id = VIEW("00000000-0000-4000-8000-000000000001"),
		.topic_arn = VIEW("arn:aws:sns:us-east-1:000000000000:t"),
		.subject = VIEW("news"),
		.message = VIEW("line\n\xc3\xa9"),
		.timestamp = VIEW("2012-05-02T00:54:06.655Z"),
		.signature_version = VIEW("1"),
		.signature = VIEW("c2ln"),
		.certificate_url = VIEW("http://h/SimpleNotificationService-1.pem"),
		.unsubscribe_url = VIEW("http://h/?Action=Unsubscribe"),
		.attributes = attributes,
		.n_attributes = 3,
	};
}

static void expect_text(const struct sns_envelope *v, const char *text)
{
	struct buf b;

	buf_init(&b, 10000);
	sns_envelope_write(v, &b);
	assert_string_equal(buf_cstr(&b), text);
	buf_fini(&b);
}

static void test_text(void **state)
{
	struct sns_envelope v = full();

	(void)state;
	expect_text(&v, "{\n"
			"  \"Type\" : \"Notification\",\n"
			"  \"MessageId\" : \"00000000-0000-4000-8000-000000000001\",\n"
			"  \"TopicArn\" : \"arn:aws:sns:us-east-1:000000000000:t\",\n"
			"  \"Subject\" : \"news\",\n"
			"  \"Message\" : \"line\\n\xc3\xa9\",\n"
			"  \"Timestamp\" : \"2012-05-02T00:54:06.655Z\",\n"
			"  \"SignatureVersion\" : \"1\",\n"
			"  \"Signature\" : \"c2ln\",\n"
			"  \"SigningCertURL\" : \"http://h/SimpleNotificationService-1.pem\",\n"
			"  \"UnsubscribeURL\" : \"http://h/?Action=Unsubscribe\",\n"
			"  \"MessageAttributes\" : {\n"
			"    \"s\" : {\"Type\":\"String\",\"Value\":\"a\\\"b\"},\n"
			"    \"n\" : {\"Type\":\"Number.int\",\"Value\":\"-1\"},\n"
			"    \"b\" : {\"Type\":\"Binary\",\"Value\":\"AQID\"}\n"
			"  }\n"
			"}");
}

/* Unsigned, of a FIFO topic, without a subject and attributes. */
static void test_short_text(void **state)
{
	struct sns_envelope v = full();

	(void)state;
	v.subject = v.signature_version = VIEW_NONE;
	v.sequence = VIEW("10000000000000000000");
	v.n_attributes = 0;
	expect_text(&v, "{\n"
			"  \"Type\" : \"Notification\",\n"
			"  \"MessageId\" : \"00000000-0000-4000-8000-000000000001\",\n"
			"  \"SequenceNumber\" : \"10000000000000000000\",\n"
			"  \"TopicArn\" : \"arn:aws:sns:us-east-1:000000000000:t\",\n"
			"  \"Message\" : \"line\\n\xc3\xa9\",\n"
			"  \"Timestamp\" : \"2012-05-02T00:54:06.655Z\",\n"
			"  \"UnsubscribeURL\" : \"http://h/?Action=Unsubscribe\"\n"
			"}");
}

static void test_to_sign(void **state)
{
	struct sns_envelope v = full();
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	sns_envelope_to_sign(&v, &b);
	assert_string_equal(buf_cstr(&b), "Message\nline\n\xc3\xa9\nMessageId\n00000000-0000-4000-8000-000000000001\n"
					  "Subject\nnews\nTimestamp\n2012-05-02T00:54:06.655Z\n"
					  "TopicArn\narn:aws:sns:us-east-1:000000000000:t\nType\nNotification\n");
	v.subject = VIEW_NONE;
	buf_clear(&b);
	sns_envelope_to_sign(&v, &b);
	assert_null(memmem(b.p, b.n, "Subject", 7));
	buf_fini(&b);
}

static void test_timestamp(void **state)
{
	char out[SNS_TIMESTAMP_CHARS + 1];

	(void)state;
	sns_timestamp(INT64_C(1335920046655), out);
	assert_string_equal(out, "2012-05-02T00:54:06.655Z");
	sns_timestamp(7, out);
	assert_string_equal(out, "1970-01-01T00:00:00.007Z");
}

static void test_subject(void **state)
{
	char long_one[SNS_SUBJECT_CHARS_MAX + 1];
	static const struct {
		const char *text;
		bool legal;
	} rows[] = {{"a", true},	  {"news ", true}, {"~!", true},     {"", false},
		    {" news", false},	  {"a\nb", false}, {"a\x7f", false}, {"caf\xc3\xa9", false},
		    {"a\tb", false}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(sns_subject_legal(view_str(rows[i].text)), rows[i].legal);
	memset(long_one, 'x', sizeof(long_one));
	assert_true(sns_subject_legal(view_of(long_one, SNS_SUBJECT_CHARS_MAX)));
	assert_false(sns_subject_legal(view_of(long_one, SNS_SUBJECT_CHARS_MAX + 1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),	  cmocka_unit_test(test_short_text), cmocka_unit_test(test_to_sign),
		cmocka_unit_test(test_timestamp), cmocka_unit_test(test_subject),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
