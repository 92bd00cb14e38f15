/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the envelope as AWS does, line by line, `"name" : "value"` (sqs-sns.md §14). */
#include "mapping/sns_envelope.h"

#include <stdio.h>
#include <time.h>

#include "base/crypto.h"
#include "mapping/json_text.h"

static void member(struct buf *out, const char *name, struct view value)
{
	buf_printf(out, "  \"%s\" : ", name);
	json_text_add(out, value);
	buf_add_str(out, ",\n");
}

static void member_if(struct buf *out, const char *name, struct view value)
{
	if (value.n)
		member(out, name, value);
}

void sns_envelope_head(const struct sns_envelope *v, struct buf *out)
{
	buf_add_str(out, "{\n");
	member(out, "Type", VIEW("Notification"));
	member(out, "MessageId", v->message_id);
	member_if(out, "SequenceNumber", v->sequence);
	member(out, "TopicArn", v->topic_arn);
	member_if(out, "Subject", v->subject);
	member(out, "Message", v->message);
	member(out, "Timestamp", v->timestamp);
	if (!v->signature_version.n)
		return;
	member(out, "SignatureVersion", v->signature_version);
	member(out, "Signature", v->signature);
	member(out, "SigningCertURL", v->certificate_url);
}

void sns_envelope_unsubscribe(struct view url, struct buf *out)
{
	buf_add_str(out, "  \"UnsubscribeURL\" : ");
	json_text_add(out, url);
}

static void attribute(const struct sqs_attribute *at, struct buf *out)
{
	json_text_add(out, at->name);
	buf_add_str(out, " : {\"Type\":");
	json_text_add(out, at->type);
	buf_add_str(out, ",\"Value\":");
	if (view_starts(at->type, VIEW("Binary"))) {
		buf_add_u8(out, '"');
		base64_add(out, at->value);
		buf_add_u8(out, '"');
	} else {
		json_text_add(out, at->value);
	}
	buf_add_u8(out, '}');
}

void sns_envelope_tail(const struct sns_envelope *v, struct buf *out)
{
	if (v->n_attributes)
		buf_add_str(out, ",\n  \"MessageAttributes\" : {");
	for (size_t i = 0; i < v->n_attributes; i++) {
		buf_add_str(out, i ? ",\n    " : "\n    ");
		attribute(&v->attributes[i], out);
	}
	buf_add_str(out, v->n_attributes ? "\n  }\n}" : "\n}");
}

void sns_envelope_write(const struct sns_envelope *v, struct buf *out)
{
	sns_envelope_head(v, out);
	sns_envelope_unsubscribe(v->unsubscribe_url, out);
	sns_envelope_tail(v, out);
}

static void line(struct buf *out, const char *name, struct view value)
{
	buf_add_str(out, name);
	buf_add_u8(out, '\n');
	buf_add(out, value);
	buf_add_u8(out, '\n');
}

void sns_envelope_to_sign(const struct sns_envelope *v, struct buf *out)
{
	line(out, "Message", v->message);
	line(out, "MessageId", v->message_id);
	if (v->subject.n)
		line(out, "Subject", v->subject);
	line(out, "Timestamp", v->timestamp);
	line(out, "TopicArn", v->topic_arn);
	line(out, "Type", VIEW("Notification"));
}

void sns_timestamp(int64_t wall_ms, char out[SNS_TIMESTAMP_CHARS + 1])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(out, SNS_TIMESTAMP_CHARS + 1, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + 19, SNS_TIMESTAMP_CHARS - 18, ".%03uZ", (unsigned)(wall_ms % 1000) % 1000);
}

bool sns_subject_legal(struct view subject)
{
	if (subject.n == 0 || subject.n > SNS_SUBJECT_CHARS_MAX || subject.p[0] == ' ')
		return false;
	for (size_t i = 0; i < subject.n; i++)
		if (subject.p[i] < 0x20 || subject.p[i] > 0x7e)
			return false;
	return true;
}
