/* SPDX-License-Identifier: Apache-2.0 */
/* AWS JSON 1.0 → arguments. Texts alias the request's body or lie in its arena. A
 * member of the wrong type is a SerializationException. */
#include "aws/aws_priv.h"

#include "base/crypto.h"
#include "mapping/json_read.h"

static bool mistyped(struct aws_call *c, struct refusal *f, const char *name, const char *wanted)
{
	return refuse(c, f, FAULT_SERIALIZATION, "%s can not be converted to %s", name, wanted);
}

static bool text_of(const struct jvalue *j, struct view *out)
{
	*out = j->text;
	return j->kind == JV_TEXT;
}

static bool int_of(const struct jvalue *j, int64_t *out)
{
	*out = j->number;
	return j->kind == JV_INTEGER || (j->kind == JV_TEXT && arg_int_parse(j->text, out));
}

static bool texts_of(struct aws_call *c, const struct jvalue *j, struct arg *out)
{
	if (j->kind != JV_ARRAY || j->n > ARG_ITEMS_MAX)
		return false;
	for (const struct jvalue *item = j->first; item; item = item->next)
		if (!text_of(item, arg_item(out, out->n, sizeof(struct view), c->arena)))
			return false;
	return true;
}

/* Tags of SNS: [{Key, Value}]. */
static bool tags_of(struct aws_call *c, const struct jvalue *j, struct arg *out)
{
	size_t i = 0;

	if (j->n > ARG_ITEMS_MAX)
		return false;
	for (const struct jvalue *item = j->first; item; item = item->next) {
		struct attribute *pair = arg_item(out, i++, sizeof(*pair), c->arena);
		const struct jvalue *key = item->kind == JV_OBJECT ? json_read_member(item, "Key") : NULL;
		const struct jvalue *value = item->kind == JV_OBJECT ? json_read_member(item, "Value") : NULL;

		if (!key || !value || !text_of(key, &pair->name) || !text_of(value, &pair->value))
			return false;
	}
	return true;
}

static bool pairs_of(struct aws_call *c, const struct jvalue *j, struct arg *out)
{
	if (j->kind == JV_ARRAY && c->service == AWS_SNS)
		return tags_of(c, j, out);
	if (j->kind != JV_OBJECT || j->n > ARG_ITEMS_MAX)
		return false;
	for (const struct jvalue *value = j->first; value; value = value->next) {
		if (!json_read_is_last(value))
			continue;
		struct attribute *pair = arg_item(out, out->n, sizeof(*pair), c->arena);

		pair->name = value->name;
		if (!text_of(value, &pair->value))
			return false;
	}
	return true;
}

static bool binary_of(struct aws_call *c, struct view base64, struct view *out)
{
	struct buf b;

	buf_init(&b, base64.n + 4);
	b.p = arena_alloc(c->arena, base64.n + 4);
	b.cap = base64.n + 4;
	bool ok = base64_decode(&b, base64);
	*out = buf_view(&b);
	return ok;
}

/* A member that is there and not null. */
static const struct jvalue *given(const struct jvalue *object, const char *name)
{
	const struct jvalue *member = json_read_member(object, name);

	return member && member->kind != JV_NULL ? member : NULL;
}

static bool attribute_of(struct aws_call *c, const struct jvalue *j, struct arg_attribute *out)
{
	const struct jvalue *type = given(j, "DataType");
	const struct jvalue *string = given(j, "StringValue");
	const struct jvalue *binary = given(j, "BinaryValue");
	struct view base64;

	if (j->kind != JV_OBJECT)
		return false;
	out->has_type = type != NULL;
	if (type && !text_of(type, &out->type))
		return false;
	if (string) {
		out->has_value = true;
		return text_of(string, &out->value);
	}
	if (binary) {
		out->has_value = true;
		out->binary = true;
		return text_of(binary, &base64) && binary_of(c, base64, &out->value);
	}
	return true;
}

static bool attributes_of(struct aws_call *c, const struct jvalue *j, struct arg *out)
{
	if (j->kind != JV_OBJECT || j->n > ARG_ITEMS_MAX)
		return false;
	for (const struct jvalue *value = j->first; value; value = value->next) {
		if (!json_read_is_last(value))
			continue;
		struct arg_attribute *at = arg_item(out, out->n, sizeof(*at), c->arena);

		at->name = value->name;
		if (!attribute_of(c, value, at))
			return false;
	}
	return true;
}

static bool members_of(struct aws_call *c, const struct jvalue *j, struct args *args, struct refusal *f);

static bool entries_of(struct aws_call *c, const struct jvalue *j, const struct arg_spec *spec, struct arg *out,
		       struct refusal *f)
{
	if (j->kind != JV_ARRAY)
		return mistyped(c, f, spec->name, "List");
	/* A batch that is too large is only counted. */
	for (const struct jvalue *item = j->first; item && out->n <= SQS_BATCH_MAX; item = item->next) {
		struct args *entry = arg_item(out, out->n, sizeof(*entry), c->arena);

		args_init(entry, spec->entry, c->arena);
		if (item->kind != JV_OBJECT)
			return mistyped(c, f, spec->name, "Structure");
		if (!members_of(c, item, entry, f))
			return false;
	}
	out->n = j->n;
	return true;
}

static bool member_of(struct aws_call *c, const struct jvalue *j, const struct arg_spec *spec, struct arg *out,
		      struct refusal *f)
{
	out->set = true;
	switch (spec->kind) {
	case ARG_TEXT:
		return text_of(j, &out->text) || mistyped(c, f, spec->name, "String");
	case ARG_INT:
		return int_of(j, &out->number) || mistyped(c, f, spec->name, "Integer");
	case ARG_TEXTS:
		return texts_of(c, j, out) || mistyped(c, f, spec->name, "List");
	case ARG_PAIRS:
		return pairs_of(c, j, out) || mistyped(c, f, spec->name, "Map");
	case ARG_ATTRIBUTES:
		return attributes_of(c, j, out) || mistyped(c, f, spec->name, "Map");
	case ARG_ENTRIES:
		return entries_of(c, j, spec, out, f);
	}
	return true;
}

static bool members_of(struct aws_call *c, const struct jvalue *j, struct args *args, struct refusal *f)
{
	for (size_t i = 0; args->specs[i].name; i++) {
		const struct jvalue *member = given(j, args->specs[i].name);

		if (member && !member_of(c, member, &args->specs[i], &args->v[i], f))
			return false;
	}
	return true;
}

bool args_from_json(struct aws_call *c, struct refusal *f)
{
	struct view body = c->r->body.n ? c->r->body : VIEW("{}");

	args_init(&c->args, c->action->specs, c->arena);
	const struct jvalue *json = json_read(body, c->arena);
	if (!json || json->kind != JV_OBJECT)
		return refuse(c, f, FAULT_SERIALIZATION, "The request body is not a JSON object.");
	return members_of(c, json, &c->args, f);
}
