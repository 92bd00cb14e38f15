/* SPDX-License-Identifier: Apache-2.0 */
/* mqbridge bench: its arguments, and what it makes of the figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "cli/bench_priv.h"

enum { WORDS_MAX = 12 };

static bool take(struct bench *b, const char *line)
{
	char copy[256], *argv[WORDS_MAX] = {"bench"}, *rest = copy, *word;
	int argc = 1;
	snprintf(copy, sizeof copy, "%s", line);
	while ((word = strsep(&rest, " ")) && argc < WORDS_MAX)
		if (*word)
			argv[argc++] = word;
	return bench_arguments(argc, argv, b);
}

static void arguments_are_taken(void **state)
{
	(void)state;
	struct bench b;
	assert_true(take(&b, ""));
	assert_string_equal(b.targets[0].host, "127.0.0.1");
	assert_int_equal(b.targets[0].port, 5672);
	assert_int_equal(b.n_targets, 1);
	assert_int_equal(b.n_cases, 6);
	assert_int_equal(b.repeat, 3);
	assert_int_equal(b.options.seconds, 8);
	assert_int_equal(b.options.warm_s, 2);
	assert_int_equal(b.options.body_bytes, 1024);
	assert_false(b.options.quorum);
	assert_true(take(&b, "http://h"));
	assert_int_equal(b.n_cases, 1);
	assert_string_equal(b.cases[0]->name, "l");
	assert_true(take(&b, "amqp://one --against amqp://two:7 --case b,dn --seconds 1 --repeat=5 --json"));
	assert_int_equal(b.n_targets, 2);
	assert_string_equal(b.targets[1].host, "two");
	assert_int_equal(b.n_cases, 2);
	assert_string_equal(b.cases[1]->name, "dn");
	assert_int_equal(b.repeat, 5);
	assert_true(b.json);
	assert_true(take(&b, "--case h --part drain --messages 10 --pid 7 --queue-type quorum"));
	assert_string_equal(b.options.part, "drain");
	assert_int_equal(b.options.messages, 10);
	assert_int_equal(b.targets[0].pid, 7);
	assert_true(b.options.quorum);
}

static const char *const refused[] = {
	"one two",
	"--nonsense",
	"amqps://h",
	"amqp://h --against http://h",
	"--case",
	"--case z",
	"--case a,",
	"--case a,,b",
	"--case abcdefghij",
	"--case l",
	"http://h --case a",
	"--case a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a",
	"--seconds 0",
	"--seconds 3601",
	"--seconds 1x",
	"--seconds -1",
	"--repeat 0",
	"--repeat 100",
	"--body 15",
	"--pid 0",
	"--queue-type stream",
	"--case h --part send",
	"--case a --part fill",
};

static void what_makes_no_sense_is_refused(void **state)
{
	(void)state;
	struct bench b;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (take(&b, refused[i]))
			fail_msg("taken: %s", refused[i]);
}

/* Results of runs with the given rates, ten messages a latency of 100 µs each. */
static struct bench_runs runs_of(const double *rates, uint32_t n)
{
	struct bench_runs r = {calloc(n, sizeof *r.results), n};
	assert_non_null(r.results);
	for (uint32_t i = 0; i < n; i++) {
		struct load_part *p = &r.results[i].parts[0];
		r.results[i].n = 1;
		*p = (struct load_part){.name = "", .seconds = 2, .done = (uint64_t)(rates[i] * 2),
					.server_cpu_s = 1, .server_rss_kb = 2048,
					.bytes_each = (uint64_t)rates[i] * 1024};
		for (int j = 0; j < 10; j++)
			histogram_add(&p->latency, 100);
	}
	return r;
}

static double number(const json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);
	assert_true(json_is_number(v));
	return json_number_value(v);
}

static void medians_and_ratios_are_reported(void **state)
{
	(void)state;
	struct bench b;
	char *text = NULL;
	size_t n_text = 0;
	FILE *table = fopen("/dev/null", "w"), *out = open_memstream(&text, &n_text);
	assert_true(take(&b, "amqp://one --against amqp://two --case b"));
	struct report *r = report_new(&b, table);
	struct bench_runs runs[BENCH_TARGETS] = {runs_of((double[]){900, 100, 400}, 3), runs_of((double[]){50, 150}, 2)};
	report_case(r, b.cases[0], runs);
	report_json(r, out);
	fclose(out);
	fclose(table);
	json_t *whole = json_loads(text, 0, NULL);
	json_t *one = json_array_get(json_object_get(whole, "cases"), 0);
	json_t *servers = json_object_get(one, "servers");
	assert_string_equal(json_string_value(json_object_get(one, "label")), "b");
	assert_int_equal(json_array_size(servers), 2);
	assert_float_equal(number(json_array_get(servers, 0), "rate"), 400, 1e-6);
	assert_float_equal(number(json_array_get(servers, 1), "rate"), 100, 1e-6);
	assert_float_equal(number(json_array_get(servers, 0), "server_rss_peak_mb"), 2, 1e-6);
	assert_float_equal(number(json_array_get(servers, 0), "kb_each"), 900, 1e-6); /* the largest */
	assert_float_equal(number(json_array_get(servers, 0), "server_cpu_s_per_million"), 1e6 / 800, 1e-3);
	assert_in_range(number(json_array_get(servers, 0), "p99_us"), 100, 102);
	assert_int_equal(json_array_size(json_object_get(json_array_get(servers, 0), "runs")), 3);
	assert_float_equal(number(json_object_get(one, "ratio"), "rate"), 4, 1e-6);
	json_decref(whole);
	free(text);
	report_free(r);
	free(runs[0].results);
	free(runs[1].results);
}

/* The other server's row and a ratio are left out; nothing at all makes no row. */
static void failed_runs_are_left_out(void **state)
{
	(void)state;
	struct bench b;
	FILE *null = fopen("/dev/null", "w");
	assert_true(take(&b, "amqp://one --against amqp://two --case b"));
	struct report *r = report_new(&b, null);
	struct bench_runs runs[BENCH_TARGETS] = {{NULL, 0}, runs_of((double[]){50}, 1)};
	report_case(r, b.cases[0], runs);
	free(runs[1].results);
	runs[1] = (struct bench_runs){NULL, 0};
	report_case(r, b.cases[0], runs);
	report_json(r, null);
	fclose(null);
	report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_are_taken),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(medians_and_ratios_are_reported),
		cmocka_unit_test(failed_runs_are_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
