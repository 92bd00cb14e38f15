/* SPDX-License-Identifier: Apache-2.0 */
/* The reader is a machine over `state`; what is open is a stack of bits. */
#include "mapping/json_reader.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "base/utf8.h"

#define A_VALUE "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"

static enum json_token fail(struct json_reader *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static enum json_token fail(struct json_reader *r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, args);
	va_end(args);
	r->state = READER_FAILED;
	return TOKEN_ERROR;
}

void json_reader_init(struct json_reader *r, struct view text, struct arena *a, size_t depth_max)
{
	must(depth_max <= JSON_READER_DEPTH_MAX);
	*r = (struct json_reader){.text = text, .arena = a, .depth_max = depth_max,
				  .halves = JSON_HALVES_KEPT};
	if (!utf8_valid(text))
		fail(r, "Invalid UTF-8");
}

/* The next byte that is no blank; -1 at the end. */
static int peek(struct json_reader *r)
{
	while (r->at < r->text.n && memchr(" \t\r\n", r->text.p[r->at], 4))
		r->at++;
	return r->at < r->text.n ? r->text.p[r->at] : -1;
}

static enum json_token unexpected(struct json_reader *r, int c, const char *expected)
{
	if (c < 0)
		return fail(r, "Unexpected end-of-input: %s", expected);
	return fail(r, "Unexpected character ('%c' (code %d)): %s", isprint(c) ? c : '?', c, expected);
}

/* At the opening quote. */
static enum json_token string_read(struct json_reader *r, enum json_token as)
{
	size_t from = ++r->at;
	bool escaped = false;

	for (;; r->at++) {
		r->at += utf8_plain(view_skip(r->text, r->at));
		if (r->at >= r->text.n)
			return fail(r, "Unexpected end-of-input in VALUE_STRING");
		if (r->text.p[r->at] == '"')
			break;
		if (r->text.p[r->at] < ' ')
			return fail(r, "Illegal unquoted character ((CTRL-CHAR, code %d)): has to be escaped "
				       "using backslash to be included in string value",
				    r->text.p[r->at]);
		if (r->text.p[r->at] == '\\') {
			escaped = true;
			r->at++;
		}
	}
	r->value = view_of(r->text.p + from, r->at - from);
	r->at++;
	if (escaped && !json_unescape(r->value, r->halves, r->arena, &r->value))
		return fail(r, "Unrecognized character escape");
	return as;
}

/* ---- numbers and words ---- */

static size_t digits(const struct json_reader *r, size_t at)
{
	size_t n = 0;

	while (at + n < r->text.n && isdigit(r->text.p[at + n]))
		n++;
	return n;
}

static bool is_at(const struct json_reader *r, size_t at, const char *any)
{
	return at < r->text.n && r->text.p[at] && strchr(any, r->text.p[at]);
}

static enum json_token number_read(struct json_reader *r)
{
	size_t at = r->at + is_at(r, r->at, "-"), n = digits(r, at);
	bool leading = n > 1 && r->text.p[at] == '0';

	at += n;
	if (n && is_at(r, at, ".")) {
		n = digits(r, at + 1);
		at += 1 + n;
	}
	if (n && is_at(r, at, "eE")) {
		at += 1 + is_at(r, at + 1, "+-");
		n = digits(r, at);
		at += n;
	}
	if (!n || leading)
		return fail(r, leading ? "Invalid numeric value: Leading zeroes not allowed"
				       : "Unexpected character in numeric value");
	r->value = view_of(r->text.p + r->at, at - r->at);
	r->at = at;
	return TOKEN_NUMBER;
}

static enum json_token word_read(struct json_reader *r, int c)
{
	static const struct {
		struct view word;
		enum json_token token;
	} words[] = {{VIEW("true"), TOKEN_TRUE}, {VIEW("false"), TOKEN_FALSE}, {VIEW("null"), TOKEN_NULL}};
	struct view word = view_skip(r->text, r->at);
	size_t n = 0;

	while (n < word.n && (isalnum(word.p[n]) || word.p[n] == '_' || word.p[n] == '$'))
		n++;
	word = view_head(word, n);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (view_eq(word, words[i].word)) {
			r->at += n;
			r->value = word;
			return words[i].token;
		}
	if (n == 0)
		return unexpected(r, c, "expected a valid value " A_VALUE);
	return fail(r, "Unrecognized token '%.*s': was expecting " A_VALUE, VIEW_ARG(view_head(word, 48)));
}

/* ---- structure ---- */

static bool in_object(const struct json_reader *r)
{
	return r->objects[r->depth / 64] >> r->depth % 64 & 1;
}

static enum json_token open(struct json_reader *r, bool object)
{
	uint64_t bit = 1;

	if (r->depth == r->depth_max)
		return fail(r, "Document nesting depth (%zu) exceeds the maximum allowed (%zu)", r->depth + 1,
			    r->depth_max);
	r->value = view_of(r->text.p + r->at++, 1);
	r->depth++;
	bit <<= r->depth % 64;
	if (object)
		r->objects[r->depth / 64] |= bit;
	else
		r->objects[r->depth / 64] &= ~bit;
	r->state = object ? READER_KEY_OR_END : READER_VALUE_OR_END;
	return object ? TOKEN_OBJECT : TOKEN_ARRAY;
}

static enum json_token close_open(struct json_reader *r)
{
	bool object = in_object(r);

	r->value = view_of(r->text.p + r->at++, 1);
	r->depth--;
	r->state = r->depth ? READER_COMMA : READER_DONE;
	return object ? TOKEN_OBJECT_END : TOKEN_ARRAY_END;
}

static enum json_token value_read(struct json_reader *r, int c)
{
	enum json_token t;

	if (c == '{' || c == '[')
		return open(r, c == '{');
	r->state = r->depth ? READER_COMMA : READER_DONE;
	if (c == '"')
		t = string_read(r, TOKEN_STRING);
	else if (c == '-' || (c >= '0' && c <= '9'))
		t = number_read(r);
	else
		t = word_read(r, c);
	return t;
}

static enum json_token key_read(struct json_reader *r, int c)
{
	if (c != '"')
		return unexpected(r, c, "was expecting double-quote to start field name");
	if (string_read(r, TOKEN_KEY) == TOKEN_ERROR)
		return TOKEN_ERROR;
	c = peek(r);
	if (c != ':')
		return unexpected(r, c, "was expecting a colon to separate field name and value");
	r->at++;
	r->state = READER_VALUE;
	return TOKEN_KEY;
}

static enum json_token after_value(struct json_reader *r, int c)
{
	if (c == (in_object(r) ? '}' : ']'))
		return close_open(r);
	if (c != ',')
		return unexpected(r, c, in_object(r) ? "was expecting comma to separate Object entries"
						     : "was expecting comma to separate Array entries");
	r->at++;
	c = peek(r);
	return in_object(r) ? key_read(r, c) : value_read(r, c);
}

enum json_token json_reader_next(struct json_reader *r)
{
	int c = r->state == READER_FAILED ? -1 : peek(r);

	switch (r->state) {
	case READER_VALUE:
		return value_read(r, c);
	case READER_VALUE_OR_END:
		return c == ']' ? close_open(r) : value_read(r, c);
	case READER_KEY_OR_END:
		return c == '}' ? close_open(r) : key_read(r, c);
	case READER_COMMA:
		return after_value(r, c);
	case READER_DONE:
		return c < 0 ? TOKEN_END : unexpected(r, c, "was expecting the end of the text");
	case READER_FAILED:
		break;
	}
	return TOKEN_ERROR;
}

bool json_reader_skip(struct json_reader *r, enum json_token t)
{
	if (t == TOKEN_OBJECT || t == TOKEN_ARRAY) {
		size_t outside = r->depth - 1;

		while (r->depth > outside && t != TOKEN_ERROR)
			t = json_reader_next(r);
	}
	return t != TOKEN_ERROR;
}
