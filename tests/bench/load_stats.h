/* SPDX-License-Identifier: Apache-2.0 */
/* Latencies, and what processes cost. */
#ifndef MQB_BENCH_LOAD_STATS_H
#define MQB_BENCH_LOAD_STATS_H

#include <stdint.h>

/* Microseconds, in steps of 1/64 of their power of two: within 1.6 %. */
enum { HISTOGRAM_STEPS = 64, HISTOGRAM_POWERS = 32 };

struct histogram {
	uint64_t n;
	uint64_t count[HISTOGRAM_POWERS * HISTOGRAM_STEPS];
};

void histogram_add(struct histogram *h, uint64_t us);
/* The value that `share` (0 to 1) of all do not exceed; 0 when there are none. */
uint64_t histogram_at(const struct histogram *h, double share);

double cpu_self_s(void);
/* All threads of a process, user and system; 0 when pid is 0. */
double cpu_process_s(int pid);
/* Peak resident set of a process since rss_peak_reset; 0 when pid is 0. */
uint64_t rss_peak_kb(int pid);
void rss_peak_reset(int pid);

#endif
