/* SPDX-License-Identifier: Apache-2.0 */
/* The attributes of any message as a filter policy sees them (DESIGN §6): what
 * design/cross-protocol.md promotes, without its limit of ten, and the virtual
 * ones `routing-key`, rk, rk2, n, tails, t1–t3 (mapping.md §3.3 B) and h1–h5
 * (§3.4), so that a policy made for AWS works here too. */
#ifndef MQB_MAPPING_FILTER_ATTRIBUTES_H
#define MQB_MAPPING_FILTER_ATTRIBUTES_H

#include "base/header_codec.h"
#include "mapping/filter_policy.h"

/* Fills *in from the message (of the body only text, up to what SQS takes); all of it
 * lives in the arena or aliases the message. What a publisher sent under a
 * virtual attribute's name wins over the virtual one. A message
 * from SNS without a routing key has none of those. false: its header is malformed,
 * and only the virtual ones of the routing key are there. */
bool filter_attributes_of(const struct codecs *codecs, const struct message *m, struct arena *a,
			  struct filter_input *in);

#endif
