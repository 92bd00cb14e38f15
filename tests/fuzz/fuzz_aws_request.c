/* SPDX-License-Identifier: Apache-2.0 */
/* The AWS head, whole: decoding of both wire protocols, every action, engine and
 * memory store behind it. Input: a byte that chooses the protocol and the action,
 * then the JSON body or the form; or, last choice, the HTTP bytes themselves.
 * Each request must get exactly one answer, never a 5xx, and be well-formed. */
#include <jansson.h>
#include <stdlib.h>

#include "base/log.h"
#include "rig/aws_rig.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct aws_rig rig;

static const char *const actions[] = {
	"CreateQueue",	 "GetQueueUrl",	       "ListQueues",		  "SendMessage",
	"SendMessageBatch", "ReceiveMessage",  "DeleteMessage",		  "DeleteMessageBatch",
	"ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "ListTopics", "Nonsense",
	"DeleteQueue", "PurgeQueue", "GetQueueAttributes", "SetQueueAttributes", "ListQueueTags", "TagQueue", "UntagQueue",
};
/* Of SNS: by form only. */
static const char *const sns_actions[] = {
	"CreateTopic", "DeleteTopic", "GetTopicAttributes", "SetTopicAttributes", "Subscribe", "ConfirmSubscription",
	"Unsubscribe", "ListSubscriptions", "ListSubscriptionsByTopic", "GetSubscriptionAttributes",
	"SetSubscriptionAttributes", "Publish", "PublishBatch", "ListTagsForResource", "TagResource", "UntagResource",
	"AddPermission", "RemovePermission", "GetDataProtectionPolicy", "PutDataProtectionPolicy",
};
enum {
	ACTIONS = sizeof(actions) / sizeof(actions[0]),
	SNS_ACTIONS = sizeof(sns_actions) / sizeof(sns_actions[0]),
	LIST_TOPICS = 10,
	RAW = 2 * ACTIONS, /* the HTTP bytes themselves */
	RESTART_AFTER = 20000,
};

static void start(void)
{
	static const char *const first = "{\"QueueName\":\"q\",\"Attributes\":{\"VisibilityTimeout\":\"1\"}}";
	struct aws_peer peer;

	rig.options.anonymous = true;
	rig.options.signatures_unchecked = true; /* no input would ever be signed */
	rig.options.anonymous_user = VIEW("guest");
	rig.options.anonymous_vhost = VIEW("/");
	aws_rig_open(&rig);
	aws_peer_open(&peer, &rig);
	aws_peer_json(&peer, "CreateQueue", first, NULL);
	aws_rig_run(&rig);
	must(aws_peer_take(&peer).status == 200);
	aws_peer_json(&peer, "SendMessage", "{\"QueueUrl\":\"q\",\"MessageBody\":\"hello\"}", NULL);
	aws_rig_run(&rig);
	must(aws_peer_take(&peer).status == 200);
	aws_peer_query(&peer, "sns", "Action=CreateTopic&Name=t&Version=2010-03-31", NULL);
	aws_rig_run(&rig);
	must(aws_peer_take(&peer).status == 200);
	aws_peer_close(&peer, WIRE_PEER_CLOSED);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_set_level(LOG_ERROR);
	start();
	return 0;
}

static void one_answer(struct aws_peer *peer, bool json)
{
	struct aws_answer a;

	aws_rig_run(&rig);
	a = aws_peer_take(peer);
	if (a.status == 0) { /* a long poll */
		aws_rig_pass(&rig, 21000);
		a = aws_peer_take(peer);
	}
	must(a.status == 200 || a.status == 400 || a.status == 403 || a.status == 404);
	if (json) {
		json_t *body = json_loadb((const char *)a.body.p, a.body.n, JSON_ALLOW_NUL, NULL);

		must(json_is_object(body));
		must(a.status == 200 || json_object_get(body, "__type"));
		json_decref(body);
	} else {
		must(view_starts(a.body, VIEW("<?xml")));
	}
	must(aws_peer_take(peer).status == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int runs;
	struct aws_peer peer;
	struct buf text;

	if (size < 1)
		return 0;
	if (++runs % RESTART_AFTER == 0) { /* queues that were made add up */
		aws_rig_close(&rig);
		start();
	}
	unsigned choice = data[0] % (RAW + 1 + SNS_ACTIONS);
	const char *action = actions[choice % ACTIONS];
	aws_peer_open(&peer, &rig);
	buf_init(&text, SIZE_MAX / 2);
	if (choice < ACTIONS) {
		buf_add(&text, view_of(data + 1, size - 1));
		const char *body = buf_cstr(&text);
		aws_peer_json(&peer, action, body ? body : "", NULL);
		one_answer(&peer, true);
	} else if (choice < 2 * ACTIONS) {
		buf_printf(&text, "Action=%s&%s", action, choice % ACTIONS == LIST_TOPICS ? "Version=2010-03-31&" : "");
		buf_add(&text, view_of(data + 1, size - 1));
		aws_peer_query(&peer, "sqs", buf_cstr(&text), NULL);
		one_answer(&peer, false);
	} else if (choice > RAW) {
		buf_printf(&text, "Action=%s&Version=2010-03-31&", sns_actions[choice - RAW - 1]);
		buf_add(&text, view_of(data + 1, size - 1));
		aws_peer_query(&peer, "sns", buf_cstr(&text), NULL);
		one_answer(&peer, false);
	} else {
		aws_peer_bytes(&peer, view_of(data + 1, size - 1));
		aws_rig_run(&rig);
	}
	aws_peer_close(&peer, WIRE_LOST);
	aws_rig_run(&rig);
	buf_fini(&text);
	return 0;
}
