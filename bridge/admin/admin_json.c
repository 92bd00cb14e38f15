/* SPDX-License-Identifier: Apache-2.0 */
/* JSON in and out. */
#include "admin/admin_priv.h"

#include "base/crypto.h"
#include "base/log.h"

/* Length of the well-formed character that v starts with; 0: none. */
static size_t character(struct view v)
{
	for (size_t n = 1; n <= 4 && n <= v.n; n++)
		if (utf8_valid(view_head(v, n)))
			return n;
	return 0;
}

json_t *json_lossy(struct view v)
{
	struct buf b;
	json_t *s;

	if (utf8_valid(v))
		return json_stringn(v.p ? (const char *)v.p : "", v.n);
	buf_init(&b, 3 * v.n);
	while (v.n) {
		size_t n = character(v);

		buf_add(&b, n ? view_head(v, n) : VIEW("\xef\xbf\xbd"));
		v = view_skip(v, n ? n : 1);
	}
	s = json_stringn((const char *)b.p, b.n);
	must(s);
	buf_fini(&b);
	return s;
}

json_t *json_tags(struct view tags)
{
	json_t *list = json_array();

	while (tags.n) {
		const uint8_t *comma = memchr(tags.p, ',', tags.n);
		struct view tag = comma ? view_head(tags, (size_t)(comma - tags.p)) : tags;

		json_array_append_new(list, json_lossy(tag));
		tags = view_skip(tags, tag.n + 1);
	}
	return list;
}

json_t *call_object(struct call *c, bool optional)
{
	json_error_t e;
	json_t *o;

	if (optional && !c->r->body.n)
		return json_object();
	o = json_loadb(c->r->body.p ? (const char *)c->r->body.p : "", c->r->body.n, JSON_REJECT_DUPLICATES, &e);
	if (o && json_is_object(o))
		return o;
	/* jansson's own text quotes the body, which may hold a password */
	call_bad_request(c, o ? "the body is not a JSON object"
			      : arena_printf(c->r->arena, "the body is not JSON (line %d, column %d)", e.line,
					     e.column));
	json_decref(o);
	return NULL;
}

bool field_string(struct call *c, const json_t *o, const char *name, struct view *out)
{
	const json_t *v = json_object_get(o, name);

	*out = VIEW_NONE;
	if (!v || json_is_null(v))
		return true;
	if (!json_is_string(v))
		return false;
	*out = json_string_length(v)
		       ? arena_copy(c->r->arena, view_of(json_string_value(v), json_string_length(v)))
		       : VIEW("");
	return true;
}
