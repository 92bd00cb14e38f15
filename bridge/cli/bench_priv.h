/* SPDX-License-Identifier: Apache-2.0 */
/* mqbridge bench: what was asked for, what it measured, how that is told. */
#ifndef MQB_CLI_BENCH_PRIV_H
#define MQB_CLI_BENCH_PRIV_H

#include <stdio.h>

#include "bench/load_case.h"

enum { BENCH_TARGETS = 2, BENCH_CASES_MAX = 16, BENCH_REPEAT_MAX = 99, BENCH_SECONDS_MAX = 3600 };

struct bench {
	struct load_target targets[BENCH_TARGETS];
	uint32_t n_targets;
	const struct load_case *cases[BENCH_CASES_MAX];
	uint32_t n_cases;
	struct load_options options; /* of every run, but for target and case */
	uint32_t repeat;
	bool json;
};

/* False after saying what is wrong. Views of argv stay in b. */
bool bench_arguments(int argc, char **argv, struct bench *b);

/* What the runs of one case against one target gave. */
struct bench_runs {
	struct load_result *results; /* owned */
	uint32_t n;
};

struct report;
/* Rows of a table go to `table` as they come. */
struct report *report_new(const struct bench *b, FILE *table);
void report_free(struct report *r);
/* runs: one for each target. Failed runs are missing in them. */
void report_case(struct report *r, const struct load_case *what, const struct bench_runs *runs);
void report_json(const struct report *r, FILE *out);

#endif
