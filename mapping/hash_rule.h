/* SPDX-License-Identifier: Apache-2.0 */
/* What a consistent-hash exchange hashes (rabbitmq.md 2.19): the routing key, or what
 * its arguments hash-header or hash-property name. */
#ifndef MQB_MAPPING_HASH_RULE_H
#define MQB_MAPPING_HASH_RULE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/value.h"

struct hash_rule {
	enum { HASH_KEY, HASH_HEADER, HASH_MESSAGE_ID, HASH_CORRELATION_ID, HASH_TIMESTAMP } by;
	struct view header; /* HASH_HEADER; aliases the arguments */
};

/* Of an exchange that is new; arguments may be NULL. CODE_OK or CODE_INVALID. */
enum code hash_rule_check(const struct table *arguments, struct error *e);
struct hash_rule hash_rule_of(const struct table *arguments);
/* Appends what is hashed unless that is the routing key: different octets for different
 * values, none for what the message does not have. */
void hash_rule_apply(const struct hash_rule *rule, const struct bag *bag, struct buf *out);

#endif
