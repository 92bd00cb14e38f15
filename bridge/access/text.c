/* SPDX-License-Identifier: Apache-2.0 */
/* Owned texts, names and tag lists. */
#include "access/access_priv.h"

#include <stdlib.h>

#include "base/crypto.h"

struct view text_dup(struct view v)
{
	uint8_t *p = mem_alloc(v.n + 1);

	if (v.n)
		memcpy(p, v.p, v.n);
	p[v.n] = 0;
	return view_of(p, v.n);
}

void text_free(struct view v)
{
	free((void *)(uintptr_t)v.p);
}

void text_burn(struct view v)
{
	if (v.p)
		explicit_bzero((void *)(uintptr_t)v.p, v.n);
	text_free(v);
}

static bool has_control(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < 0x20 || v.p[i] == 0x7f)
			return true;
	return false;
}

bool text_is_name(struct view v)
{
	return v.n && v.n <= TEXT_MAX && !has_control(v) && utf8_valid(v);
}

/* Next item of a comma-separated list, blanks trimmed. */
static struct view item_next(struct view *rest)
{
	const uint8_t *comma = rest->n ? memchr(rest->p, ',', rest->n) : NULL;
	struct view item = comma ? view_head(*rest, (size_t)(comma - rest->p)) : *rest;

	*rest = view_skip(*rest, item.n + 1);
	while (item.n && item.p[0] == ' ')
		item = view_skip(item, 1);
	while (item.n && item.p[item.n - 1] == ' ')
		item.n--;
	return item;
}

struct view tags_normal(struct view tags)
{
	uint8_t *p = mem_alloc(tags.n + 1);
	size_t n = 0;

	while (tags.n) {
		struct view item = item_next(&tags);

		if (!item.n)
			continue;
		if (n)
			p[n++] = ',';
		memcpy(p + n, item.p, item.n);
		n += item.n;
	}
	p[n] = 0;
	return view_of(p, n);
}

bool tags_have(struct view tags, const char *tag)
{
	while (tags.n)
		if (view_is(item_next(&tags), tag))
			return true;
	return false;
}
