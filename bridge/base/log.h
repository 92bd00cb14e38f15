/* SPDX-License-Identifier: Apache-2.0 */
/* One line an event on standard error, logfmt:
 *   ts=… level=… event=greppable.name key="value" …
 * Never bodies, never secrets. The same event name is limited to LOG_BURST
 * lines a second; what was held back is counted in the next line of it. */
#ifndef MQB_BASE_LOG_H
#define MQB_BASE_LOG_H

#include "base/view.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum { LOG_BURST = 20, LOG_LINE = 2048 };

void log_set_level(enum log_level level);
/* `event` is a string literal. fmt gives the key=value part; free text goes
 * inside \"…\", through log_quote where a peer wrote it. One write(2) a line; any
 * thread may call. Lines are cut at LOG_LINE bytes, control characters become '?'. */
void log_event(enum log_level level, const char *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Escapes text from outside for use inside \"…\" in a line: quotes, backslashes,
 * control characters and malformed UTF-8. Returns buf, NUL-terminated, ending in
 * "..." where it was cut to fit; n >= 4. */
const char *log_quote(struct view v, char *buf, size_t n);

#define log_debug(event, ...) log_event(LOG_DEBUG, event, __VA_ARGS__)
#define log_info(event, ...) log_event(LOG_INFO, event, __VA_ARGS__)
#define log_warn(event, ...) log_event(LOG_WARN, event, __VA_ARGS__)
#define log_error(event, ...) log_event(LOG_ERROR, event, __VA_ARGS__)

/* Our own bug: stays in release builds; never on bytes from outside. */
#define must(cond)                                                             \
	((cond) ? (void)0 : must_failed(#cond, __FILE__, __LINE__))
_Noreturn void must_failed(const char *what, const char *file, int line);

#endif
