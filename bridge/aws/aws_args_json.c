/* SPDX-License-Identifier: Apache-2.0 */
/* AWS JSON 1.0 → arguments. Texts alias the parsed document, which the call
 * keeps. A member of the wrong type is a SerializationException. */
#include "aws/aws_priv.h"

#include "base/crypto.h"

static bool mistyped(struct aws_call *c, struct refusal *f, const char *name, const char *wanted)
{
	return refuse(c, f, FAULT_SERIALIZATION, "%s can not be converted to %s", name, wanted);
}

static bool text_of(const json_t *j, struct view *out)
{
	if (!json_is_string(j))
		return false;
	*out = view_of(json_string_value(j), json_string_length(j));
	return true;
}

static bool int_of(const json_t *j, int64_t *out)
{
	struct view text;

	if (json_is_integer(j)) {
		*out = json_integer_value(j);
		return true;
	}
	return text_of(j, &text) && arg_int_parse(text, out);
}

static bool texts_of(struct aws_call *c, const json_t *j, struct arg *out)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(j) || json_array_size(j) > ARG_ITEMS_MAX)
		return false;
	json_array_foreach(j, i, item)
		if (!text_of(item, arg_item(out, i, sizeof(struct view), c->arena)))
			return false;
	return true;
}

static bool pairs_of(struct aws_call *c, json_t *j, struct arg *out)
{
	const char *name;
	json_t *value;

	if (!json_is_object(j) || json_object_size(j) > ARG_ITEMS_MAX)
		return false;
	json_object_foreach(j, name, value) {
		struct attribute *pair = arg_item(out, out->n, sizeof(*pair), c->arena);

		pair->name = view_str(name);
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

static bool attribute_of(struct aws_call *c, const json_t *j, struct arg_attribute *out)
{
	const json_t *type = json_object_get(j, "DataType");
	const json_t *string = json_object_get(j, "StringValue");
	const json_t *binary = json_object_get(j, "BinaryValue");
	struct view base64;

	if (!json_is_object(j))
		return false;
	if (type && !json_is_null(type) && !text_of(type, &out->type))
		return false;
	if (string && !json_is_null(string)) {
		out->has_value = true;
		return text_of(string, &out->value);
	}
	if (binary && !json_is_null(binary)) {
		out->has_value = true;
		return text_of(binary, &base64) && binary_of(c, base64, &out->value);
	}
	return true;
}

static bool attributes_of(struct aws_call *c, json_t *j, struct arg *out)
{
	const char *name;
	json_t *value;

	if (!json_is_object(j) || json_object_size(j) > ARG_ITEMS_MAX)
		return false;
	json_object_foreach(j, name, value) {
		struct arg_attribute *at = arg_item(out, out->n, sizeof(*at), c->arena);

		at->name = view_str(name);
		if (!attribute_of(c, value, at))
			return false;
	}
	return true;
}

static bool members_of(struct aws_call *c, const json_t *j, struct args *args, struct refusal *f);

static bool entries_of(struct aws_call *c, const json_t *j, const struct arg_spec *spec, struct arg *out,
		       struct refusal *f)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(j))
		return mistyped(c, f, spec->name, "List");
	json_array_foreach(j, i, item) {
		/* A batch that is too large is only counted. */
		if (i > SQS_BATCH_MAX)
			break;
		struct args *entry = arg_item(out, i, sizeof(*entry), c->arena);

		args_init(entry, spec->entry, c->arena);
		if (!json_is_object(item))
			return mistyped(c, f, spec->name, "Structure");
		if (!members_of(c, item, entry, f))
			return false;
	}
	out->n = json_array_size(j);
	return true;
}

static bool member_of(struct aws_call *c, json_t *j, const struct arg_spec *spec, struct arg *out,
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

static bool members_of(struct aws_call *c, const json_t *j, struct args *args, struct refusal *f)
{
	for (size_t i = 0; args->specs[i].name; i++) {
		json_t *member = json_object_get(j, args->specs[i].name);

		if (member && !json_is_null(member) &&
		    !member_of(c, member, &args->specs[i], &args->v[i], f))
			return false;
	}
	return true;
}

bool args_from_json(struct aws_call *c, struct refusal *f)
{
	struct view body = c->r->body.n ? c->r->body : VIEW("{}");

	args_init(&c->args, c->action->specs, c->arena);
	c->json = json_loadb((const char *)body.p, body.n, JSON_ALLOW_NUL, NULL);
	if (!json_is_object(c->json))
		return refuse(c, f, FAULT_SERIALIZATION, "The request body is not a JSON object.");
	return members_of(c, c->json, &c->args, f);
}
