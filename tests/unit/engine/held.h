/* SPDX-License-Identifier: Apache-2.0 */
/* A rig's store whose outcomes wait until the test lets them through, so that
 * what the engine says before a commit can be told from what it says after it.
 * One at a time. */
#ifndef MQB_TESTS_UNIT_ENGINE_HELD_H
#define MQB_TESTS_UNIT_ENGINE_HELD_H

#include "rig/rig.h"

void held_begin(struct rig *r); /* the store tells nothing from now on */
void held_pass(struct rig *r);  /* it tells what has happened so far, and holds on */
void held_end(struct rig *r);
/* Some turns of the loop; a held store never lets rig_settle come to rest. */
void held_turns(struct rig *r);

#endif
