/* SPDX-License-Identifier: Apache-2.0 */
/* Query parameters → arguments: flattened lists and maps by dotted names,
 * `Attribute.1.Name`, `SendMessageBatchRequestEntry.2.MessageAttribute.1.Value.DataType`.
 * Items come in the order of their numbers, whatever the order of the pairs. Old
 * clients leave the number of an only item out: `AttributeName=All`,
 * `Attribute.Name=…&Attribute.Value=…`. */
#include "aws/aws_priv.h"

#include "base/crypto.h"

enum { INDEX_MAX = 1000000 };

/* "N" or "N.rest" → N, rest. */
static bool index_split(struct view v, uint32_t *index, struct view *rest)
{
	uint32_t n = 0;
	size_t i = 0;

	while (i < v.n && v.p[i] >= '0' && v.p[i] <= '9' && n < INDEX_MAX)
		n = n * 10 + (uint32_t)(v.p[i++] - '0');
	if (i == 0 || n == 0 || (i < v.n && v.p[i] != '.'))
		return false;
	*index = n;
	*rest = i < v.n ? view_skip(v, i + 1) : VIEW_NONE;
	return true;
}

/* The item numbered `index`, made in its place when it is new; NULL: too many. */
static void *item_at(struct arg *arg, uint32_t index, size_t size, struct arena *a)
{
	size_t at = arg->n;

	while (at > 0 && arg->index[at - 1] > index)
		at--;
	if (at > 0 && arg->index[at - 1] == index)
		return arg_item(arg, at - 1, size, a);
	if (arg->n == ARG_ITEMS_MAX)
		return NULL;
	size_t behind = arg->n - at;
	arg_item(arg, arg->n, size, a);
	char *item = (char *)arg->texts + at * size;
	memmove(item + size, item, behind * size);
	memmove(arg->index + at + 1, arg->index + at, behind * sizeof(*arg->index));
	memset(item, 0, size);
	arg->index[at] = index;
	return item;
}

static bool too_many(struct aws_call *c, const struct arg_spec *spec, struct refusal *f)
{
	return refuse(c, f, FAULT_MALFORMED_QUERY, "Too many items in the parameter %s.", spec->name);
}

static bool pair_part(struct attribute *pair, struct view part, struct view value)
{
	/* SNS has entry.N.key and .value */
	if (view_is(part, "Name") || view_is(part, "Key") || view_is(part, "key"))
		pair->name = value;
	else if (view_is(part, "Value") || view_is(part, "value"))
		pair->value = value;
	return true;
}

static bool attribute_part(struct aws_call *c, struct arg_attribute *at, struct view part, struct view value)
{
	if (view_is(part, "Name")) {
		at->name = value;
	} else if (view_is(part, "Value.DataType")) {
		at->type = value;
		at->has_type = true;
	} else if (view_is(part, "Value.StringValue")) {
		at->value = value;
		at->has_value = true;
	} else if (view_is(part, "Value.BinaryValue")) {
		struct buf b;

		buf_init(&b, value.n + 4);
		b.p = arena_alloc(c->arena, value.n + 4);
		b.cap = value.n + 4;
		at->has_value = base64_decode(&b, value);
		at->value = buf_view(&b);
		at->binary = true;
		return at->has_value;
	}
	return true;
}

static bool pair_take(struct aws_call *c, struct args *args, struct view name, struct view value,
		      struct refusal *f);

/* One part of one item of a list or map. */
static bool item_take(struct aws_call *c, const struct arg_spec *spec, struct arg *arg, struct view name,
		      struct view value, struct refusal *f)
{
	static const size_t sizes[] = {
		[ARG_TEXTS] = sizeof(struct view),
		[ARG_PAIRS] = sizeof(struct attribute),
		[ARG_ATTRIBUTES] = sizeof(struct arg_attribute),
		[ARG_ENTRIES] = sizeof(struct args),
	};
	struct view rest;
	uint32_t index;

	if (!index_split(name, &index, &rest)) {
		if (spec->kind != ARG_PAIRS && (spec->kind != ARG_TEXTS || name.n))
			return true;
		index = 1;
		rest = name;
	}
	void *item = item_at(arg, index, sizes[spec->kind], c->arena);
	if (!item)
		return too_many(c, spec, f);
	arg->set = true;
	switch (spec->kind) {
	case ARG_TEXTS:
		*(struct view *)item = value;
		return true;
	case ARG_PAIRS:
		return pair_part(item, rest, value);
	case ARG_ATTRIBUTES:
		return attribute_part(c, item, rest, value) ||
		       refuse(c, f, FAULT_PARAMETER, "The value of %s is not valid base64.", spec->name);
	case ARG_ENTRIES: {
		struct args *entry = item;

		if (!entry->specs)
			args_init(entry, spec->entry, c->arena);
		return pair_take(c, entry, rest, value, f);
	}
	default:
		return true;
	}
}

static bool scalar_take(struct aws_call *c, const struct arg_spec *spec, struct arg *arg, struct view value,
			struct refusal *f)
{
	arg->set = true;
	arg->text = value;
	if (spec->kind != ARG_INT)
		return true;
	/* `VisibilityTimeout=` is how some clients say nothing. */
	arg->set = value.n > 0;
	if (!arg->set || arg_int_parse(value, &arg->number))
		return true;
	struct view v = shown(c, value);
	return refuse(c, f, FAULT_PARAMETER, "Value %.*s for parameter %s is invalid. Reason: Must be an integer.",
		      VIEW_ARG(v), spec->name);
}

static bool pair_take(struct aws_call *c, struct args *args, struct view name, struct view value,
		      struct refusal *f)
{
	for (size_t i = 0; args->specs[i].name; i++) {
		const struct arg_spec *spec = &args->specs[i];
		struct view prefix = arg_prefix(spec);

		if (!view_starts(name, prefix))
			continue;
		if (spec->kind == ARG_TEXT || spec->kind == ARG_INT) {
			if (name.n == prefix.n)
				return scalar_take(c, spec, &args->v[i], value, f);
		} else if (spec->kind == ARG_TEXTS && name.n == prefix.n && value.n) {
			return item_take(c, spec, &args->v[i], VIEW_NONE, value, f);
		} else if (name.n > prefix.n + 1 && name.p[prefix.n] == '.') {
			return item_take(c, spec, &args->v[i], view_skip(name, prefix.n + 1), value, f);
		}
	}
	return true;
}

bool args_from_query(struct aws_call *c, struct refusal *f)
{
	args_init(&c->args, c->action->specs, c->arena);
	for (size_t i = 0; i < c->n_pairs; i++)
		if (!pair_take(c, &c->args, c->pairs[i].name, c->pairs[i].value, f))
			return false;
	return true;
}
