/* SPDX-License-Identifier: Apache-2.0 */
/* Legal keys and arguments of bindings (rabbitmq.md 2.15, 2.19). */
#include "mapping/erlang_text.h"
#include "mapping/queue_arguments.h"

static bool is_match_kind(struct view v)
{
	return view_is(v, "all") || view_is(v, "any") || view_is(v, "all-with-x") || view_is(v, "any-with-x");
}

/* As Erlang reads integers: a sign, digits, nothing else. */
enum code binding_key_check(enum router_kind kind, struct view key, struct error *e)
{
	size_t at = key.n && (key.p[0] == '-' || key.p[0] == '+') ? 1 : 0, digits = at;
	bool above = false;
	if (kind != ROUTER_HASH)
		return CODE_OK;
	for (; at < key.n && key.p[at] >= '0' && key.p[at] <= '9'; at++)
		above |= key.p[at] != '0';
	if (at == digits || at < key.n) {
		const struct value shown = {.type = VALUE_STRING, .s = key};
		struct buf text;
		buf_init(&text, sizeof e->text);
		erlang_text(&shown, &text);
		error_set(e, CODE_INVALID, "The binding key must be an integer: %.*s", VIEW_ARG(buf_view(&text)));
		buf_fini(&text);
		return CODE_INVALID;
	}
	if (!above || key.p[0] == '-')
		return error_set(e, CODE_INVALID, "The binding key must be greater than 0");
	return CODE_OK;
}

enum code binding_arguments_check(enum router_kind kind, const struct table *arguments, struct error *e)
{
	const struct value *v = kind == ROUTER_HEADERS && arguments ? table_find(arguments, VIEW("x-match")) : NULL;
	struct buf text;
	if (!v || (v->type == VALUE_STRING && is_match_kind(v->s)))
		return CODE_OK;
	buf_init(&text, sizeof e->text);
	erlang_text(v, &text);
	struct view shown = buf_view(&text);
	if (v->type == VALUE_STRING)
		error_set(e, CODE_INVALID,
			  "Invalid x-match field value %.*s; expected all, any, all-with-x, or any-with-x",
			  VIEW_ARG(shown));
	else
		error_set(e, CODE_INVALID, "Invalid x-match field type %s (value %.*s); expected longstr",
			  value_type_name(v->type), VIEW_ARG(shown));
	buf_fini(&text);
	return CODE_INVALID;
}
