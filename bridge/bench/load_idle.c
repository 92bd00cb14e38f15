/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that do nothing: how fast they open (log in and a channel), sixteen
 * at a time, and what each costs the server once all are there. */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "bench/load_kinds_priv.h"
#include "bench/load_wire.h"

enum { OPENERS = 16, FILES_SPARE = 64 };

struct idle {
	const struct load_options *o;
	struct load_conn **conns;
	uint64_t *open_us;
	uint32_t n;
};

struct opener {
	struct idle *idle;
	uint32_t first; /* every OPENERS-th from here */
	pthread_t thread;
};

static void *open_some(void *ctx)
{
	struct opener *me = ctx;
	struct idle *idle = me->idle;
	for (uint32_t i = me->first; i < idle->n; i += OPENERS) {
		uint64_t from_us = clock_mono_us();
		idle->conns[i] = load_open(&idle->o->target);
		idle->open_us[i] = clock_mono_us() - from_us;
	}
	return NULL;
}

static void *close_some(void *ctx)
{
	struct opener *me = ctx;
	for (uint32_t i = me->first; i < me->idle->n; i += OPENERS)
		load_close(me->idle->conns[i]);
	return NULL;
}

static void by_all(struct idle *idle, void *(*work)(void *))
{
	struct opener openers[OPENERS];
	for (uint32_t i = 0; i < OPENERS; i++) {
		openers[i].idle = idle;
		openers[i].first = i;
		if (pthread_create(&openers[i].thread, NULL, work, &openers[i]) != 0)
			load_fail("no more threads");
	}
	for (uint32_t i = 0; i < OPENERS; i++)
		pthread_join(openers[i].thread, NULL);
}

static void files_allow(uint32_t n)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < n + FILES_SPARE)
		load_fail("%u connections need more open files than %llu (ulimit -n)", n,
			  (unsigned long long)limit.rlim_max);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

void idle_measure(const struct load_options *o, struct load_result *out)
{
	struct load_part *part = load_part_begin(o, out, "");
	struct idle idle = {.o = o, .n = o->connections ? o->connections : o->what->connections};
	struct load_meter meter;
	files_allow(idle.n);
	idle.conns = calloc(idle.n, sizeof(*idle.conns));
	idle.open_us = calloc(idle.n, sizeof(*idle.open_us));
	if (!idle.conns || !idle.open_us)
		load_fail("out of memory");
	uint64_t before_kb = rss_now_kb(o->target.pid), from_us = clock_mono_us();
	meter_begin(&meter, o->target.pid);
	by_all(&idle, open_some);
	part->seconds = (double)(clock_mono_us() - from_us) / 1e6;
	meter_end(&meter, part);
	poll(NULL, 0, (int)o->seconds * 1000); /* a server may tidy up meanwhile */
	uint64_t after_kb = rss_now_kb(o->target.pid);
	part->done = idle.n;
	part->bytes_each = after_kb > before_kb ? (after_kb - before_kb) * 1024 / idle.n : 0;
	for (uint32_t i = 0; i < idle.n; i++)
		histogram_add(&part->latency, idle.open_us[i]);
	by_all(&idle, close_some);
	free(idle.conns);
	free(idle.open_us);
}
