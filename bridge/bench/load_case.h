/* SPDX-License-Identifier: Apache-2.0 */
/* The door: the cases of docs/performance.md as data, and one run of one of them. */
#ifndef MQB_BENCH_LOAD_CASE_H
#define MQB_BENCH_LOAD_CASE_H

#include "bench/load_stats.h"
#include "bench/load_target.h"

enum load_kind {
	LOAD_STREAM,  /* publishers, at most one consuming connection, for a time */
	LOAD_BACKLOG, /* so many messages in, then out */
	LOAD_IDLE,    /* so many connections that do nothing */
	LOAD_REQUESTS, /* SQS: send, send in batches, receive and delete */
};

enum { LOAD_PARTS_MAX = 3 };

struct load_case {
	const char *name, *what;
	const char *parts[LOAD_PARTS_MAX]; /* that can be asked for one by one */
	enum load_protocol protocol;
	enum load_kind kind;
	/* LOAD_STREAM */
	bool persistent, consume;
	bool topic;           /* many bindings to a topic exchange: load_topic.h */
	uint32_t publishers;
	uint32_t window;      /* unconfirmed a publisher; 0: no confirms */
	uint32_t rate;        /* published a second; 0: as fast as it goes */
	uint32_t queues;      /* more than one: behind an exchange */
	uint32_t behind_max;  /* deliveries outstanding; 0: no bound */
	uint32_t prefetch;    /* 0: automatic acknowledgement */
	uint32_t ack_every;
	/* the other kinds; options may say otherwise */
	uint32_t messages, connections;
};

/* NULL: no such case. */
const struct load_case *load_case_find(const char *name);
/* In the order of the documentation; NULL behind the last. */
const struct load_case *load_case_at(size_t i);

enum { LOAD_BODY_MIN = 16, LOAD_BODY_MAX = 16 * 1024 * 1024 };

struct load_options {
	struct load_target target;
	const struct load_case *what;
	const char *part;     /* only this part of the case; NULL: all */
	bool quorum;          /* x-queue-type of what is declared */
	size_t body_bytes;
	uint32_t warm_s, seconds;
	uint32_t messages, connections; /* 0: the case's own */
};

/* What one part of a case measured; most cases have one part. */
struct load_part {
	const char *name; /* "" where the case has no parts; static */
	double seconds;
	uint64_t done;    /* what the case counts */
	double generator_cpu_s, server_cpu_s;
	uint64_t server_rss_kb;  /* peak */
	uint64_t bytes_each;     /* LOAD_IDLE: resident memory a connection */
	struct histogram latency;
};

struct load_result {
	uint32_t n;
	struct load_part parts[LOAD_PARTS_MAX];
};

/* Runs it in a process of its own, which ends when a server misbehaves or after
 * its time. False: it did, and said why on standard error. out is zeroed first. */
bool load_run(const struct load_options *o, struct load_result *out);

#endif
