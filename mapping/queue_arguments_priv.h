/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by queue_arguments.c (what is legal) and arguments_same.c (what is
 * equivalent). */
#ifndef MQB_MAPPING_QUEUE_ARGUMENTS_PRIV_H
#define MQB_MAPPING_QUEUE_ARGUMENTS_PRIV_H

#include "mapping/queue_arguments.h"

/* Whose arguments they are, for texts. */
struct owner {
	const char *noun; /* "queue", "exchange" */
	struct view name, vhost;
};

/* RabbitMQ's names of its queue types, which some texts show. */
#define CLASSIC_MODULE "rabbit_classic_queue"
#define QUORUM_MODULE "rabbit_quorum_queue"

/* NULL allowed; x-queue-type absent is classic. */
bool arguments_quorum(const struct table *arguments);

#endif
