/* SPDX-License-Identifier: Apache-2.0 */
/* Queues with arguments, and headers that an engine without heads can read. */
#ifndef MQB_TESTS_UNIT_ENGINE_DECLARE_H
#define MQB_TESTS_UNIT_ENGINE_DECLARE_H

#include "rig/rig.h"

/* Durable, by a legacy client; the answer must be a success. */
void declare_with(struct peer *p, const char *name, const struct table *arguments);
/* Stands for the header of an AMQP 0-9-1 message: expiration and headers; BCC is hidden
 * if it is the last. */
extern const struct codecs table_codecs;
/* Tests' usual options with these codecs. */
const struct engine_options *codec_options(void);
/* The newest event of x-death of what a header says; false: there is none. */
bool death_of(struct view raw, const char *member, char text[64]);
uint64_t ready_in(struct rig *r, const char *queue);

#endif
