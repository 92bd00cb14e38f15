/* SPDX-License-Identifier: Apache-2.0 */
/* The RedrivePolicy of a subscription (sqs-sns.md §13, §16). */
#ifndef MQB_MAPPING_REDRIVE_POLICY_H
#define MQB_MAPPING_REDRIVE_POLICY_H

#include "base/view.h"

/* Wire name of the queue that deadLetterTargetArn names, owned by the caller.
 * NULL: the text is no such policy. */
char *redrive_policy_target(struct view json);

#endif
