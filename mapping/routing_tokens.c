/* SPDX-License-Identifier: Apache-2.0 */
/* Routing keys and headers as the attributes that bindings' policies look at
 * (mapping.md §3.3 B, §3.4). Words, names and values have what would need escapes
 * inside escapes, or is no text at all, as %XX. */
#include <math.h>

#include "base/utf8.h"
#include "mapping/binding_policy_priv.h"
#include "mapping/sqs_attributes.h"

/* ---- text ---- */

/* Bytes of the character at the front that stands for itself; 0: none. */
static size_t plain(struct view v, bool name)
{
	size_t n = utf8_next(v);

	if (n == 1 && (v.p[0] < ' ' || v.p[0] == 0x7f || v.p[0] == '"' || v.p[0] == '\\' || v.p[0] == '%'))
		return 0;
	if (n == 1 && name && v.p[0] == '=')
		return 0;
	return n && sqs_text_legal(view_head(v, n)) ? n : 0;
}

static void text_add(struct buf *out, struct view v, bool name)
{
	while (v.n) {
		size_t n = plain(v, name);

		if (n)
			buf_add(out, view_head(v, n));
		else
			buf_printf(out, "%%%02X", v.p[0]);
		v = view_skip(v, n ? n : 1);
	}
}

void token_word_add(struct buf *out, struct view word)
{
	text_add(out, word, false);
}

/* What b holds, in the arena. */
static struct view take(struct buf *b, struct arena *a)
{
	struct view v = arena_copy(a, buf_view(b));

	buf_clear(b);
	return v;
}

/* ---- routing keys ---- */

size_t token_words(struct view key, struct arena *a, struct view **out)
{
	size_t n = key.n > 0, from = 0, at = 0;

	for (size_t i = 0; i < key.n; i++)
		n += key.p[i] == '.';
	*out = arena_alloc(a, n * sizeof(**out));
	for (size_t i = 0; n && i <= key.n; i++)
		if (i == key.n || key.p[i] == '.') {
			(*out)[at++] = view_of(key.p + from, i - from);
			from = i + 1;
		}
	return n;
}

void routing_tokens_of(struct view key, struct arena *a, struct routing_tokens *out)
{
	struct view *words;
	size_t n = token_words(key, a, &words);
	size_t *starts = arena_alloc(a, n * sizeof(*starts));
	struct buf b;

	buf_init(&b, SIZE_MAX);
	*out = (struct routing_tokens){.words = n, .n_tails = n, .n_places = 2 * n};
	out->tails = arena_alloc(a, n * sizeof(*out->tails));
	out->places = arena_alloc(a, 2 * n * sizeof(*out->places));
	for (size_t i = 0; i < n; i++) {
		buf_printf(&b, "%zu=", i);
		token_word_add(&b, words[i]);
		out->places[2 * i] = take(&b, a);
		buf_printf(&b, "-%zu=", n - i);
		token_word_add(&b, words[i]);
		out->places[2 * i + 1] = take(&b, a);
	}
	buf_add_u8(&b, '.');
	for (size_t i = 0; i < n; i++) {
		starts[i] = b.n - 1;
		token_word_add(&b, words[i]);
		buf_add_u8(&b, '.');
	}
	out->rk = take(&b, a);
	for (size_t i = 0; i < n; i++)
		out->tails[i] = view_skip(out->rk, starts[i]);
	buf_fini(&b);
}

/* ---- headers ---- */

/* Numbers and times compare by value, strings and bytes alike, as RabbitMQ does. */
static bool real_add(struct buf *out, double d)
{
	if (trunc(d) != d)
		return false;
	if (d >= -0x1p63 && d < 0x1p63)
		return buf_printf(out, "i:%lld", (long long)d);
	return d >= 0x1p63 && d < 0x1p64 && buf_printf(out, "i:%llu", (unsigned long long)d);
}

static bool value_add(struct buf *out, const struct value *v)
{
	switch (v->type) {
	case VALUE_STRING:
	case VALUE_BYTES:
		buf_add_str(out, "s:");
		text_add(out, v->s, false);
		return true;
	case VALUE_BOOL:
		return buf_add_str(out, v->boolean ? "b:1" : "b:0");
	case VALUE_FLOAT:
	case VALUE_DOUBLE:
		return real_add(out, v->d);
	case VALUE_TIME:
		return buf_printf(out, "i:%llu", (unsigned long long)v->i);
	default:
		return value_is_integer(v) && buf_printf(out, "i:%lld", (long long)v->i);
	}
}

bool token_of_header(struct view name, const struct value *v, struct buf *out)
{
	text_add(out, name, true);
	if (v->type == VALUE_VOID)
		return true;
	buf_add_u8(out, '=');
	return value_add(out, v);
}

size_t header_tokens_of(const struct table *headers, struct arena *a, struct view **out)
{
	static const struct value present = {.type = VALUE_VOID};
	size_t n = 0;
	struct mapv seen = {0};
	struct buf b;

	buf_init(&b, SIZE_MAX);
	*out = arena_alloc(a, headers->n * 2 * sizeof(**out));
	for (size_t i = 0; i < headers->n; i++) {
		const struct field *f = &headers->v[i];

		/* A condition on a name looks at its first header only. */
		if (mapv_find(&seen, f->name))
			continue;
		mapv_put(&seen, f->name, &headers->v[i]);
		token_of_header(f->name, &present, &b);
		(*out)[n++] = take(&b, a);
		if (f->value.type != VALUE_VOID && token_of_header(f->name, &f->value, &b))
			(*out)[n++] = take(&b, a);
		buf_clear(&b);
	}
	buf_fini(&b);
	mapv_fini(&seen);
	return n;
}
