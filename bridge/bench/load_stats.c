/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load_stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/load_case.h"
#include "bench/load_wire.h"

/* Below HISTOGRAM_STEPS a step is one microsecond. */
static unsigned slot_of(uint64_t us)
{
	unsigned power = 0;
	while (us >> power >= 2 * HISTOGRAM_STEPS && power < HISTOGRAM_POWERS - 2)
		power++;
	uint64_t step = us >> power;
	if (step < HISTOGRAM_STEPS)
		return (unsigned)step;
	if (step >= 2 * HISTOGRAM_STEPS)
		step = 2 * HISTOGRAM_STEPS - 1;
	return (power + 1) * HISTOGRAM_STEPS + (unsigned)step - HISTOGRAM_STEPS;
}

static uint64_t slot_top(unsigned slot)
{
	if (slot < HISTOGRAM_STEPS)
		return slot;
	unsigned power = slot / HISTOGRAM_STEPS - 1;
	uint64_t step = HISTOGRAM_STEPS + slot % HISTOGRAM_STEPS;
	return ((step + 1) << power) - 1;
}

void histogram_add(struct histogram *h, uint64_t us)
{
	h->count[slot_of(us)]++;
	h->n++;
}

uint64_t histogram_at(const struct histogram *h, double share)
{
	uint64_t want = (uint64_t)((double)h->n * share), seen = 0;
	if (!h->n)
		return 0;
	if (want >= h->n)
		want = h->n - 1;
	for (unsigned i = 0; i < HISTOGRAM_POWERS * HISTOGRAM_STEPS; i++) {
		seen += h->count[i];
		if (seen > want)
			return slot_top(i);
	}
	return 0;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double cpu_self_s(void)
{
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	return seconds(r.ru_utime) + seconds(r.ru_stime);
}

static FILE *proc_open(int pid, const char *file, const char *mode)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	return fopen(path, mode);
}

/* All threads, user and system. */
static double cpu_process_s(int pid)
{
	char line[1024] = "";
	unsigned long user = 0, system = 0;
	FILE *f = pid ? proc_open(pid, "stat", "r") : NULL;
	if (!f) {
		if (pid)
			load_fail("no process %d", pid);
		return 0;
	}
	size_t n = fread(line, 1, sizeof(line) - 1, f);
	fclose(f);
	line[n] = 0;
	/* The name in parentheses may hold anything; the 12th field after it is utime. */
	char *p = strrchr(line, ')');
	if (!p || sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
		load_fail("/proc/%d/stat cannot be read", pid);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* field: of /proc/PID/status. */
static uint64_t status_kb(int pid, const char *field)
{
	char line[256];
	unsigned long kb = 0;
	FILE *f = pid ? proc_open(pid, "status", "r") : NULL;
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, field, strlen(field)) == 0 && sscanf(line + strlen(field), "%lu", &kb) == 1)
			break;
	fclose(f);
	return kb;
}

uint64_t rss_now_kb(int pid)
{
	return status_kb(pid, "VmRSS:");
}

static void rss_peak_reset(int pid)
{
	FILE *f = pid ? proc_open(pid, "clear_refs", "w") : NULL;
	if (!f)
		return;
	fputs("5", f);
	fclose(f);
}

void meter_begin(struct load_meter *m, int pid)
{
	m->pid = pid;
	rss_peak_reset(pid);
	m->generator_s = cpu_self_s();
	m->server_s = cpu_process_s(pid);
}

void meter_end(const struct load_meter *m, struct load_part *out)
{
	out->generator_cpu_s = cpu_self_s() - m->generator_s;
	out->server_cpu_s = cpu_process_s(m->pid) - m->server_s;
	out->server_rss_kb = status_kb(m->pid, "VmHWM:");
}
