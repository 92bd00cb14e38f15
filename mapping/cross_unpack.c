/* SPDX-License-Identifier: Apache-2.0 */
/* Reading mqb.p (its form: cross_packed.c). Anybody may have written it: every
 * type, range and length is checked, nesting is bounded, and one fault makes the
 * whole attribute an ordinary one. Results are copied into the arena. */
#include <jansson.h>
#include <math.h>

#include "base/crypto.h"
#include "mapping/cross_priv.h"

static bool bytes_read(const json_t *j, struct arena *a, struct view *out)
{
	if (!json_is_string(j))
		return false;
	struct view text = view_of(json_string_value(j), json_string_length(j));
	struct buf b;

	buf_init(&b, text.n + 4);
	b.p = arena_alloc(a, text.n + 4);
	b.cap = text.n + 4;
	bool ok = base64_decode(&b, text);
	*out = buf_view(&b);
	return ok;
}

static bool text_read(const json_t *j, struct arena *a, struct view *out)
{
	if (json_is_object(j) && json_object_size(j) == 1)
		return bytes_read(json_object_get(j, "b"), a, out);
	if (!json_is_string(j))
		return false;
	*out = arena_copy(a, view_of(json_string_value(j), json_string_length(j)));
	return true;
}

static bool integer_read(const json_t *j, int64_t min, int64_t max, int64_t *out)
{
	*out = json_integer_value(j);
	return json_is_integer(j) && *out >= min && *out <= max;
}

static bool real_read(const json_t *j, double *out)
{
	if (json_is_number(j)) {
		*out = json_number_value(j);
		return true;
	}
	const char *text = json_is_string(j) ? json_string_value(j) : "";

	*out = strcmp(text, "nan") == 0 ? (double)NAN : strcmp(text, "inf") == 0 ? INFINITY : -INFINITY;
	return strcmp(text, "nan") == 0 || strcmp(text, "inf") == 0 || strcmp(text, "-inf") == 0;
}

static bool decimal_read(const json_t *j, struct value *out)
{
	int64_t scale, unscaled;

	if (!json_is_array(j) || json_array_size(j) != 2 ||
	    !integer_read(json_array_get(j, 0), 0, UINT8_MAX, &scale) ||
	    !integer_read(json_array_get(j, 1), INT32_MIN, INT32_MAX, &unscaled))
		return false;
	out->decimal.scale = (uint8_t)scale;
	out->decimal.unscaled = (int32_t)unscaled;
	return true;
}

static bool whole_read(char wire, const json_t *j, int64_t *out)
{
	switch (wire) {
	case VALUE_I8:
		return integer_read(j, INT8_MIN, INT8_MAX, out);
	case VALUE_U8:
		return integer_read(j, 0, UINT8_MAX, out);
	case VALUE_I16:
		return integer_read(j, INT16_MIN, INT16_MAX, out);
	case VALUE_U16:
		return integer_read(j, 0, UINT16_MAX, out);
	case VALUE_I32:
		return integer_read(j, INT32_MIN, INT32_MAX, out);
	case VALUE_U32:
		return integer_read(j, 0, UINT32_MAX, out);
	case VALUE_I64:
	case VALUE_U64:
	case VALUE_TIME:
		return integer_read(j, INT64_MIN, INT64_MAX, out);
	default:
		return false;
	}
}

static bool fields_read(const json_t *j, bool named, int depth, struct arena *a, struct table *out);

static bool value_read(char wire, const json_t *j, int depth, struct arena *a, struct value *out)
{
	struct table t;

	out->type = wire;
	switch (wire) {
	case VALUE_VOID:
		return json_is_null(j);
	case VALUE_BOOL:
		out->boolean = json_is_true(j);
		return json_is_boolean(j);
	case VALUE_FLOAT:
	case VALUE_DOUBLE:
		return real_read(j, &out->d);
	case VALUE_DECIMAL:
		return decimal_read(j, out);
	case VALUE_STRING:
		return text_read(j, a, &out->s);
	case VALUE_BYTES:
		return bytes_read(j, a, &out->s);
	case VALUE_ARRAY:
	case VALUE_TABLE:
		if (!fields_read(j, wire == VALUE_TABLE, depth + 1, a, &t))
			return false;
		out->table.v = t.v;
		out->table.n = t.n;
		return true;
	default:
		return whole_read(wire, j, &out->i);
	}
}

static bool wire_read(const json_t *j, char *out)
{
	if (!json_is_string(j) || json_string_length(j) != 1)
		return false;
	*out = json_string_value(j)[0];
	return true;
}

static bool fields_read(const json_t *j, bool named, int depth, struct arena *a, struct table *out)
{
	size_t parts = named ? 3 : 2;

	if (!json_is_array(j) || depth > CROSS_DEPTH_MAX)
		return false;
	out->n = json_array_size(j);
	out->v = arena_alloc(a, out->n * sizeof(*out->v));
	for (size_t i = 0; i < out->n; i++) {
		const json_t *row = json_array_get(j, i);
		char wire;

		if (!json_is_array(row) || json_array_size(row) != parts ||
		    !wire_read(json_array_get(row, parts - 2), &wire) ||
		    !value_read(wire, json_array_get(row, parts - 1), depth, a, &out->v[i].value))
			return false;
		if (named && (!text_read(json_array_get(row, 0), a, &out->v[i].name) ||
			      out->v[i].name.n > SHORTSTR_MAX))
			return false;
	}
	return true;
}

static bool small_read(const json_t *j, uint8_t *out)
{
	int64_t i;

	if (!integer_read(j, 0, UINT8_MAX, &i))
		return false;
	*out = (uint8_t)i;
	return true;
}

static bool property_read(const char *name, const json_t *j, struct arena *a, struct bag *out)
{
	for (size_t i = 0; i < CROSS_PROPERTIES; i++) {
		const struct cross_property *p = &cross_properties[i];

		if (strcmp(name, p->name) == 0) {
			out->has |= p->bit;
			return text_read(j, a, cross_property_in(out, p)) &&
			       cross_property_in(out, p)->n <= SHORTSTR_MAX;
		}
	}
	if (strcmp(name, "delivery-mode") == 0) {
		out->has |= BAG_DELIVERY_MODE;
		return small_read(j, &out->delivery_mode);
	}
	if (strcmp(name, "priority") == 0) {
		out->has |= BAG_PRIORITY;
		return small_read(j, &out->priority);
	}
	if (strcmp(name, "timestamp") == 0) {
		out->has |= BAG_TIMESTAMP;
		out->timestamp = (uint64_t)json_integer_value(j);
		return json_is_integer(j);
	}
	return true; /* a later version's: not ours to judge */
}

static bool properties_read(json_t *j, struct arena *a, struct bag *out)
{
	const char *name;
	json_t *value;

	if (!j)
		return true;
	if (!json_is_object(j))
		return false;
	json_object_foreach(j, name, value)
		if (!property_read(name, value, a, out))
			return false;
	return true;
}

static bool types_read(json_t *j, struct arena *a, struct cross_packed *out)
{
	const char *name;
	json_t *value;

	if (!j)
		return true;
	if (!json_is_object(j))
		return false;
	out->types = arena_alloc(a, json_object_size(j) * sizeof(*out->types));
	json_object_foreach(j, name, value) {
		struct cross_type *t = &out->types[out->n_types++];

		t->name = arena_copy(a, view_str(name));
		if (!wire_read(value, &t->wire))
			return false;
	}
	return true;
}

static bool optional_text(const json_t *j, struct arena *a, struct view *out)
{
	return !j || text_read(j, a, out);
}

static bool members_read(json_t *root, struct arena *a, struct cross_packed *out)
{
	json_t *headers = json_object_get(root, "h");
	json_t *user = json_object_get(root, "u");
	int64_t version;

	if (!json_is_object(root) || !integer_read(json_object_get(root, "v"), 1, 1, &version) ||
	    !properties_read(json_object_get(root, "p"), a, &out->bag) ||
	    !types_read(json_object_get(root, "t"), a, out) ||
	    !optional_text(json_object_get(root, "x"), a, &out->exchange) ||
	    !optional_text(json_object_get(root, "k"), a, &out->key) ||
	    !optional_text(user, a, &out->bag.user_id))
		return false;
	if (user)
		out->bag.has |= BAG_USER_ID;
	return !headers || fields_read(headers, true, 0, a, &out->bag.headers);
}

bool cross_packed_read(struct view json, struct arena *a, struct cross_packed *out)
{
	json_t *root = json_loadb((const char *)json.p, json.n, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);

	*out = (struct cross_packed){0};
	bool ok = root && members_read(root, a, out);
	json_decref(root);
	if (!ok)
		*out = (struct cross_packed){0}; /* nothing of a half-read one counts */
	return ok;
}
