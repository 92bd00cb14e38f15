/* SPDX-License-Identifier: Apache-2.0 */
/* Envelopes that a test can read: the first word of the message's body, " in " and
 * the queue that was subscribed. They can be told to fail. */
#ifndef MQB_TESTS_RIG_ENVELOPES_H
#define MQB_TESTS_RIG_ENVELOPES_H

#include "engine/engine.h"

struct rig_envelopes {
	struct envelope_maker maker; /* for engine_options.envelopes */
	uint32_t made, shared, done;
	uint32_t fail; /* from the so many-th on there is no memory; 0: there is always */
};

void rig_envelopes_init(struct rig_envelopes *x);

#endif
