/* SPDX-License-Identifier: Apache-2.0 */
/* A refusal or a failure: a code and a text, filled where it is found, handed
 * up unchanged. Each head has one table from code to its protocol's reply. */
#ifndef MQB_BASE_ERROR_H
#define MQB_BASE_ERROR_H

enum code {
	CODE_OK = 0,
	CODE_NOT_FOUND,     /* no such queue, topic, vhost, … */
	CODE_DIFFERENT,     /* exists with other properties */
	CODE_EXISTS,        /* exists, and must not */
	CODE_LOCKED,        /* exclusive to another connection */
	CODE_REFUSED,       /* not allowed: permission, reserved name, exclusive use */
	CODE_IN_USE,        /* if-unused */
	CODE_NOT_EMPTY,     /* if-empty */
	CODE_INVALID,       /* a value out of range or of the wrong type */
	CODE_EXPIRED,       /* the receipt of a FIFO receive is over */
	CODE_LIMIT,         /* a named limit is reached */
	CODE_UNSUPPORTED,   /* this store or build cannot do it */
	CODE_UNAVAILABLE,   /* environment: store failed, disk full, remote down */
	CODES
};

struct error {
	enum code code;
	char text[256]; /* NUL-terminated, cut to fit */
};

/* Fills *e and returns code, so that `return error_set(...)` reads well. e may be NULL. */
enum code error_set(struct error *e, enum code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
const char *code_name(enum code code);

#endif
