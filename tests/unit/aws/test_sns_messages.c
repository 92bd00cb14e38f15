/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions and what they deliver: raw, in envelopes, signed, by exchanges; the
 * links of envelopes; bindings as subscriptions (sqs-sns.md §12–§14, DESIGN §6). */
#include "sns_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/crypto.h"
#include "base/signer.h"

static int setup(void **state)
{
	(void)state;
	sns_rig_open(NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sns_rig_close();
	return 0;
}

#define T "&TopicArn=" TOPIC_ARN
#define RAW "&Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true"
#define ATTRIBUTE(n, name, type, value)                                                          \
	"&MessageAttributes.entry." n ".Name=" name "&MessageAttributes.entry." n                \
	".Value.DataType=" type "&MessageAttributes.entry." n ".Value.StringValue=" value

static const char *member(const json_t *j, const char *name)
{
	const char *text = json_string_value(json_object_get(j, name));

	return text ? text : "";
}

static void set(const char *arn, const char *name, const char *value)
{
	char form[1024];

	snprintf(form, sizeof(form), "Action=SetSubscriptionAttributes&SubscriptionArn=%s&AttributeName=%s&AttributeValue=%s",
		 arn, name, value);
	sns_good(form, "<SetSubscriptionAttributesResponse");
}

static void expect_attribute(const char *arn, const char *name, const char *value)
{
	char form[512], text[512];

	snprintf(form, sizeof(form), "Action=GetSubscriptionAttributes&SubscriptionArn=%s", arn);
	snprintf(text, sizeof(text), value ? "<key>%s</key><value>%s</value>" : "<key>%s</key>", name, value);
	struct aws_answer a = sns_call(form);
	assert_int_equal(a.status, 200);
	if (sns_has(a.body, text) != (value != NULL))
		fail_msg("%s %s: %.*s", name, value ? value : "absent", VIEW_ARG(a.body));
}

/* ---- subscriptions ---- */

static void attributes(void **state)
{
	const char *arn = sns_subscribed("");

	(void)state;
	assert_memory_equal(arn, TOPIC_ARN ":", sizeof(TOPIC_ARN));
	expect_attribute(arn, "SubscriptionArn", arn);
	expect_attribute(arn, "Endpoint", QUEUE_ARN);
	expect_attribute(arn, "SubscriptionPrincipal", "arn:aws:iam::000000000000:user/guest");
	expect_attribute(arn, "RawMessageDelivery", "false");
	expect_attribute(arn, "FilterPolicy", NULL);
	expect_attribute(arn, "FilterPolicyScope", NULL);
	expect_attribute(arn, "mqb.user", NULL);
	set(arn, "FilterPolicy", "{\"a\":[\"b\"]}");
	expect_attribute(arn, "FilterPolicyScope", "MessageAttributes");
	set(arn, "FilterPolicyScope", "MessageBody");
	set(arn, "FilterPolicy", "{\"a\":{\"b\":[\"c\"]}}");
	expect_attribute(arn, "FilterPolicy", "{&quot;a&quot;:{&quot;b&quot;:[&quot;c&quot;]}}");
	/* the policy would not be one in the other scope */
	char form[512];
	snprintf(form, sizeof(form),
		 "Action=SetSubscriptionAttributes&SubscriptionArn=%s&AttributeName=FilterPolicyScope"
		 "&AttributeValue=MessageAttributes",
		 arn);
	sns_refused(form, 400, "InvalidParameter",
		    "Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy");
	set(arn, "FilterPolicy", "{}");
	expect_attribute(arn, "FilterPolicy", NULL);
	set(arn, "RedrivePolicy", "{\"deadLetterTargetArn\":\"" QUEUE_ARN "2\"}");
	expect_attribute(arn, "RedrivePolicy", "{&quot;deadLetterTargetArn&quot;:&quot;" QUEUE_ARN "2&quot;}");
	set(arn, "RedrivePolicy", "");
	expect_attribute(arn, "RedrivePolicy", NULL);
}

/* Recorded: what was not given is not compared; a default is no difference. */
static void subscribe_again(void **state)
{
	static const char *const same[] = {
		"", "&Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=TRUE",
		"&Attributes.entry.1.key=FilterPolicyScope&Attributes.entry.1.value=MessageAttributes", "&Attributes="};
	char arn[256];

	(void)state;
	snprintf(arn, sizeof(arn), "%s", sns_subscribed(RAW));
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		assert_string_equal(sns_subscribed(same[i]), arn);
	sns_refused("Action=Subscribe&Protocol=sqs" T "&Endpoint=" QUEUE_ARN
		    "&Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=false",
		    400, "InvalidParameter",
		    "Invalid parameter: Attributes Reason: Subscription already exists with different attributes");
	/* a queue that is not there yet, by its own name */
	sns_good("Action=Subscribe&Protocol=sqs" T "&Endpoint=" QUEUE_ARN "-none", "<SubscriptionArn>" TOPIC_ARN ":");
	sns_good("Action=GetTopicAttributes" T, "<key>SubscriptionsConfirmed</key><value>2</value>");
}

static void unsubscribe(void **state)
{
	char form[512];

	(void)state;
	snprintf(form, sizeof(form), "Action=Unsubscribe&SubscriptionArn=%s", sns_subscribed(""));
	sns_good(form, "<UnsubscribeResponse");
	sns_good(form, "<UnsubscribeResponse");
	sns_good("Action=ListSubscriptionsByTopic" T, "<Subscriptions></Subscriptions>");
	sns_good("Action=Publish&Message=m" T, "<MessageId>");
	assert_string_equal(sns_received(NULL), "");
}

static void pages(void **state)
{
	char form[512], token[256];
	int n = 0;

	(void)state;
	for (int i = 0; i < 130; i++) {
		snprintf(form, sizeof(form), "Action=Subscribe&Protocol=sqs" T "&Endpoint=" QUEUE_ARN "%d", i);
		sns_good(form, "");
	}
	struct aws_answer a = sns_call("Action=ListSubscriptionsByTopic" T);
	const char *start = memmem(a.body.p, a.body.n, "<NextToken>", 11);
	assert_non_null(start);
	snprintf(token, sizeof(token), "%.*s", (int)strcspn(start + 11, "<"), start + 11);
	for (const char *p = (const char *)a.body.p; (p = strstr(p, "<member>")); p++)
		n++;
	assert_int_equal(n, 100);
	snprintf(form, sizeof(form), "Action=ListSubscriptions&NextToken=%s", token);
	a = sns_call(form);
	for (const char *p = (const char *)a.body.p; (p = strstr(p, "<member>")); p++)
		n++;
	assert_int_equal(n, 130);
	assert_false(sns_has(a.body, "NextToken"));
}

/* ---- messages ---- */

static void raw(void **state)
{
	struct view whole;

	(void)state;
	sns_subscribed(RAW);
	sns_good("Action=Publish&Message=hello&Subject=s&MessageGroupId=g" T ATTRIBUTE("1", "a", "Number.x", "1"), "<MessageId>");
	assert_string_equal(sns_received(&whole), "hello");
	assert_true(sns_has(whole, "\"a\":{\"StringValue\":\"1\",\"DataType\":\"Number.x\"}"));
	assert_true(sns_has(whole, "\"MessageGroupId\":\"g\""));
	assert_string_equal(sns_received(NULL), "");
}

static void envelope(void **state)
{
	const char *arn = sns_subscribed("");
	struct view whole;
	char url[512];

	(void)state;
	struct aws_answer a = sns_call("Action=Publish&Message=%22h%C3%A9&Subject=s" T ATTRIBUTE("1", "a", "String", "v"));
	assert_int_equal(a.status, 200);
	char id[37];
	snprintf(id, sizeof(id), "%s", strstr((const char *)a.body.p, "<MessageId>") + 11);
	json_t *j = json_loads(sns_received(&whole), 0, NULL);
	assert_string_equal(member(j, "Type"), "Notification");
	assert_string_equal(member(j, "MessageId"), id);
	assert_string_equal(member(j, "TopicArn"), TOPIC_ARN);
	assert_string_equal(member(j, "Message"), "\"h\xc3\xa9");
	assert_string_equal(member(j, "Subject"), "s");
	assert_string_equal(member(j, "Timestamp"), "2023-11-14T22:13:20.000Z");
	snprintf(url, sizeof(url), "http://mq.test:9324/?Action=Unsubscribe&SubscriptionArn=%s", arn);
	assert_string_equal(member(j, "UnsubscribeURL"), url);
	assert_string_equal(member(json_object_get(json_object_get(j, "MessageAttributes"), "a"), "Value"), "v");
	assert_null(json_object_get(j, "Signature"));
	assert_false(sns_has(whole, "\"MessageAttributes\":"));
	json_decref(j);
}

/* Of MessageStructure json a queue gets its own text, or the default; twelve attributes all show. */
static void forms(void **state)
{
	struct buf b;

	(void)state;
	sns_subscribed("");
	sns_good("Action=Publish" T "&MessageStructure=json&Message={\"default\":\"d\",\"sqs\":\"q\"}", "");
	json_t *j = json_loads(sns_received(NULL), 0, NULL);
	assert_string_equal(member(j, "Message"), "q");
	json_decref(j);
	sns_good("Action=Publish" T "&MessageStructure=json&Message={\"default\":\"d\",\"sqs\":{}}", "");
	j = json_loads(sns_received(NULL), 0, NULL);
	assert_string_equal(member(j, "Message"), "d");
	json_decref(j);

	buf_init(&b, 100000);
	buf_add_str(&b, "Action=Publish&Message=m" T);
	for (int i = 1; i <= 12; i++)
		buf_printf(&b,
			   "&MessageAttributes.entry.%d.Name=n%d&MessageAttributes.entry.%d.Value.DataType=String"
			   "&MessageAttributes.entry.%d.Value.StringValue=v",
			   i, i, i, i);
	sns_good(buf_cstr(&b), "");
	j = json_loads(sns_received(NULL), 0, NULL);
	assert_int_equal(json_object_size(json_object_get(j, "MessageAttributes")), 12);
	json_decref(j);
	buf_fini(&b);
}

static void batch(void **state)
{
	(void)state;
	sns_subscribed(RAW);
	sns_good("Action=PublishBatch" T "&PublishBatchRequestEntries.member.2.Id=b&PublishBatchRequestEntries.member.2.Message=2"
		 "&PublishBatchRequestEntries.member.1.Id=a&PublishBatchRequestEntries.member.1.Message=1",
		 "<Successful><member><Id>a</Id><MessageId>");
	assert_string_equal(sns_received(NULL), "1");
	assert_string_equal(sns_received(NULL), "2");
}

static void filtered(void **state)
{
	(void)state;
	sns_subscribed(RAW "&Attributes.entry.2.key=FilterPolicy&Attributes.entry.2.value={\"a\":[\"v\"]}");
	sns_good("Action=Publish&Message=no" T, "");
	sns_good("Action=Publish&Message=neither" T ATTRIBUTE("1", "a", "String", "w"), "");
	sns_good("Action=Publish&Message=yes" T ATTRIBUTE("1", "a", "String", "v"), "");
	assert_string_equal(sns_received(NULL), "yes");
	assert_string_equal(sns_received(NULL), "");
}

/* ---- signatures ---- */

static bool verified(const json_t *j, const char *pem, const EVP_MD *md)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct buf text, signature;

	buf_init(&text, 10000);
	buf_init(&signature, 10000);
	buf_printf(&text, "Message\n%s\nMessageId\n%s\n", member(j, "Message"), member(j, "MessageId"));
	if (*member(j, "Subject"))
		buf_printf(&text, "Subject\n%s\n", member(j, "Subject"));
	buf_printf(&text, "Timestamp\n%s\nTopicArn\n%s\nType\nNotification\n", member(j, "Timestamp"), member(j, "TopicArn"));
	assert_true(base64_decode(&signature, view_str(member(j, "Signature"))));
	assert_non_null(x);
	bool ok = EVP_DigestVerifyInit(ctx, NULL, md, NULL, X509_get0_pubkey(x)) == 1 &&
		  EVP_DigestVerify(ctx, signature.p, signature.n, text.p, text.n) == 1;
	EVP_MD_CTX_free(ctx);
	X509_free(x);
	BIO_free(bio);
	buf_fini(&text);
	buf_fini(&signature);
	return ok;
}

/* By the certificate that SigningCertURL serves to anybody. */
static void check_signed(const char *version, const EVP_MD *md)
{
	struct aws_peer p;
	char request[512], pem[8192];

	json_t *j = json_loads(sns_received(NULL), 0, NULL);
	assert_string_equal(member(j, "SignatureVersion"), version);
	const char *url = member(j, "SigningCertURL");
	assert_memory_equal(url, "http://mq.test:9324/SimpleNotificationService-", 46);
	aws_peer_open(&p, &sns_rig);
	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", url + 19);
	aws_peer_bytes(&p, view_str(request));
	struct aws_answer a = aws_peer_take(&p);
	assert_int_equal(a.status, 200);
	snprintf(pem, sizeof(pem), "%.*s", VIEW_ARG(a.body));
	aws_peer_close(&p, WIRE_PEER_CLOSED);
	assert_true(verified(j, pem, md));
	json_decref(j);
}

static void signatures(void **state)
{
	struct signer *signer;
	struct buf text;

	(void)state;
	buf_init(&text, 100000);
	assert_true(signer_make(1700000000000, &text));
	signer = signer_open(buf_view(&text));
	sns_rig_open(signer);
	sns_subscribed("");
	sns_good("Action=Publish&Message=one&Subject=s" T, "");
	check_signed("1", EVP_sha1());
	sns_good("Action=SetTopicAttributes" T "&AttributeName=SignatureVersion&AttributeValue=2", "");
	sns_good("Action=Publish&Message=two" T, "");
	check_signed("2", EVP_sha256());
	sns_rig_close();
	signer_free(signer);
	buf_fini(&text);
}

/* ---- links ---- */

static void links(void **state)
{
	struct aws_peer p;
	char request[1024];

	(void)state;
	const char *arn = sns_subscribed("");
	aws_peer_open(&p, &sns_rig);
	snprintf(request, sizeof(request), "GET /?Action=Unsubscribe&SubscriptionArn=%s HTTP/1.1\r\nHost: h\r\n\r\n", arn);
	aws_peer_bytes(&p, view_str(request));
	aws_rig_run(&sns_rig);
	struct aws_answer a = aws_peer_take(&p);
	assert_int_equal(a.status, 200);
	assert_true(sns_has(a.body, "<UnsubscribeResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">"));
	sns_good("Action=ListSubscriptions", "<Subscriptions></Subscriptions>");
	aws_peer_bytes(&p, VIEW("GET /?Action=ConfirmSubscription&TopicArn=" TOPIC_ARN "&Token=x HTTP/1.1\r\nHost: h\r\n\r\n"));
	aws_rig_run(&sns_rig);
	assert_true(sns_has(aws_peer_take(&p).body, "Invalid token"));
	/* nothing else goes without a signature */
	static const char *const others[] = {
		"GET /?Action=ListTopics&Version=2010-03-31 HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET /?Action=Unsubscribe&Action=ListTopics&X-Amz-Algorithm=x HTTP/1.1\r\nHost: h\r\n\r\n",
		"POST /?Action=Unsubscribe HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
		"GET /SimpleNotificationService-0.pem HTTP/1.1\r\nHost: h\r\n\r\n",
	};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		aws_peer_bytes(&p, view_str(others[i]));
		aws_rig_run(&sns_rig);
		assert_in_range(aws_peer_take(&p).status, 400, 403);
	}
	aws_peer_close(&p, WIRE_PEER_CLOSED);
}

/* ---- exchanges and bindings ---- */

static int answers;

static void on_event(void *ctx, const struct event *ev)
{
	(void)ctx;
	if (ev->kind == EVENT_DONE && ev->done.error->code != CODE_OK)
		fail_msg("%s", ev->done.error->text);
	answers++;
}

static uint64_t legacy_open(uint64_t *session)
{
	uint64_t conn = engine_connection_open(sns_rig.engine, &(struct connection_spec){.kind = SESSION_AMQP091,
											 .vhost = VIEW("/"),
											 .user = VIEW("guest"),
											 .event = on_event});

	*session = engine_session_open(sns_rig.engine, conn, NULL);
	return conn;
}

/* A queue bound to an exchange is a raw subscription that SNS cannot change. */
static void bindings(void **state)
{
	uint64_t session, conn;
	char arn[256], form[512];

	(void)state;
	conn = legacy_open(&session);
	engine_topic_declare(sns_rig.engine, session, 1,
			     &(struct topic_spec){.name = VIEW("orders"), .side = SIDE_LEGACY, .type = TOPIC_TOPIC, .durable = true});
	engine_bind(sns_rig.engine, session, 2,
		    &(struct binding_spec){.source = VIEW("orders"), .destination = VIEW("q"), .key = VIEW("eu.#")});
	aws_rig_run(&sns_rig);
	struct aws_answer a =
		sns_call("Action=ListSubscriptionsByTopic&TopicArn=arn:aws:sns:eu-west-1:000000000000:orders");
	assert_true(sns_has(a.body, "<Protocol>sqs</Protocol><Endpoint>" QUEUE_ARN "</Endpoint>"));
	const char *start = strstr((const char *)a.body.p, "<SubscriptionArn>") + 17;
	snprintf(arn, sizeof(arn), "%.*s", (int)strcspn(start, "<"), start);
	expect_attribute(arn, "RawMessageDelivery", "true");
	expect_attribute(arn, "FilterPolicy", "{&quot;rk&quot;:[{&quot;prefix&quot;:&quot;.eu.&quot;}]}");
	expect_attribute(arn, "mqb-approximate", NULL);
	snprintf(form, sizeof(form), "Action=Unsubscribe&SubscriptionArn=%s", arn);
	sns_refused(form, 403, "AuthorizationError", "is a binding of AMQP clients and read-only over SNS");
	snprintf(form, sizeof(form),
		 "Action=SetSubscriptionAttributes&SubscriptionArn=%s&AttributeName=RawMessageDelivery&AttributeValue=false", arn);
	sns_refused(form, 403, "AuthorizationError", "is a binding");

	/* the attribute routing-key is the routing key */
	sns_good("Action=Publish&Message=no&TopicArn=arn:aws:sns:eu-west-1:000000000000:orders", "");
	sns_good("Action=Publish&Message=us&TopicArn=arn:aws:sns:eu-west-1:000000000000:orders" ATTRIBUTE("1", "routing-key",
													"String", "us.x"),
		 "");
	sns_good("Action=Publish&Message=eu&TopicArn=arn:aws:sns:eu-west-1:000000000000:orders" ATTRIBUTE("1", "routing-key",
													"String", "eu.x"),
		 "");
	assert_string_equal(sns_received(NULL), "eu");
	assert_string_equal(sns_received(NULL), "");
	engine_connection_close(sns_rig.engine, conn, CLOSE_ORDERLY);
}

static void internal_exchange(void **state)
{
	uint64_t session, conn;

	(void)state;
	conn = legacy_open(&session);
	engine_topic_declare(sns_rig.engine, session, 1,
			     &(struct topic_spec){
				     .name = VIEW("inner"), .side = SIDE_LEGACY, .type = TOPIC_FANOUT, .internal = true});
	aws_rig_run(&sns_rig);
	sns_refused("Action=Publish&Message=m&TopicArn=arn:aws:sns:eu-west-1:000000000000:inner", 403, "AuthorizationError",
		    "internal");
	engine_connection_close(sns_rig.engine, conn, CLOSE_ORDERLY);
}

int main(void)
{
#define T_(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T_(attributes), T_(subscribe_again), T_(unsubscribe),	     T_(pages),
		T_(raw),	T_(envelope),	     T_(forms),		     T_(batch),
		T_(filtered),	T_(links),	     cmocka_unit_test(signatures), T_(bindings),
		T_(internal_exchange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
