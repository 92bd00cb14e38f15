/* SPDX-License-Identifier: Apache-2.0 */
/* What AWS allows once in 60 seconds: PurgeQueue of a queue, CreateQueue under
 * the name of a deleted one (sqs-sns.md §3). Only with aws.sixty_seconds; what AMQP
 * clients do is never noted. Notes are in memory: a restart forgets them. */
#include <stdlib.h>

#include "aws/aws_priv.h"

enum { ONCE_MS = 60 * 1000 };

struct once {
	struct link link; /* oldest first */
	int64_t at_ms;
	struct view key; /* kind, vhost, NUL, name; behind the struct */
};

static struct view key_of(struct aws_call *c, enum once_kind kind, struct view vhost, struct view name)
{
	struct buf *b = &c->aws->scratch;

	buf_clear(b);
	buf_add_u8(b, (uint8_t)kind);
	buf_add(b, vhost);
	buf_add_u8(b, 0);
	buf_add(b, name);
	return buf_view(b);
}

static void once_free(struct aws *a, struct once *o)
{
	mapv_remove(&a->recent, o->key);
	list_remove(&o->link);
	free(o);
}

static void forget_old(struct aws *a, int64_t now_ms)
{
	struct link *l;

	while ((l = list_first(&a->recent_order))) {
		struct once *o = LIST_ENTRY(l, struct once, link);

		if (now_ms - o->at_ms < ONCE_MS)
			return;
		once_free(a, o);
	}
}

bool once_recent(struct aws_call *c, enum once_kind kind, struct view vhost, struct view name)
{
	forget_old(c->aws, c->now.mono_ms);
	return c->aws->o.sixty_seconds && mapv_find(&c->aws->recent, key_of(c, kind, vhost, name));
}

void once_note(struct aws_call *c, enum once_kind kind, struct view vhost, struct view name)
{
	struct aws *a = c->aws;
	struct view key = key_of(c, kind, vhost, name);
	struct once *o;

	if (!a->o.sixty_seconds)
		return;
	if ((o = mapv_find(&a->recent, key)))
		once_free(a, o);
	o = mem_zalloc(sizeof(*o) + key.n);
	o->at_ms = c->now.mono_ms;
	o->key = view_of(o + 1, key.n);
	view_put((uint8_t *)(o + 1), key);
	list_init(&o->link);
	list_push_back(&a->recent_order, &o->link);
	mapv_put(&a->recent, o->key, o);
}

void aws_recent_free(struct aws *a)
{
	struct link *l;

	while ((l = list_first(&a->recent_order)))
		once_free(a, LIST_ENTRY(l, struct once, link));
	mapv_fini(&a->recent);
}
