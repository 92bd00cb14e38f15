/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions of SNS's own. One belongs to its topic, which drops it when it
 * goes; its queue is a name only, and may be missing. It is found by id in its
 * vhost, by uid in the engine (what a topic's filter index answers), and by the
 * queue's name in its topic: once for each queue. */
#ifndef MQB_ENGINE_SUBSCRIPTION_H
#define MQB_ENGINE_SUBSCRIPTION_H

#include "base/map.h"
#include "engine/attributes.h"
#include "mapping/filter_index.h"

struct engine;
struct topic;
struct queue;
struct vhost;
struct ask;
struct message;

enum { SUBSCRIPTION_ID_BYTES = 37 };

/* What its attributes say, ready for use. */
struct subscription_rules {
	bool raw;
	struct filter_policy *filter; /* NULL: everything */
	char *dead_letter; /* wire name; NULL: none */
};

struct subscription {
	struct topic *topic;
	uint32_t uid;
	char id[SUBSCRIPTION_ID_BYTES];
	struct view queue, topic_arn; /* in this allocation */
	struct attributes attributes;
	struct attribute *shown; /* the same, for subscription_stat */
	struct subscription_rules rules;
};

/* Of one topic; there is one only while it has subscriptions. */
struct subscribers {
	struct mapv by_queue; /* struct subscription by true name of the queue */
	struct filter_index *filters; /* their uids */
};

/* Of one vhost or topic, with its bindings, in the order of ids; made anew when
 * something has changed since (vhost.changes). */
struct listing {
	struct listed *v;
	size_t n, cap;
	uint64_t changes; /* as of then; 0: never made */
	uint32_t topic;   /* uid; 0: of the whole vhost */
};

/* subscription.c */
/* Without attributes; in no index yet. id empty: a new one. */
struct subscription *subscription_new(struct topic *t, const struct subscription_spec *s, struct view id);
void subscription_free(struct subscription *s);
/* Takes `next` in place of its attributes if it can be understood; else CODE_INVALID and
 * why, and nothing has changed. */
enum code subscription_attributes_put(struct subscription *s, struct attributes *next, struct error *e);
/* From here on it gets messages. */
void subscription_join(struct subscription *s);
/* Its definition too; a (may be NULL) waits for the commit. */
void subscription_destroy(struct subscription *s, struct ask *a);
void subscriptions_drop(struct topic *t);
/* At the engine's end: without a word to the store. */
void subscriptions_free(struct topic *t);
struct subscription *subscription_find(struct topic *t, struct view queue);
size_t subscriptions_count(const struct topic *t);
/* Where its copies go: the queue, its dead-letter queue when that is missing, or NULL. */
struct queue *subscription_target(const struct subscription *s);
/* A copy in its envelope; NULL: no memory. *shared: see struct envelope_maker. */
struct message *subscription_wrap(const struct subscription *s, const struct message *m, void **shared);
void subscription_stat_fill(const struct subscription *s, struct subscription_stat *out);

/* subscription_list.c */
bool subscription_is_bound(struct engine *e, struct vhost *v, struct view id); /* id is that of bindings */
void listing_fini(struct listing *l);

#endif
