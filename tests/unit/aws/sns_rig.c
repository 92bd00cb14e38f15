/* SPDX-License-Identifier: Apache-2.0 */
#include "sns_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

struct aws_rig sns_rig;
static struct aws_peer peer;

struct aws_answer sns_call_as(const char *key, const char *form)
{
	static struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	buf_printf(&b, "%s&Version=2010-03-31", form);
	aws_peer_query(&peer, "sns", buf_cstr(&b), key);
	aws_rig_run(&sns_rig);
	buf_fini(&b);
	return aws_peer_take(&peer);
}

struct aws_answer sns_call(const char *form)
{
	return sns_call_as("guest", form);
}

struct aws_answer sqs_call(const char *action, const char *json)
{
	aws_peer_json(&peer, action, json, "guest");
	aws_rig_run(&sns_rig);
	return aws_peer_take(&peer);
}

void sns_rig_open(const struct signer *signer)
{
	sns_rig = (struct aws_rig){.options = {.signer = signer}};
	aws_rig_open(&sns_rig);
	aws_peer_open(&peer, &sns_rig);
	sns_good("Action=CreateTopic&Name=t", "<TopicArn>" TOPIC_ARN "</TopicArn>");
	assert_int_equal(sqs_call("CreateQueue", "{\"QueueName\":\"q\"}").status, 200);
}

void sns_rig_close(void)
{
	aws_peer_close(&peer, WIRE_PEER_CLOSED);
	aws_rig_close(&sns_rig);
}

bool sns_has(struct view v, const char *text)
{
	return memmem(v.p, v.n, text, strlen(text)) != NULL;
}

void sns_good(const char *form, const char *text)
{
	struct aws_answer a = sns_call(form);

	if (a.status != 200 || !sns_has(a.body, text) || !sns_has(a.body, "<RequestId>"))
		fail_msg("%s: %d %.*s", form, a.status, VIEW_ARG(a.body));
}

void sns_refused(const char *form, int status, const char *code, const char *text)
{
	struct aws_answer a = sns_call(form);
	char wanted[128];

	snprintf(wanted, sizeof(wanted), "<Error><Type>Sender</Type><Code>%s</Code>", code);
	if (a.status != status || !sns_has(a.body, wanted) || !sns_has(a.body, text) || sns_has(a.body, "<Detail/>"))
		fail_msg("%.300s: %d %.*s", form, a.status, VIEW_ARG(a.body));
}

const char *sns_subscribed(const char *more)
{
	static char arn[256];
	char form[4096];

	snprintf(form, sizeof(form), "Action=Subscribe&TopicArn=" TOPIC_ARN "&Protocol=sqs&Endpoint=" QUEUE_ARN "%s", more);
	struct aws_answer a = sns_call(form);
	const char *start = a.status == 200 ? memmem(a.body.p, a.body.n, "<SubscriptionArn>", 17) : NULL;
	if (!start)
		fail_msg("%s: %d %.*s", form, a.status, VIEW_ARG(a.body));
	snprintf(arn, sizeof(arn), "%.*s", (int)strcspn(start + 17, "<"), start + 17);
	return arn;
}

const char *sns_received(struct view *whole)
{
	static char *body;
	struct aws_answer a = sqs_call("ReceiveMessage",
				       "{\"QueueUrl\":\"http://x/000000000000/q\",\"MessageAttributeNames\":[\"All\"],"
				       "\"AttributeNames\":[\"All\"]}");
	json_t *j = json_loadb((const char *)a.body.p, a.body.n, 0, NULL);
	const char *text = json_string_value(json_object_get(json_array_get(json_object_get(j, "Messages"), 0), "Body"));
	const char *handle =
		json_string_value(json_object_get(json_array_get(json_object_get(j, "Messages"), 0), "ReceiptHandle"));
	static char *all;
	char request[512];

	assert_int_equal(a.status, 200);
	free(body);
	free(all);
	body = text ? strdup(text) : strdup("");
	all = strndup((const char *)a.body.p, a.body.n);
	if (whole)
		*whole = view_str(all);
	if (handle) {
		snprintf(request, sizeof(request), "{\"QueueUrl\":\"http://x/000000000000/q\",\"ReceiptHandle\":\"%s\"}",
			 handle);
		assert_int_equal(sqs_call("DeleteMessage", request).status, 200);
	}
	json_decref(j);
	return body;
}
