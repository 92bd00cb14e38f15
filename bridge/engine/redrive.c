/* SPDX-License-Identifier: Apache-2.0 */
/* The redrive rule (engine.md §2, sqs-sns.md §7): when somebody is about to get a
 * message that was received, or failed, as often as its queue allows, it moves to
 * the queue's dead letter queue instead: the same message with its identity, sent
 * time and counters. A dead letter queue that is not there leaves everything as it
 * is. Copy and removal are one group (journal_republish.c). */
#include <stdlib.h>

#include "engine/engine_priv.h"
#include "mapping/redrive_policy.h"

void redrive_read(struct queue *q)
{
	struct view policy = VIEW_NONE;
	free(q->redrive_to);
	q->redrive_to = NULL;
	q->redrive_max = 0;
	if (!queue_attribute_get(q, VIEW("RedrivePolicy"), &policy) || !policy.n)
		return;
	q->redrive_to = redrive_policy_target(policy);
	q->redrive_max = redrive_policy_max(policy);
}

static struct queue *redrive_target(const struct queue *q)
{
	struct queue *to = q->redrive_to ? mapv_find(&q->vhost->wires, view_str(q->redrive_to)) : NULL;
	return to != q ? to : NULL;
}

bool redrive_due(const struct entry *en)
{
	const struct queue *q = en->queue;
	return q->redrive_max && (uint32_t)en->received + en->failed >= q->redrive_max && redrive_target(q);
}

bool redrive(struct entry *en)
{
	struct queue *to = redrive_target(en->queue);
	struct engine *e = to->engine;
	if (!positions_left(e))
		return false;
	size_t mark = journal_mark_point(e);
	publish_enqueue(e, &to, 1, en->message, &(struct arrival){
		.publish = en->publish, .origin = en->origin, .received = en->received,
		.delivered = en->delivered, .failed = en->failed,
	});
	bool grouped = journal_mark_point(e) > mark;
	entry_remove(en, REMOVED_DEAD_LETTERED);
	if (grouped)
		journal_close_republish(e, mark);
	return true;
}

/* A dead letter exchange that is the default one, with a key, is a queue (engine.md §2). */
static void legacy_dead_letters(const struct queue *q, struct queue_dead_letters *out)
{
	const struct queue_effective *f = &q->effective;
	bool one = !f->dead_letter_topic.n && f->dead_letter_rekeyed;
	const struct queue *to = one ? queue_find(q->vhost, f->dead_letter_key) : NULL;
	out->legacy = true;
	out->target = to ? to->name : VIEW_NONE;
	out->max = to && f->failed_max != QUEUE_UNLIMITED ? f->failed_max + 1 : 0;
}

bool engine_queue_dead_letters(const struct engine *e, struct view vhost, struct view queue,
			       struct queue_dead_letters *out)
{
	struct vhost *v = mapv_find(&e->vhosts, vhost);
	const struct queue *q = v ? queue_find(v, queue) : NULL;
	*out = (struct queue_dead_letters){.max = 0};
	if (!q)
		return false;
	if (q->effective.dead_letters) {
		legacy_dead_letters(q, out);
		return true;
	}
	const struct queue *to = redrive_target(q);
	out->target = to ? to->name : VIEW_NONE;
	out->max = q->redrive_max;
	return true;
}
