/* SPDX-License-Identifier: Apache-2.0 */
/* One message of Publish or PublishBatch: what AWS checks of it, in AWS's order and
 * words (sqs-sns.md §12), and what it is kept as. */
#include "aws/sns_priv.h"

#include "mapping/sns_envelope.h"

enum { NAME_BYTES_MAX = 256, KEY_BYTES_MAX = 255, GROUP_CHARS_MAX = 128 };

/* ---- attributes ---- */

static bool is_name_char(uint8_t ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '-' ||
	       ch == '_' || ch == '.';
}

static bool name_check(struct aws_call *c, struct view name, struct refusal *f)
{
	if (name.n == 0)
		return refuse(c, f, FAULT_SNS_ATTRIBUTE, "Message attribute name must not be empty.");
	if (name.n > NAME_BYTES_MAX)
		return refuse(c, f, FAULT_SNS_ATTRIBUTE, "Length of message attribute name must be less than 256 bytes.");
	for (size_t i = 0; i < name.n; i++)
		if (!is_name_char(name.p[i]))
			return refuse(c, f, FAULT_SNS_ATTRIBUTE,
				      "Invalid non-alphanumeric character '#x%X' was found in the message attribute "
				      "name. Can only include alphanumeric characters, hyphens, underscores, or dots.",
				      name.p[i]);
	if (name.p[0] == '.')
		return refuse(c, f, FAULT_SNS_ATTRIBUTE,
			      "Invalid message attribute name starting with character '.' was found.");
	if (name.p[name.n - 1] == '.')
		return refuse(c, f, FAULT_SNS_ATTRIBUTE,
			      "Invalid message attribute name ending with character '.' was found.");
	return !memmem(name.p, name.n, "..", 2) ||
	       refuse(c, f, FAULT_SNS_ATTRIBUTE, "Message attribute name can not have successive '.' character.");
}

/* "String", "Number", "Binary", alone or with a suffix that is not empty; NULL. */
static const char *type_base(struct view type)
{
	static const char *const bases[] = {"String", "Number", "Binary"};

	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		struct view base = view_str(bases[i]);

		if (view_starts(type, base) && (type.n == base.n || (type.n > base.n + 1 && type.p[base.n] == '.')))
			return bases[i];
	}
	return NULL;
}

static bool type_missing(struct aws_call *c, struct view name, size_t entry, struct refusal *f)
{
	const char *where = entry ? arena_printf(c->arena, "publishBatchRequestEntries.%zu.member.", entry) : "";

	return refuse(c, f, FAULT_SNS_VALIDATION,
		      "1 validation error detected: Value null at '%smessageAttributes.%.*s.member.dataType' failed to "
		      "satisfy constraint: Member must not be null",
		      where, VIEW_ARG(name));
}

static bool value_check(struct aws_call *c, const struct arg_attribute *at, const char *base, struct refusal *f)
{
	const char *field = base[0] == 'B' ? "Binary" : "String";
	struct view name = at->name, type = at->type;
	struct sqs_attributes one = {.v = {{VIEW("n"), VIEW("Number"), at->value}}, .n = 1};
	struct error e;

	if (at->has_value && at->binary != (base[0] == 'B'))
		return refuse(c, f, FAULT_SNS_ATTRIBUTE,
			      "The message attribute '%.*s' with type '%.*s' must use field '%s'.", VIEW_ARG(name),
			      VIEW_ARG(type), field);
	if (at->value.n == 0)
		return refuse(c, f, FAULT_SNS_ATTRIBUTE,
			      "The message attribute '%.*s' must contain non-empty message attribute value for message "
			      "attribute type '%.*s'.",
			      VIEW_ARG(name), VIEW_ARG(type));
	if (base[0] == 'N' && sqs_attributes_check(&one, &e) != CODE_OK)
		return refuse(c, f, FAULT_SNS_ATTRIBUTE, "Could not cast message attribute '%.*s' value to number.",
			      VIEW_ARG(name));
	return base[0] == 'B' || sqs_text_legal(at->value) ||
	       refuse(c, f, FAULT_SNS_ATTRIBUTE, "The message attribute '%.*s' contains invalid characters.",
		      VIEW_ARG(name));
}

static bool attribute_check(struct aws_call *c, const struct arg_attribute *at, size_t entry, struct refusal *f)
{
	const char *base;

	if (!name_check(c, at->name, f))
		return false;
	if (!at->has_type)
		return type_missing(c, at->name, entry, f);
	base = type_base(at->type);
	if (!base || at->type.n > NAME_BYTES_MAX || !sqs_text_legal(at->type))
		return refuse(c, f, FAULT_SNS_ATTRIBUTE,
			      "The message attribute '%.*s' has an invalid message attribute type, the set of supported "
			      "type prefixes is Binary, Number, and String.",
			      VIEW_ARG(at->name));
	return value_check(c, at, base, f);
}

static bool attributes_check(struct aws_call *c, const struct arg *in, size_t entry, struct refusal *f)
{
	for (size_t i = 0; i < in->n; i++) {
		if (!attribute_check(c, &in->attributes[i], entry, f))
			return false;
		for (size_t k = 0; k < i; k++)
			if (view_eq(in->attributes[i].name, in->attributes[k].name))
				return refuse(c, f, FAULT_SNS_ATTRIBUTE, "Message attribute name '%.*s' already exists.",
					      VIEW_ARG(in->attributes[i].name));
	}
	return true;
}

/* ---- body and subject ---- */

static bool no_default(struct aws_call *c, struct refusal *f)
{
	return sns_invalid(c, f, "Message Structure - No default entry in JSON message body");
}

/* MessageStructure json: what queues get of it. Of keys given twice the last one counts. */
static bool structure_take(struct aws_call *c, struct sns_message *out, struct refusal *f)
{
	json_t *all = json_loadb((const char *)out->body.p, out->body.n, JSON_ALLOW_NUL, NULL);
	const json_t *body = json_object_get(all, "default");
	bool ok;

	if (!all) {
		ok = sns_invalid(c, f, "Message Structure - JSON message body failed to parse");
	} else if (!json_is_string(body)) {
		ok = no_default(c, f);
	} else {
		if (json_is_string(json_object_get(all, "sqs")))
			body = json_object_get(all, "sqs");
		out->body = arena_copy(c->arena, view_of(json_string_value(body), json_string_length(body)));
		ok = out->body.n ? true : sns_invalid(c, f, "Empty message");
	}
	json_decref(all);
	return ok;
}

static bool group_legal(struct view v)
{
	if (v.n == 0 || v.n > GROUP_CHARS_MAX)
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= 0x20 || v.p[i] >= 0x7f)
			return false;
	return true;
}

static size_t bytes_of(const struct args *in)
{
	const struct arg *attributes = args_get(in, "MessageAttributes");
	size_t n = args_get(in, "Message")->text.n;

	for (size_t i = 0; i < attributes->n; i++)
		n += attributes->attributes[i].name.n + attributes->attributes[i].type.n +
		     attributes->attributes[i].value.n;
	return n;
}

/* ---- what is kept ---- */

/* Header X-Amzn-Trace-Id of the request, as SQS has it. */
static struct view trace_header(struct aws_call *c)
{
	struct view v = http_header_find(c->r, "X-Amzn-Trace-Id");

	return v.n && sqs_text_legal(v) ? v : VIEW_NONE;
}

/* Attribute `routing-key` is the routing key of the exchange that a topic is. */
static void key_take(const struct arg_attribute *at, struct sns_message *out)
{
	if (view_is(at->name, "routing-key") && !at->binary && at->value.n <= KEY_BYTES_MAX)
		out->key = at->value;
}

static void raw_take(struct aws_call *c, const struct args *in, struct sns_message *out)
{
	const struct arg *attributes = args_get(in, "MessageAttributes");
	struct sqs_attributes kept = {.trace_header = trace_header(c),
				      .group_id = args_get(in, "MessageGroupId")->text,
				      .subject = out->subject};
	struct buf *b = &c->aws->scratch;

	buf_clear(b);
	for (size_t i = 0; i < attributes->n; i++) {
		const struct arg_attribute *at = &attributes->attributes[i];
		struct sqs_attribute one = {at->name, at->type, at->value};

		key_take(at, out);
		if (kept.n < SQS_ATTRIBUTES_MAX)
			kept.v[kept.n++] = one;
		else
			sqs_attributes_more_add(b, &one);
	}
	kept.more = b->n ? arena_copy(c->arena, buf_view(b)) : VIEW_NONE;
	buf_clear(b);
	sqs_attributes_encode(&kept, b);
	out->raw = b->n ? arena_copy(c->arena, buf_view(b)) : VIEW_NONE;
}

/* ---- a message ---- */

static bool ids_check(struct aws_call *c, const struct args *in, struct refusal *f)
{
	const struct arg *group = args_get(in, "MessageGroupId");

	if (args_get(in, "MessageDeduplicationId")->set)
		return sns_invalid(c, f,
				   "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter "
				   "that is not valid for this topic type");
	return !group->set || group_legal(group->text) || sns_invalid(c, f, "MessageGroupId");
}

bool sns_message_take(struct aws_call *c, const struct args *in, size_t entry, struct sns_message *out,
		      struct refusal *f)
{
	const struct arg *subject = args_get(in, "Subject"), *structure = args_get(in, "MessageStructure");

	out->body = args_get(in, "Message")->text;
	out->subject = subject->text;
	out->bytes = bytes_of(in);
	if (subject->set && !sns_subject_legal(out->subject))
		return sns_invalid(c, f, "Subject");
	if (out->body.n == 0)
		return sns_invalid(c, f, "Empty message");
	if (!attributes_check(c, args_get(in, "MessageAttributes"), entry, f))
		return false;
	/* a batch as a whole has the same limit, and another text */
	if (!entry && out->bytes > c->aws->o.sns_message_bytes_max)
		return sns_invalid(c, f, "Message too long");
	if (!ids_check(c, in, f))
		return false;
	if (structure->set && !view_is(structure->text, "json"))
		return sns_invalid(c, f, "MessageStructure");
	if (structure->set && !structure_take(c, out, f))
		return false;
	if (!sqs_text_legal(out->body))
		return sns_invalid(c, f, "Message Reason: Invalid characters found");
	raw_take(c, in, out);
	return true;
}
