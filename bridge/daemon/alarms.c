/* SPDX-License-Identifier: Apache-2.0 */
/* The memory and disk gates (engine.md §3): from time to time, never on the hot
 * path, the process's resident memory and the free space of the data directory are
 * measured against their marks, and the engine is told. Each gate shuts past its
 * mark and opens at another one, so that it does not flap. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/daemon_priv.h"

enum { TRIM_MS = 10000 };

/* One number at the start of a file; -1: none. */
static int64_t number_in(const char *path, int skip)
{
	char line[128];
	FILE *f = fopen(path, "re");
	if (!f)
		return -1;
	char *p = fgets(line, sizeof line, f) ? line : NULL;
	fclose(f);
	while (p && skip--)
		if ((p = strchr(p, ' ')))
			p++;
	char *end = p;
	long long v = p ? strtoll(p, &end, 10) : -1;
	return end == p ? -1 : v;
}

static int64_t resident_bytes(void)
{
	int64_t pages = number_in("/proc/self/statm", 1);
	return pages < 0 ? 0 : pages * sysconf(_SC_PAGESIZE);
}

/* Of the machine, or of the container if that has less. */
static int64_t total_bytes(void)
{
	int64_t total = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
	const char *const limits[] = {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		int64_t limit = number_in(limits[i], 0);
		if (limit > 0 && limit < total)
			total = limit;
	}
	return total;
}

static int64_t part(int64_t of, int64_t percent)
{
	return of / 100 * percent + of % 100 * percent / 100;
}

void alarms_marks(struct daemon *d)
{
	const struct options *o = &d->options;
	struct admin_gates *g = &d->gates;
	int64_t total = total_bytes();
	g->memory.high = o->memory_high_bytes ? o->memory_high_bytes : part(total, o->memory_high_percent);
	g->memory.low = part(g->memory.high, o->memory_low_percent);
	g->disk.low = o->disk_free_percent ? part(total, o->disk_free_percent) : o->disk_free_bytes;
	g->disk.high = part(g->disk.low, o->disk_clear_percent);
	d->alarms_ms = 0;
}

/* What is free in it goes back to the system before anybody is stopped, and now and
 * then while they are: with much memory in pieces that takes a while. */
static void memory_look(struct daemon *d, struct admin_gate *g)
{
	int64_t mark = g->shut ? g->low : g->high;
	g->now = resident_bytes();
	if (g->now > mark && d->now.mono_ms >= d->trim_ms) {
		malloc_trim(0);
		g->now = resident_bytes();
		d->trim_ms = d->now.mono_ms + TRIM_MS;
	}
	g->shut = g->now > mark;
}

static void disk_look(struct daemon *d, struct admin_gate *g)
{
	struct statvfs st;
	if (statvfs(d->options.data, &st) != 0)
		return;
	g->now = (int64_t)(st.f_bavail * st.f_frsize);
	g->shut = g->now < (g->shut ? g->high : g->low) || d->watch.state == STATE_FULL;
}

/* In RabbitMQ's words (rabbitmq.md 1.17). */
static const char *reason_of(const struct admin_gates *g)
{
	if (g->memory.shut)
		return g->disk.shut ? "low on memory & disk" : "low on memory";
	return g->disk.shut ? "low on disk" : NULL;
}

void alarms_look(struct daemon *d)
{
	struct admin_gates *g = &d->gates;
	if (d->now.mono_ms < d->alarms_ms)
		return;
	d->alarms_ms = d->now.mono_ms + d->options.alarm_interval_ms;
	memory_look(d, &g->memory);
	if (d->spill) /* on disk */
		disk_look(d, &g->disk);
	const char *reason = reason_of(g);
	if (reason == d->alarm)
		return;
	log_event(reason ? LOG_WARN : LOG_INFO, reason ? "alarm.on" : "alarm.off",
		  "reason=\"%s\" memory=%lld memory_high=%lld disk_free=%lld disk_limit=%lld", reason ? reason : "",
		  (long long)g->memory.now, (long long)g->memory.high, (long long)g->disk.now,
		  (long long)g->disk.low);
	d->alarm = reason;
	engine_alarm(d->engine, reason);
}

void gates_tell(void *ctx, struct admin_gates *out)
{
	*out = ((const struct daemon *)ctx)->gates;
}
