/* SPDX-License-Identifier: Apache-2.0 */
/* RabbitMQ's rules for what queues and exchanges are declared with: which
 * arguments are legal, and when two declarations are equivalent
 * (rabbitmq.md 2.3, 3.3–3.5, 3.22). Errors carry RabbitMQ's text without the
 * "PRECONDITION_FAILED - " in front. */
#ifndef MQB_MAPPING_QUEUE_ARGUMENTS_H
#define MQB_MAPPING_QUEUE_ARGUMENTS_H

#include "base/error.h"
#include "base/value.h"

/* Types and ranges of the known x-arguments. CODE_OK or CODE_INVALID. */
enum code queue_arguments_check(const struct table *arguments, struct view queue, struct view vhost,
				struct error *e);
/* Known arguments equal by value, unknown ones ignored. CODE_OK or CODE_DIFFERENT. */
enum code queue_arguments_same(const struct table *now, const struct table *declared, struct view queue,
			       struct view vhost, struct error *e);
enum code topic_arguments_same(const struct table *now, const struct table *declared, struct view topic,
			       struct view vhost, struct error *e);
/* "inequivalent arg 'durable' for queue 'q' in vhost '/': received 'true' but current is 'false'" */
enum code property_differs(struct error *e, const char *property, const char *noun, struct view name,
			   struct view vhost, const char *received, const char *current);

#endif
