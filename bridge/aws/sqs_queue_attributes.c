/* SPDX-License-Identifier: Apache-2.0 */
/* Queue attributes as CreateQueue and SetQueueAttributes take them: names, ranges,
 * what goes together (sqs-sns.md §2, §4, §7). */
#include "aws/aws_priv.h"

#include <inttypes.h>
#include <strings.h>

#include "base/log.h"
#include "mapping/names.h"

enum attribute_kind {
	KIND_INT,
	KIND_BOOL,
	KIND_TEXT,
	KIND_JSON,
	KIND_FIFO_ONLY,
};

static const struct attribute_row {
	const char *name;
	enum attribute_kind kind;
	int64_t min, max;
	const char *refused; /* FIFO_ONLY: what AWS says on a standard queue */
} rows[] = {
	{"DelaySeconds", KIND_INT, 0, 900, NULL},
	{"MaximumMessageSize", KIND_INT, 1024, 1048576, NULL},
	{"MessageRetentionPeriod", KIND_INT, 60, 1209600, NULL},
	{"ReceiveMessageWaitTimeSeconds", KIND_INT, 0, 20, NULL},
	{"VisibilityTimeout", KIND_INT, 0, 43200, NULL},
	{"Policy", KIND_JSON, 0, 0, NULL},
	{"RedrivePolicy", KIND_JSON, 0, 0, NULL},
	{"RedriveAllowPolicy", KIND_JSON, 0, 0, NULL},
	{"KmsMasterKeyId", KIND_TEXT, 0, 0, NULL},
	{"KmsDataKeyReusePeriodSeconds", KIND_INT, 60, 86400, NULL},
	{"SqsManagedSseEnabled", KIND_BOOL, 0, 0, NULL},
	{"ContentBasedDeduplication", KIND_FIFO_ONLY, 0, 0, "Unknown Attribute ContentBasedDeduplication."},
	{"DeduplicationScope", KIND_FIFO_ONLY, 0, 0,
	 "You can specify the DeduplicationScope only when FifoQueue is set to true."},
	{"FifoThroughputLimit", KIND_FIFO_ONLY, 0, 0,
	 "You can specify the FifoThroughputLimit only when FifoQueue is set to true."},
};

static const struct attribute_row *row_find(struct view name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (view_is(name, rows[i].name))
			return &rows[i];
	return NULL;
}

static struct view attribute_of(const struct arg *given, const char *name)
{
	for (size_t i = 0; i < given->n; i++)
		if (view_is(given->pairs[i].name, name))
			return given->pairs[i].value;
	return VIEW_NONE;
}

static bool has(const struct arg *given, const char *name)
{
	for (size_t i = 0; i < given->n; i++)
		if (view_is(given->pairs[i].name, name))
			return true;
	return false;
}

/* AWS takes True as well as true. */
static bool is_word(struct view v, const char *word)
{
	return v.n == strlen(word) && strncasecmp((const char *)v.p, word, v.n) == 0;
}

static bool bad_value(struct aws_call *c, struct refusal *f, const char *name)
{
	return refuse(c, f, FAULT_ATTRIBUTE_VALUE, "Invalid value for the parameter %s.", name);
}

/* sqs-sns.md §7: {"deadLetterTargetArn": arn, "maxReceiveCount": 1..1000} */
static bool redrive_target_exists(struct aws_call *c, const json_t *arn)
{
	const char *text = json_string_value(arn);
	const char *name = text ? strrchr(text, ':') : NULL;
	struct aws_queue target;

	return name && strncmp(text, "arn:aws:sqs:", 12) == 0 &&
	       aws_queue_named(c, c->vhost, view_str(name + 1), &target);
}

static bool redrive_check(struct aws_call *c, json_t *policy, struct view text, struct refusal *f)
{
	const json_t *arn = json_object_get(policy, "deadLetterTargetArn");
	const json_t *max = json_object_get(policy, "maxReceiveCount");
	struct view v = shown(c, text);
	int64_t n = json_integer_value(max);

	if (!json_is_string(arn))
		return refuse(c, f, FAULT_PARAMETER, "The required parameter 'deadLetterTargetArn' is missing");
	if (!max)
		return refuse(c, f, FAULT_PARAMETER, "The required parameter 'maxReceiveCount' is missing");
	if (json_is_string(max) && !arg_int_parse(view_str(json_string_value(max)), &n))
		n = 0;
	if (n < 1 || n > 1000)
		return refuse(c, f, FAULT_PARAMETER,
			      "Value %.*s for parameter RedrivePolicy is invalid. Reason: Invalid value for "
			      "maxReceiveCount: %" PRId64 ", valid values are from 1 to 1000 both inclusive.",
			      VIEW_ARG(v), n);
	if (!redrive_target_exists(c, arn))
		return refuse(c, f, FAULT_PARAMETER,
			      "Value %.*s for parameter RedrivePolicy is invalid. Reason: Dead letter target does "
			      "not exist.",
			      VIEW_ARG(v));
	return true;
}

/* sqs-sns.md §7: {"redrivePermission": allowAll | denyAll | byQueue, "sourceQueueArns": ten at most} */
static bool redrive_allow_ok(const json_t *policy)
{
	enum { SOURCES_MAX = 10 };
	const json_t *permission = json_object_get(policy, "redrivePermission");
	const json_t *sources = json_object_get(policy, "sourceQueueArns");
	const char *word = json_is_string(permission) ? json_string_value(permission) : "";
	bool by_queue = strcmp(word, "byQueue") == 0;
	const json_t *source;
	size_t i;

	if (!by_queue)
		return !sources && (strcmp(word, "allowAll") == 0 || strcmp(word, "denyAll") == 0);
	json_array_foreach(sources, i, source)
		if (!json_is_string(source))
			return false;
	return json_array_size(sources) >= 1 && json_array_size(sources) <= SOURCES_MAX;
}

/* An empty string means: none. */
static bool json_check(struct aws_call *c, const struct attribute_row *row, struct view text, struct refusal *f)
{
	json_t *j = text.n ? json_loadb((const char *)text.p, text.n, 0, NULL) : NULL;
	bool ok = text.n == 0 || json_is_object(j);

	if (!ok)
		bad_value(c, f, row->name);
	else if (j && strcmp(row->name, "RedrivePolicy") == 0)
		ok = redrive_check(c, j, text, f);
	else if (j && strcmp(row->name, "RedriveAllowPolicy") == 0)
		ok = redrive_allow_ok(j) || bad_value(c, f, row->name);
	json_decref(j);
	return ok;
}

static bool value_check(struct aws_call *c, const struct attribute_row *row, struct attribute *at,
			struct refusal *f)
{
	int64_t n;

	switch (row->kind) {
	case KIND_INT:
		if (!arg_int_parse(at->value, &n) || n < row->min || n > row->max)
			return bad_value(c, f, row->name);
		at->value = view_str(arena_printf(c->arena, "%" PRId64, n));
		return true;
	case KIND_BOOL:
		if (!is_word(at->value, "true") && !is_word(at->value, "false"))
			return bad_value(c, f, row->name);
		at->value = is_word(at->value, "true") ? VIEW("true") : VIEW("false");
		return true;
	case KIND_JSON:
		return json_check(c, row, at->value, f);
	case KIND_TEXT:
		return sqs_text_legal(at->value) || bad_value(c, f, row->name);
	case KIND_FIFO_ONLY:
		break;
	}
	return refuse(c, f, FAULT_ATTRIBUTE_NAME, "%s", row->refused);
}

/* FIFO is not built: said at once, so that no queue is quietly a standard one. */
static bool fifo_check(struct aws_call *c, const struct arg *given, struct view queue, struct refusal *f)
{
	struct view fifo = attribute_of(given, "FifoQueue");
	bool named = view_ends(queue, VIEW(".fifo"));

	if (!has(given, "FifoQueue"))
		return !named || refuse(c, f, FAULT_PARAMETER,
					"Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 "
					"in length");
	if (is_word(fifo, "false"))
		return refuse(c, f, FAULT_ATTRIBUTE_NAME, "Unknown Attribute FifoQueue.");
	if (!is_word(fifo, "true"))
		return bad_value(c, f, "FifoQueue");
	if (!named)
		return refuse(c, f, FAULT_PARAMETER,
			      "The name of a FIFO queue can only include alphanumeric characters, hyphens, or "
			      "underscores, must end with .fifo suffix and be 1 to 80 in length");
	return refuse(c, f, FAULT_UNSUPPORTED, "FIFO queues are not supported by this version.");
}

/* Every one checked, in *out; room for one more. */
static bool attributes_take(struct aws_call *c, const struct arg *given, struct attribute_list *out,
			    struct refusal *f)
{
	*out = (struct attribute_list){arena_alloc(c->arena, (given->n + 1) * sizeof(*out->v)), 0};
	for (size_t i = 0; i < given->n; i++) {
		const struct attribute_row *row = row_find(given->pairs[i].name);
		struct attribute *at = &out->v[out->n++];

		*at = given->pairs[i];
		if (!row) {
			struct view name = shown(c, at->name);

			return refuse(c, f, FAULT_ATTRIBUTE_NAME, "Unknown Attribute %.*s.", VIEW_ARG(name));
		}
		if (!value_check(c, row, at, f))
			return false;
		/* set to its default it is gone (sqs-sns.md §4) */
		if (view_is(at->name, "KmsDataKeyReusePeriodSeconds") && view_is(at->value, "300"))
			at->value = VIEW_NONE;
	}
	return true;
}

/* One kind of encryption: a key ends the managed one and the other way round. */
static bool encryption_check(struct aws_call *c, const struct arg *given, struct attribute_list *out,
			     struct refusal *f)
{
	bool key = attribute_of(given, "KmsMasterKeyId").n > 0;
	bool managed = is_word(attribute_of(given, "SqsManagedSseEnabled"), "true");

	if (key && managed)
		return refuse(c, f, FAULT_ATTRIBUTE_NAME,
			      "You can use one type of server-side encryption (SSE) at one time. You can either "
			      "enable KMS SSE or SQS SSE.");
	if (key && !has(given, "SqsManagedSseEnabled"))
		out->v[out->n++] = (struct attribute){VIEW("SqsManagedSseEnabled"), VIEW("false")};
	else if (managed && !has(given, "KmsMasterKeyId"))
		out->v[out->n++] = (struct attribute){VIEW("KmsMasterKeyId"), VIEW_NONE};
	return true;
}

/* A queue has one rule for its dead letters (engine.md §2). */
static bool redrive_free(struct aws_call *c, const struct arg *given, const struct aws_queue *q, struct refusal *f)
{
	struct view policy = attribute_of(given, "RedrivePolicy");
	struct queue_dead_letters d;

	if (!policy.n || !engine_queue_dead_letters(c->aws->engine, q->vhost, q->name, &d) || !d.legacy)
		return true;
	struct view v = shown(c, policy);
	return refuse(c, f, FAULT_PARAMETER,
		      "Value %.*s for parameter RedrivePolicy is invalid. Reason: The queue was declared with a dead "
		      "letter exchange.",
		      VIEW_ARG(v));
}

bool queue_attributes_create(struct aws_call *c, const struct arg *given, struct view queue,
			     struct attribute_list *out, struct refusal *f)
{
	struct aws_queue there;
	size_t n = 0;

	if (!fifo_check(c, given, queue, f) || !attributes_take(c, given, out, f) ||
	    !encryption_check(c, given, out, f))
		return false;
	for (size_t i = 0; i < out->n; i++)
		if (out->v[i].value.n)
			out->v[n++] = out->v[i];
	out->n = n;
	return !aws_queue_named(c, c->vhost, queue, &there) || redrive_free(c, given, &there, f);
}

bool queue_attributes_set(struct aws_call *c, const struct arg *given, struct attribute_list *out,
			  struct refusal *f)
{
	if (has(given, "FifoQueue"))
		return refuse(c, f, FAULT_ATTRIBUTE_NAME, "Unknown Attribute FifoQueue.");
	if (!attributes_take(c, given, out, f) || !encryption_check(c, given, out, f))
		return false;
	return redrive_free(c, given, &c->queue, f);
}
