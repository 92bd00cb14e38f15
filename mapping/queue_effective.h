/* SPDX-License-Identifier: Apache-2.0 */
/* What a queue does (DESIGN §5): one pure function of what each side said of it.
 * The engine acts on its result only. Where several sources name a number the
 * lowest counts, as in RabbitMQ (rabbitmq.md 5.5). Values of a wrong kind say
 * nothing: whether they are legal was looked at when they came in. */
#ifndef MQB_MAPPING_QUEUE_EFFECTIVE_H
#define MQB_MAPPING_QUEUE_EFFECTIVE_H

#include "base/value.h"

struct queue_sources {
	const struct table *arguments;  /* declared, legacy side */
	const struct table *attributes; /* SQS side, those that were given: VALUE_BYTES */
	bool legacy;                    /* declared by a legacy client only: no retention of its own */
};

enum queue_overflow { OVERFLOW_DROP_HEAD, OVERFLOW_REJECT, OVERFLOW_REJECT_DEAD_LETTER };

enum { QUEUE_UNLIMITED = -1 };

struct queue_effective {
	int64_t visibility_ms, wait_ms, delay_ms;
	int64_t retention_ms; /* 0: without limit */
	int64_t ttl_ms;       /* QUEUE_UNLIMITED: none */
	int64_t expires_ms;   /* 0: never */
	int64_t length_max, bytes_max; /* of what is ready; QUEUE_UNLIMITED: none */
	int64_t failed_max;   /* delivery limit; QUEUE_UNLIMITED: none */
	enum queue_overflow overflow;
	bool quorum;
	bool single_active;   /* one of its consumers at a time */
	/* Aliases of the sources. */
	bool dead_letters, dead_letter_rekeyed; /* rekeyed: by the key below instead of its own */
	struct view dead_letter_topic, dead_letter_key;
};

void queue_effective_compute(const struct queue_sources *s, struct queue_effective *out);
/* An SQS attribute: what was given, else its default; false: absent. */
bool queue_attribute(const struct queue_sources *s, struct view name, struct view *value);

#endif
