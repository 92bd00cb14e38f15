/* SPDX-License-Identifier: Apache-2.0 */
/* SQS GetQueueAttributes: stored ones and their defaults from the engine, counts
 * and times from its snapshot (sqs-sns.md §4). What a queue does not have is absent. */
#include "aws/aws_priv.h"

#include <inttypes.h>

enum shown_kind {
	SHOWN_STORED,   /* as the engine has it */
	SHOWN_READY,
	SHOWN_LEASED,
	SHOWN_DELAYED,
	SHOWN_CREATED,
	SHOWN_MODIFIED,
	SHOWN_ARN,
	SHOWN_REDRIVE,  /* RedrivePolicy, or what a legacy declare says in its terms */
	SHOWN_KMS_PERIOD, /* has a default once there is a key */
	SHOWN_NEVER,    /* of FIFO queues */
};

static const struct shown_row {
	const char *name;
	enum shown_kind kind;
} rows[] = {
	{"QueueArn", SHOWN_ARN},
	{"ApproximateNumberOfMessages", SHOWN_READY},
	{"ApproximateNumberOfMessagesNotVisible", SHOWN_LEASED},
	{"ApproximateNumberOfMessagesDelayed", SHOWN_DELAYED},
	{"CreatedTimestamp", SHOWN_CREATED},
	{"LastModifiedTimestamp", SHOWN_MODIFIED},
	{"VisibilityTimeout", SHOWN_STORED},
	{"MaximumMessageSize", SHOWN_STORED},
	{"MessageRetentionPeriod", SHOWN_STORED},
	{"DelaySeconds", SHOWN_STORED},
	{"ReceiveMessageWaitTimeSeconds", SHOWN_STORED},
	{"Policy", SHOWN_STORED},
	{"RedrivePolicy", SHOWN_REDRIVE},
	{"RedriveAllowPolicy", SHOWN_STORED},
	{"KmsMasterKeyId", SHOWN_STORED},
	{"KmsDataKeyReusePeriodSeconds", SHOWN_KMS_PERIOD},
	{"SqsManagedSseEnabled", SHOWN_STORED},
	{"FifoQueue", SHOWN_NEVER},
	{"ContentBasedDeduplication", SHOWN_NEVER},
	{"DeduplicationScope", SHOWN_NEVER},
	{"FifoThroughputLimit", SHOWN_NEVER},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* The rows that were asked for, as bits. */
static bool names_take(struct aws_call *c, const struct arg *names, uint32_t *wanted, struct refusal *f)
{
	for (size_t i = 0; i < names->n; i++) {
		uint32_t bits = view_is(names->texts[i], "All") ? UINT32_MAX : 0;

		for (size_t k = 0; k < ROWS; k++)
			if (view_is(names->texts[i], rows[k].name))
				bits = UINT32_C(1) << k;
		struct view name = shown(c, names->texts[i]);
		if (!bits)
			return refuse(c, f, FAULT_ATTRIBUTE_NAME, "Unknown Attribute %.*s.", VIEW_ARG(name));
		*wanted |= bits;
	}
	return true;
}

static struct view number(struct aws_call *c, int64_t n)
{
	return view_str(arena_printf(c->arena, "%" PRId64, n));
}

static struct view stored(struct aws_call *c, const char *name)
{
	struct view v;

	return engine_queue_attribute(c->aws->engine, c->queue.vhost, c->queue.name, view_str(name), &v) ? v
													 : VIEW_NONE;
}

static struct view kms_period(struct aws_call *c)
{
	struct view v = stored(c, "KmsDataKeyReusePeriodSeconds");

	return v.n || !stored(c, "KmsMasterKeyId").n ? v : VIEW("300");
}

/* engine.md §2 */
static struct view redrive(struct aws_call *c)
{
	struct queue_dead_letters d;

	if (!engine_queue_dead_letters(c->aws->engine, c->queue.vhost, c->queue.name, &d) || !d.legacy)
		return stored(c, "RedrivePolicy");
	if (!d.max)
		return VIEW_NONE;
	struct view arn = aws_queue_arn(c, c->queue.vhost, d.target);
	return view_str(arena_printf(c->arena, "{\"deadLetterTargetArn\":\"%.*s\",\"maxReceiveCount\":%" PRId64 "}",
				     VIEW_ARG(arn), d.max));
}

/* Empty: the queue has none. */
static struct view value_of(struct aws_call *c, const struct shown_row *row, const struct queue_stat *q)
{
	switch (row->kind) {
	case SHOWN_STORED:
		return stored(c, row->name);
	case SHOWN_READY:
		return number(c, (int64_t)q->ready);
	case SHOWN_LEASED:
		return number(c, (int64_t)q->leased);
	case SHOWN_DELAYED:
		return number(c, (int64_t)q->delayed);
	case SHOWN_CREATED:
		return number(c, q->created_ms / 1000);
	case SHOWN_MODIFIED:
		return number(c, q->modified_ms / 1000);
	case SHOWN_ARN:
		return aws_queue_arn(c, c->queue.vhost, c->queue.name);
	case SHOWN_KMS_PERIOD:
		return kms_period(c);
	case SHOWN_REDRIVE:
		return redrive(c);
	case SHOWN_NEVER:
		break;
	}
	return VIEW_NONE;
}

void sqs_get_queue_attributes(struct aws_call *c)
{
	struct queue_stat stat;
	struct refusal f;
	uint32_t wanted = 0;
	bool any = false;

	if (!names_take(c, args_get(&c->args, "AttributeNames"), &wanted, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	if (!engine_queue_stat(c->aws->engine, c->queue.vhost, c->queue.name, &stat)) {
		aws_call_refuse(c, &(struct refusal){.fault = FAULT_QUEUE_MISSING});
		return;
	}
	reply_begin(c);
	for (size_t k = 0; k < ROWS; k++) {
		struct view v = wanted & UINT32_C(1) << k ? value_of(c, &rows[k], &stat) : VIEW_NONE;

		if (!v.n)
			continue;
		if (!any)
			reply_map_open(c, "Attributes");
		any = true;
		reply_entry_text(c, "Attribute", view_str(rows[k].name), v);
	}
	if (any)
		reply_map_close(c);
	reply_end(c);
}
