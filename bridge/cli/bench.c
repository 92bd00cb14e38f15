/* SPDX-License-Identifier: Apache-2.0 */
/* mqbridge bench [URI] [--against URI]: the cases of docs/performance.md against
 * one server, or two that take turns. */
#include <stdlib.h>

#include "base/arena.h"
#include "cli/bench_priv.h"
#include "cli/cli.h"

/* All targets in turn, as often as asked: what disturbs the machine disturbs both. */
static bool case_run(const struct bench *b, const struct load_case *what, struct bench_runs *runs)
{
	bool good = true;
	for (uint32_t i = 0; i < b->repeat; i++)
		for (uint32_t t = 0; t < b->n_targets; t++) {
			struct load_options o = b->options;
			o.what = what;
			o.target = b->targets[t];
			if (load_run(&o, &runs[t].results[runs[t].n])) {
				runs[t].n++;
			} else {
				fprintf(stderr, "mqbridge bench: case %s failed at %s port %u\n", what->name,
					o.target.host, o.target.port);
				good = false;
			}
		}
	return good;
}

enum exit_code bench_main(int argc, char **argv)
{
	struct bench b;
	struct bench_runs runs[BENCH_TARGETS];
	bool good = true;
	if (!bench_arguments(argc, argv, &b))
		return EXIT_USAGE;
	struct report *report = report_new(&b, b.json ? stderr : stdout);
	for (uint32_t t = 0; t < b.n_targets; t++)
		runs[t].results = mem_alloc(b.repeat * sizeof(*runs[t].results));
	for (uint32_t i = 0; i < b.n_cases; i++) {
		for (uint32_t t = 0; t < b.n_targets; t++)
			runs[t].n = 0;
		good = case_run(&b, b.cases[i], runs) && good;
		report_case(report, b.cases[i], runs);
	}
	if (b.json)
		report_json(report, stdout);
	for (uint32_t t = 0; t < b.n_targets; t++)
		free(runs[t].results);
	report_free(report);
	return good ? EXIT_OK : EXIT_FAILED;
}
