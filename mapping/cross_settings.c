/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the cross-protocol table that a queue's declared arguments carry. */
#include "mapping/cross_priv.h"

static void body_read(const struct value *v, struct cross_settings *s)
{
	if (!v || v->type != VALUE_STRING)
		return;
	if (view_is(v->s, "auto"))
		s->body = CROSS_BODY_AUTO;
	else if (view_is(v->s, "text"))
		s->body = CROSS_BODY_TEXT;
	else if (view_is(v->s, "base64"))
		s->body = CROSS_BODY_BASE64;
}

static struct view trimmed(struct view v)
{
	while (v.n && v.p[0] == ' ')
		v = view_skip(v, 1);
	while (v.n && v.p[v.n - 1] == ' ')
		v.n--;
	return v;
}

/* "a,b,c"; an empty string promotes nothing. */
static void promote_read(const struct value *v, struct arena *a, struct cross_settings *s)
{
	if (!v || v->type != VALUE_STRING)
		return;

	struct view rest = v->s;
	struct view *names = arena_alloc(a, (SQS_ATTRIBUTES_MAX + 1) * sizeof(*names));
	size_t n = 0;

	while (rest.n && n < SQS_ATTRIBUTES_MAX) {
		const uint8_t *comma = memchr(rest.p, ',', rest.n);
		size_t len = comma ? (size_t)(comma - rest.p) : rest.n;
		struct view name = trimmed(view_head(rest, len));

		if (name.n)
			names[n++] = name;
		rest = view_skip(rest, len + 1);
	}
	s->promote = names;
	s->n_promote = n;
}

void cross_settings_read(const struct table *arguments, struct arena *a, struct cross_settings *s)
{
	const struct value *type = table_find(arguments, VIEW("x-mqb-content-type"));

	body_read(table_find(arguments, VIEW("x-mqb-body")), s);
	promote_read(table_find(arguments, VIEW("x-mqb-promote")), a, s);
	if (type && type->type == VALUE_STRING && type->s.n <= SHORTSTR_MAX)
		s->default_content_type = type->s;
}
