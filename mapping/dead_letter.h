/* SPDX-License-Identifier: Apache-2.0 */
/* What a dead letter carries: RabbitMQ's x-death and its companions (rabbitmq.md
 * 3.17), and its rule against automatic cycles (3.18). */
#ifndef MQB_MAPPING_DEAD_LETTER_H
#define MQB_MAPPING_DEAD_LETTER_H

#include "base/arena.h"
#include "base/value.h"

struct death {
	const char *reason;   /* "rejected", "expired", "maxlen", "delivery_limit" */
	struct view queue;    /* that it died in */
	struct view exchange, key; /* that it came by */
	int64_t time_s;
	bool rekeyed;         /* goes on with another routing key */
};

/* Changes the bag; new arrays lie in the arena. */
void dead_letter_mark(struct bag *bag, const struct death *d, struct arena *a);
/* It would come into `queue` again without anybody having rejected it on the
 * way; headers are those after dead_letter_mark. */
bool dead_letter_cycles(const struct table *headers, struct view queue);

#endif
