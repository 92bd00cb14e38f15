/* SPDX-License-Identifier: Apache-2.0 */
#include "mapping/queue_effective.h"

/* sqs-sns.md §4 */
static const struct {
	const char *name, *value;
} DEFAULTS[] = {
	{"DelaySeconds", "0"},
	{"MaximumMessageSize", "1048576"},
	{"MessageRetentionPeriod", "345600"},
	{"ReceiveMessageWaitTimeSeconds", "0"},
	{"VisibilityTimeout", "30"},
	{"SqsManagedSseEnabled", "true"},
};

/* DESIGN §1: shown, not acted on. */
static const char LEGACY_RETENTION[] = "1209600";

static const struct value *given(const struct queue_sources *s, struct view name)
{
	const struct value *v = table_find(s->attributes, name);
	return v && v->type == VALUE_BYTES ? v : NULL;
}

bool queue_attribute(const struct queue_sources *s, struct view name, struct view *value)
{
	const struct value *v = given(s, name);
	if (v) {
		*value = v->s;
		return true;
	}
	if (s->legacy && view_is(name, "MessageRetentionPeriod")) {
		*value = view_str(LEGACY_RETENTION);
		return true;
	}
	for (size_t i = 0; i < sizeof(DEFAULTS) / sizeof(*DEFAULTS); i++)
		if (view_is(name, DEFAULTS[i].name)) {
			*value = view_str(DEFAULTS[i].value);
			return true;
		}
	return false;
}

static int64_t seconds_ms(const struct queue_sources *s, const char *name)
{
	struct view v;
	int64_t n = 0;
	if (!queue_attribute(s, view_str(name), &v))
		return 0;
	for (size_t i = 0; i < v.n && v.p[i] >= '0' && v.p[i] <= '9' && n < INT32_MAX; i++)
		n = n * 10 + (v.p[i] - '0');
	return n * 1000;
}

/* A limit; none when it is missing or negative. */
static int64_t limit(const struct queue_sources *s, const char *name)
{
	const struct value *v = table_find(s->arguments, view_str(name));
	return v && value_is_integer(v) && v->i >= 0 ? v->i : QUEUE_UNLIMITED;
}

static bool text(const struct queue_sources *s, const char *name, struct view *out)
{
	const struct value *v = table_find(s->arguments, view_str(name));
	if (!v || v->type != VALUE_STRING)
		return false;
	*out = v->s;
	return true;
}

static bool text_is(const struct queue_sources *s, const char *name, const char *value)
{
	struct view v;
	return text(s, name, &v) && view_is(v, value);
}

static bool truth(const struct queue_sources *s, const char *name)
{
	const struct value *v = table_find(s->arguments, view_str(name));
	return v && v->type == VALUE_BOOL && v->boolean;
}

/* rabbitmq.md 3.15; a quorum queue knows no reject-publish-dlx and drops instead. */
static enum queue_overflow overflow(const struct queue_sources *s, bool quorum)
{
	if (text_is(s, "x-overflow", "reject-publish"))
		return OVERFLOW_REJECT;
	if (text_is(s, "x-overflow", "reject-publish-dlx") && !quorum)
		return OVERFLOW_REJECT_DEAD_LETTER;
	return OVERFLOW_DROP_HEAD;
}

void queue_effective_compute(const struct queue_sources *s, struct queue_effective *out)
{
	bool quorum = text_is(s, "x-queue-type", "quorum");
	int64_t expires_ms = limit(s, "x-expires");
	bool retained = !s->legacy || given(s, VIEW("MessageRetentionPeriod"));
	*out = (struct queue_effective){
		.visibility_ms = seconds_ms(s, "VisibilityTimeout"),
		.wait_ms = seconds_ms(s, "ReceiveMessageWaitTimeSeconds"),
		.delay_ms = seconds_ms(s, "DelaySeconds"),
		.retention_ms = retained ? seconds_ms(s, "MessageRetentionPeriod") : 0,
		.ttl_ms = limit(s, "x-message-ttl"),
		.expires_ms = expires_ms > 0 ? expires_ms : 0,
		.length_max = limit(s, "x-max-length"),
		.bytes_max = limit(s, "x-max-length-bytes"),
		.failed_max = quorum ? limit(s, "x-delivery-limit") : QUEUE_UNLIMITED,
		.overflow = overflow(s, quorum),
		.quorum = quorum,
		.single_active = truth(s, "x-single-active-consumer"),
	};
	out->dead_letters = text(s, "x-dead-letter-exchange", &out->dead_letter_topic);
	out->dead_letter_rekeyed =
		out->dead_letters && text(s, "x-dead-letter-routing-key", &out->dead_letter_key);
}
