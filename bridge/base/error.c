/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const names[CODES] = {
	[CODE_OK] = "ok",
	[CODE_NOT_FOUND] = "not_found",
	[CODE_DIFFERENT] = "different",
	[CODE_EXISTS] = "exists",
	[CODE_LOCKED] = "locked",
	[CODE_REFUSED] = "refused",
	[CODE_IN_USE] = "in_use",
	[CODE_NOT_EMPTY] = "not_empty",
	[CODE_INVALID] = "invalid",
	[CODE_EXPIRED] = "expired",
	[CODE_LIMIT] = "limit",
	[CODE_UNSUPPORTED] = "unsupported",
	[CODE_UNAVAILABLE] = "unavailable",
};

enum code error_set(struct error *e, enum code code, const char *fmt, ...)
{
	va_list args;

	if (!e)
		return code;
	e->code = code;
	va_start(args, fmt);
	if (vsnprintf(e->text, sizeof(e->text), fmt, args) < 0)
		e->text[0] = 0;
	va_end(args);
	return code;
}

const char *code_name(enum code code)
{
	return (unsigned)code < CODES ? names[code] : "unknown";
}
