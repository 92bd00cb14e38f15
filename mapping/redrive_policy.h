/* SPDX-License-Identifier: Apache-2.0 */
/* The RedrivePolicy of a queue (sqs-sns.md §7) or a subscription (§13, §16). */
#ifndef MQB_MAPPING_REDRIVE_POLICY_H
#define MQB_MAPPING_REDRIVE_POLICY_H

#include "base/view.h"

/* Wire name of the queue that deadLetterTargetArn names, owned by the caller.
 * NULL: the text is no such policy. */
char *redrive_policy_target(struct view json);
/* maxReceiveCount of a queue's, a number or its digits; 0: none. */
uint32_t redrive_policy_max(struct view json);

#endif
