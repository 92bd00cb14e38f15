/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies between 0-9-1 and SQS: the first table of docs/cross-protocol.md. What
 * the publisher declared decides; the bytes decide only where nothing is declared. */
#include <ctype.h>

#include "base/crypto.h"
#include "mapping/cross_priv.h"

bool cross_body_flat(const struct body *b, struct arena *a, struct view *out)
{
	uint64_t n = body_bytes(b);

	*out = n && !body_blob(b) ? body_piece(b, 0) : VIEW_NONE;
	if (out->n == n)
		return true;
	uint8_t *copy = arena_alloc(a, n);
	*out = body_copy(b, copy) ? view_of(copy, n) : VIEW_NONE;
	return out->n == n;
}

/* Media type without parameters and blanks; a view into v. */
static struct view media_type(struct view v)
{
	const uint8_t *semicolon = v.n ? memchr(v.p, ';', v.n) : NULL;

	if (semicolon)
		v.n = (size_t)(semicolon - v.p);
	while (v.n && isspace(v.p[0]))
		v = view_skip(v, 1);
	while (v.n && isspace(v.p[v.n - 1]))
		v.n--;
	return v;
}

static bool ends_with(struct view v, struct view end)
{
	return v.n >= end.n && strncasecmp((const char *)v.p + v.n - end.n, (const char *)end.p, end.n) == 0;
}

/* "content-type text/…, json, xml, +json, +xml, form" */
static bool declares_text(struct view content_type)
{
	struct view type = media_type(content_type);
	const uint8_t *slash = type.n ? memchr(type.p, '/', type.n) : NULL;
	struct view sub = slash ? view_skip(type, (size_t)(slash - type.p) + 1) : type;
	static const struct view whole[] = {VIEW("json"), VIEW("xml"), VIEW("x-www-form-urlencoded")};

	if (slash && slash - type.p == 4 && strncasecmp((const char *)type.p, "text", 4) == 0)
		return true;
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		if (sub.n == whole[i].n && ends_with(sub, whole[i]))
			return true;
	return ends_with(sub, VIEW("+json")) || ends_with(sub, VIEW("+xml"));
}

bool cross_body_may_be_text(const struct bag *bag)
{
	return !bag->content_encoding.n && (!bag->content_type.n || declares_text(bag->content_type));
}

static struct view base64_of(struct view bytes, struct arena *a)
{
	size_t room = (bytes.n + 2) / 3 * 4 + 1;
	struct buf b;

	buf_init(&b, room);
	b.p = arena_alloc(a, room);
	b.cap = room;
	base64_add(&b, bytes);
	return buf_view(&b);
}

/* Nothing is declared: the queue's setting `body`. true: base64. */
static bool undeclared(const struct cross_settings *s, bool legal, struct cross_sqs *out)
{
	switch (s->body) {
	case CROSS_BODY_BASE64:
		return true;
	case CROSS_BODY_TEXT:
		out->illegal = !legal;
		return !legal; /* what is dead-lettered is still shown as it can be */
	case CROSS_BODY_AUTO:
		break;
	}
	out->guessed = true;
	out->as_base64 = !legal;
	return !legal;
}

enum cross_mark cross_body_to_sqs(const struct cross_settings *s, const struct bag *bag,
				  const struct message *m, struct arena *a, struct cross_sqs *out)
{
	struct view bytes;
	bool base64;

	out->unreadable = !cross_body_flat(m->body, a, &bytes);
	if (bytes.n == 0) {
		out->body = VIEW(" ");
		return MARK_EMPTY;
	}
	if (bag && bag->content_encoding.n)
		base64 = true;
	else if (bag && bag->content_type.n)
		base64 = !declares_text(bag->content_type) || !sqs_text_legal(bytes);
	else
		base64 = undeclared(s, s->body == CROSS_BODY_BASE64 || sqs_text_legal(bytes), out);
	out->body = base64 ? base64_of(bytes, a) : bytes;
	return base64 ? MARK_BASE64 : MARK_NONE;
}

bool cross_body_from_sqs(struct view enc, struct view text, struct arena *a, struct view *out)
{
	if (view_is(enc, "empty")) {
		*out = VIEW_NONE;
		return view_is(text, " ");
	}
	if (!view_is(enc, "base64"))
		return false;

	size_t room = text.n + 4;
	struct buf b;

	buf_init(&b, room);
	b.p = arena_alloc(a, room);
	b.cap = room;
	bool ok = base64_decode(&b, text);
	*out = buf_view(&b);
	return ok;
}
