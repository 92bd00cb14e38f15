/* SPDX-License-Identifier: Apache-2.0 */
/* Neutral typed values and the property bag: what a message's header says,
 * independent of the protocol it came in by. The type letters are those of
 * RabbitMQ's AMQP 0-9-1 field tables, the richest set among our protocols
 * (behaviour/rabbitmq.md 4.7). All pointers are borrowed: from the raw header
 * they were decoded from, or from an arena. */
#ifndef MQB_BASE_VALUE_H
#define MQB_BASE_VALUE_H

#include "base/arena.h"
#include "base/view.h"

enum value_type {
	VALUE_VOID = 'V',
	VALUE_BOOL = 't',
	VALUE_I8 = 'b',
	VALUE_U8 = 'B',
	VALUE_I16 = 's',
	VALUE_U16 = 'u',
	VALUE_I32 = 'I',
	VALUE_U32 = 'i',
	VALUE_I64 = 'l',
	VALUE_U64 = 'L', /* RabbitMQ reads it as signed 64 */
	VALUE_FLOAT = 'f',
	VALUE_DOUBLE = 'd',
	VALUE_DECIMAL = 'D',
	VALUE_STRING = 'S',
	VALUE_BYTES = 'x',
	VALUE_TIME = 'T', /* whole seconds since 1970 */
	VALUE_ARRAY = 'A',
	VALUE_TABLE = 'F',
};

struct field;

struct value {
	char type; /* enum value_type */
	union {
		bool boolean;
		int64_t i; /* every integer kind and VALUE_TIME; U64 as its bits */
		double d;  /* FLOAT and DOUBLE */
		struct {
			uint8_t scale;
			int32_t unscaled;
		} decimal;
		struct view s; /* STRING, BYTES */
		struct {
			struct field *v; /* TABLE; ARRAY with empty names */
			size_t n;
		} table;
	};
};

struct field {
	struct view name;
	struct value value;
};

struct table {
	struct field *v;
	size_t n;
};

/* First field of that name, or NULL. */
const struct value *table_find(const struct table *t, struct view name);
bool value_is_integer(const struct value *v);
/* Deep equality; all integer kinds compare by value, string and bytes differ. */
bool value_eq(const struct value *a, const struct value *b);
/* RabbitMQ's name of a wire type: "signedint", "longstr", ... (rabbitmq.md 3.4). */
const char *value_type_name(char type);
/* Deep copy into the arena. */
struct table table_copy(struct arena *a, const struct table *t);

enum bag_bit {
	BAG_CONTENT_TYPE = 1 << 0,
	BAG_CONTENT_ENCODING = 1 << 1,
	BAG_HEADERS = 1 << 2, /* an empty table is not an absent one */
	BAG_DELIVERY_MODE = 1 << 3,
	BAG_PRIORITY = 1 << 4,
	BAG_CORRELATION_ID = 1 << 5,
	BAG_REPLY_TO = 1 << 6,
	BAG_EXPIRATION = 1 << 7,
	BAG_MESSAGE_ID = 1 << 8,
	BAG_TIMESTAMP = 1 << 9,
	BAG_TYPE = 1 << 10,
	BAG_USER_ID = 1 << 11,
	BAG_APP_ID = 1 << 12,
	BAG_CLUSTER_ID = 1 << 13,
	BAG_BCC = 1 << 14,
};

struct bag {
	uint32_t has; /* enum bag_bit */
	uint8_t delivery_mode, priority;
	uint64_t timestamp; /* seconds */
	struct view content_type, content_encoding, correlation_id, reply_to, expiration,
		message_id, type, user_id, app_id, cluster_id;
	struct table headers; /* publisher's order */
	struct value bcc;     /* header BCC: an array of further routing keys that no reader sees */
};

#endif
