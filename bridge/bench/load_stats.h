/* SPDX-License-Identifier: Apache-2.0 */
/* Latencies, and what processes cost. */
#ifndef MQB_BENCH_LOAD_STATS_H
#define MQB_BENCH_LOAD_STATS_H

#include <stdint.h>

struct load_part;

/* Microseconds, in steps of 1/64 of their power of two: within 1.6 %. */
enum { HISTOGRAM_STEPS = 64, HISTOGRAM_POWERS = 32 };

struct histogram {
	uint64_t n;
	uint64_t count[HISTOGRAM_POWERS * HISTOGRAM_STEPS];
};

void histogram_add(struct histogram *h, uint64_t us);
/* The value that `share` (0 to 1) of all do not exceed; 0 when there are none. */
uint64_t histogram_at(const struct histogram *h, double share);

/* Resident set of a process now; 0 when pid is 0. */
uint64_t rss_now_kb(int pid);

/* CPU time of this process and of the server's, and the server's peak memory, from
 * begin to end. pid 0: only our own. Where the kernel does not let us begin anew, the peak
 * is that of the server's whole life. */
struct load_meter {
	int pid;
	double generator_s, server_s;
};
void meter_begin(struct load_meter *m, int pid);
void meter_end(const struct load_meter *m, struct load_part *out);

#endif
