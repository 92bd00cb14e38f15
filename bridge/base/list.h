/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive, circular, doubly linked list. A link that is in no list points to
 * itself, so unlinking twice is harmless and `list_linked` is a cheap question.
 * A list owns nothing. */
#ifndef MQB_BASE_LIST_H
#define MQB_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
	struct link *prev, *next;
};

#define LIST_ENTRY(l, type, member) ((type *)(void *)((char *)(l) - offsetof(type, member)))
/* Walk that tolerates removal of the current link. */
#define LIST_EACH(head, l)                                                     \
	for (struct link *l = (head)->next, *l##_next = l->next; l != (head);  \
	     l = l##_next, l##_next = l->next)

static inline void list_init(struct link *l)
{
	l->prev = l->next = l;
}

static inline bool list_empty(const struct link *head)
{
	return head->next == head;
}

static inline bool list_linked(const struct link *l)
{
	return l->next != l;
}

/* Put `l` directly before `at` (so before the head = at the tail). */
static inline void list_insert_before(struct link *at, struct link *l)
{
	l->prev = at->prev;
	l->next = at;
	at->prev->next = l;
	at->prev = l;
}

static inline void list_push_back(struct link *head, struct link *l)
{
	list_insert_before(head, l);
}

static inline void list_push_front(struct link *head, struct link *l)
{
	list_insert_before(head->next, l);
}

static inline void list_remove(struct link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

static inline struct link *list_first(const struct link *head)
{
	return list_empty(head) ? NULL : head->next;
}

/* Move everything of `from` to the tail of `to`; `from` is empty afterwards. */
static inline void list_splice_back(struct link *to, struct link *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#endif
