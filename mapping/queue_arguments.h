/* SPDX-License-Identifier: Apache-2.0 */
/* RabbitMQ's rules for what queues and exchanges are declared and bound with:
 * which arguments are legal, and when two declarations are equivalent
 * (rabbitmq.md 2.3, 2.15, 3.3–3.5, 3.22). Errors carry RabbitMQ's text without the
 * "PRECONDITION_FAILED - " in front. */
#ifndef MQB_MAPPING_QUEUE_ARGUMENTS_H
#define MQB_MAPPING_QUEUE_ARGUMENTS_H

#include "base/error.h"
#include "base/value.h"
#include "mapping/router.h"

/* Types and ranges of the known x-arguments, which of them the queue type knows.
 * CODE_OK or CODE_INVALID. Only for a queue that is new: a redeclare is compared
 * (queue_arguments_same) and not checked. `arguments` may be NULL everywhere. */
enum code queue_arguments_check(const struct table *arguments, struct view queue, struct view vhost,
				struct error *e);
/* What x-queue-type = quorum asks of a new queue (rabbitmq.md 3.22); an empty
 * name is one that the server is to make. Looked at before queue_arguments_check
 * for the empty name, after it for the rest. CODE_OK or CODE_INVALID. */
struct queue_properties {
	bool durable, exclusive, auto_delete;
};
enum code queue_properties_check(const struct table *arguments, struct queue_properties p, struct view queue,
				 struct view vhost, struct error *e);
/* Of a consumer (rabbitmq.md 3.20, 4.16). CODE_OK or CODE_INVALID. */
enum code consumer_arguments_check(const struct table *arguments, struct view queue, struct view vhost,
				   struct error *e);
int64_t consumer_priority(const struct table *arguments); /* 0: none that is legal */
/* Type of alternate-exchange, for a topic that is new. CODE_OK or CODE_INVALID. */
enum code topic_arguments_check(const struct table *arguments, struct view topic, struct view vhost,
				struct error *e);

/* The key of a new binding at a topic of that kind (rabbitmq.md 2.19). */
enum code binding_key_check(enum router_kind kind, struct view key, struct error *e);
/* x-match of a binding at a topic of that kind, bound before or not. CODE_OK or
 * CODE_INVALID. */
enum code binding_arguments_check(enum router_kind kind, const struct table *arguments, struct error *e);

/* What a declare brings against what is there: known arguments equal by value,
 * unknown ones ignored. CODE_OK or CODE_DIFFERENT. */
enum code queue_arguments_same(const struct table *current, const struct table *received, struct view queue,
			       struct view vhost, struct error *e);
enum code topic_arguments_same(const struct table *current, const struct table *received, struct view topic,
			       struct view vhost, struct error *e);
/* "inequivalent arg 'durable' for queue 'q' in vhost '/': received 'true' but current is 'false'" */
enum code property_differs(struct error *e, const char *property, const char *noun, struct view name,
			   struct view vhost, const char *received, const char *current);

#endif
