/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of docs/performance.md as data, and one run of one of them. */
#ifndef MQB_BENCH_LOAD_CASE_H
#define MQB_BENCH_LOAD_CASE_H

#include "load_stats.h"
#include "load_wire.h"

struct load_case {
	const char *name, *what;
	bool persistent;
	uint32_t publishers;
	uint32_t window;      /* unconfirmed a publisher; 0: no confirms */
	uint32_t rate;        /* published a second; 0: as fast as it goes */
	uint32_t queues;      /* more than one: behind a fanout exchange */
	bool consume;
	uint32_t behind_max;  /* deliveries outstanding; 0: no bound */
	uint32_t prefetch;    /* 0: automatic acknowledgement */
	uint32_t ack_every;
};

/* NULL: no such case. */
const struct load_case *load_case_find(const char *name);
void load_case_list(void); /* on standard error */

struct load_options {
	struct load_target target;
	const struct load_case *what;
	bool quorum;
	size_t body_bytes;
	uint32_t warm_s, seconds;
	int server_pid; /* 0: its cost is not measured */
};

struct load_result {
	double seconds;
	uint64_t published, confirmed, delivered;
	double generator_cpu_s, server_cpu_s;
	uint64_t server_rss_kb;
	/* publish → deliver where there is a consumer, else publish → confirm */
	struct histogram latency;
};

void load_case_run(const struct load_options *o, struct load_result *r);

#endif
