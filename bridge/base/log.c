/* SPDX-License-Identifier: Apache-2.0 */
/* Any thread may log: a line is put together on the stack and leaves with one
 * write(2); only the table of rates is behind a lock. An event's slot in it is
 * found by its name; when all slots are taken, later names share by hash. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

enum { RATE_SLOTS = 256 };

struct rate {
	const char *event; /* a literal; NULL: free */
	int64_t since_ms;  /* mono, start of the second being counted */
	uint32_t lines;    /* in that second */
	uint64_t held;     /* kept back since the last line that was written */
};

static atomic_int level_min = LOG_INFO;
static pthread_mutex_t rates_lock = PTHREAD_MUTEX_INITIALIZER;
static struct rate rates[RATE_SLOTS];

static const char *const level_names[] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARN] = "warn",
	[LOG_ERROR] = "error",
};

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&level_min, level, memory_order_relaxed);
}

static struct rate *rate_of(const char *event)
{
	uint32_t h = 2166136261u; /* FNV-1a: names are our own */

	for (const char *c = event; *c; c++)
		h = (h ^ (uint8_t)*c) * 16777619u;
	for (uint32_t i = 0; i < RATE_SLOTS; i++) {
		struct rate *r = &rates[(h + i) % RATE_SLOTS];
		if (!r->event)
			r->event = event;
		if (r->event == event || strcmp(r->event, event) == 0)
			return r;
	}
	return &rates[h % RATE_SLOTS];
}

/* false: keep this line back. *held: how many were, since the last one. */
static bool rate_allows(const char *event, int64_t mono_ms, uint64_t *held)
{
	pthread_mutex_lock(&rates_lock);
	struct rate *r = rate_of(event);
	if (r->lines == 0 || mono_ms - r->since_ms >= 1000) {
		r->since_ms = mono_ms;
		r->lines = 0;
	}
	bool ok = r->lines < LOG_BURST;
	if (ok) {
		r->lines++;
		*held = r->held;
		r->held = 0;
	} else {
		r->held++;
	}
	pthread_mutex_unlock(&rates_lock);
	return ok;
}

/* snprintf at line + n; returns the new length, never past LOG_LINE - 1. */
__attribute__((format(printf, 3, 0)))
static size_t line_add(char *line, size_t n, const char *fmt, va_list args)
{
	int more = vsnprintf(line + n, LOG_LINE - n, fmt, args);

	if (more < 0)
		return n;
	return n + (size_t)more < LOG_LINE ? n + (size_t)more : LOG_LINE - 1;
}

__attribute__((format(printf, 3, 4)))
static size_t line_addf(char *line, size_t n, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	n = line_add(line, n, fmt, args);
	va_end(args);
	return n;
}

static size_t line_start(char *line, enum log_level level, const char *event, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm t;
	char stamp[32];

	gmtime_r(&seconds, &t);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &t);
	return line_addf(line, 0, "ts=%s.%03dZ level=%s event=%s", stamp, (int)(wall_ms % 1000),
			 level_names[level], event);
}

static void line_write(char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((uint8_t)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[n++] = '\n'; /* over the NUL */
	/* Nobody to tell when standard error is gone. */
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}

void log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	char line[LOG_LINE + 1];
	uint64_t held = 0;
	va_list args;

	if ((int)level < atomic_load_explicit(&level_min, memory_order_relaxed))
		return;
	struct now now = clock_now();
	if (!rate_allows(event, now.mono_ms, &held))
		return;
	size_t n = line_start(line, level, event, now.wall_ms);
	if (held)
		n = line_addf(line, n, " held=%llu", (unsigned long long)held);
	if (fmt[0])
		n = line_addf(line, n, " ");
	va_start(args, fmt);
	n = line_add(line, n, fmt, args);
	va_end(args);
	line_write(line, n);
}

_Noreturn void must_failed(const char *what, const char *file, int line_no)
{
	char line[LOG_LINE + 1];
	size_t n = line_start(line, LOG_ERROR, "bug.must", clock_now().wall_ms);

	n = line_addf(line, n, " at=%s:%d what=\"%s\"", file, line_no, what);
	line_write(line, n);
	abort();
}

/* Bytes of the character at the front that may stand as it is; 0: escape one. */
static size_t plain(struct view v)
{
	size_t len = utf8_next(v);

	if (len == 1)
		return v.p[0] >= 0x20 && v.p[0] != 0x7f && v.p[0] != '"' && v.p[0] != '\\';
	if (len == 2 && v.p[0] == 0xc2 && v.p[1] < 0xa0) /* C1 controls */
		return 0;
	return len;
}

const char *log_quote(struct view v, char *buf, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	size_t at = 0;
	size_t fits = 0; /* the longest prefix that leaves room for "..." */

	must(n >= 4);
	while (v.n) {
		char piece[4];
		size_t take = plain(v), len = take;
		if (take) {
			memcpy(piece, v.p, take);
		} else if (v.p[0] == '"' || v.p[0] == '\\') {
			piece[0] = '\\';
			piece[1] = (char)v.p[0];
			len = 2;
		} else {
			piece[0] = '\\';
			piece[1] = 'x';
			piece[2] = digits[v.p[0] >> 4];
			piece[3] = digits[v.p[0] & 15];
			len = 4;
		}
		if (at + len >= n) {
			memcpy(buf + fits, "...", 4);
			return buf;
		}
		memcpy(buf + at, piece, len);
		at += len;
		if (at + 4 <= n)
			fits = at;
		v = view_skip(v, take ? take : 1);
	}
	buf[at] = 0;
	return buf;
}
