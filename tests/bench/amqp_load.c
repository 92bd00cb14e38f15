/* SPDX-License-Identifier: Apache-2.0 */
/* Load on one AMQP 0-9-1 server on loopback: one case, one line of JSON.
 * Built and called by run.py; docs/performance.md says what the cases are. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load_case.h"

enum { BODY_BYTES_MAX = 16 * 1024 * 1024, SECONDS_MAX = 3600 };

static void usage(void)
{
	fputs("usage: amqp_load --port N --case NAME [--queue-type classic|quorum] [--body BYTES]\n"
	      "                 [--seconds N] [--warm-up N] [--server-pid PID] [--user U] [--password P] [--vhost V]\n",
	      stderr);
	load_case_list();
	exit(2);
}

static long number(const char *text, long min, long max)
{
	char *end;
	long n = strtol(text, &end, 10);
	if (*end || end == text || n < min || n > max)
		load_fail("'%s' is not a number between %ld and %ld", text, min, max);
	return n;
}

static bool is_quorum(const char *text)
{
	if (strcmp(text, "quorum") && strcmp(text, "classic"))
		load_fail("no queue type '%s'", text);
	return !strcmp(text, "quorum");
}

static void options_read(struct load_options *o, int argc, char **argv)
{
	static const struct option rows[] = {
		{"port", 1, NULL, 'p'},    {"case", 1, NULL, 'c'},       {"queue-type", 1, NULL, 't'},
		{"body", 1, NULL, 'b'},    {"seconds", 1, NULL, 's'},    {"warm-up", 1, NULL, 'w'},
		{"user", 1, NULL, 'u'},    {"server-pid", 1, NULL, 'P'}, {"password", 1, NULL, 'k'},
		{"vhost", 1, NULL, 'v'},   {NULL, 0, NULL, 0},
	};
	int opt;
	while ((opt = getopt_long(argc, argv, "", rows, NULL)) != -1)
		switch (opt) {
		case 'p': o->target.port = (uint16_t)number(optarg, 1, 65535); break;
		case 'c': o->what = load_case_find(optarg); break;
		case 't': o->quorum = is_quorum(optarg); break;
		case 'b': o->body_bytes = (size_t)number(optarg, LOAD_STAMP_BYTES, BODY_BYTES_MAX); break;
		case 's': o->seconds = (uint32_t)number(optarg, 1, SECONDS_MAX); break;
		case 'w': o->warm_s = (uint32_t)number(optarg, 0, SECONDS_MAX); break;
		case 'P': o->server_pid = (int)number(optarg, 1, INT32_MAX); break;
		case 'u': o->target.user = optarg; break;
		case 'k': o->target.password = optarg; break;
		case 'v': o->target.vhost = optarg; break;
		default: usage();
		}
	if (!o->what || !o->target.port || optind != argc)
		usage();
}

static void print(const struct load_options *o, const struct load_result *r)
{
	uint64_t done = o->what->consume ? r->delivered : o->what->window ? r->confirmed : r->published;
	printf("{\"case\":\"%s\",\"queue_type\":\"%s\",\"body\":%zu,\"seconds\":%.3f,\"messages\":%llu,"
	       "\"rate\":%.0f,\"published_rate\":%.0f,\"confirmed_rate\":%.0f,\"delivered_rate\":%.0f,",
	       o->what->name, o->quorum ? "quorum" : "classic", o->body_bytes, r->seconds, (unsigned long long)done,
	       (double)done / r->seconds, (double)r->published / r->seconds, (double)r->confirmed / r->seconds,
	       (double)r->delivered / r->seconds);
	printf("\"p50_us\":%llu,\"p99_us\":%llu,\"p999_us\":%llu,\"generator_cpu_s\":%.2f,\"server_cpu_s\":%.2f,"
	       "\"server_rss_peak_kb\":%llu}\n",
	       (unsigned long long)histogram_at(&r->latency, 0.5), (unsigned long long)histogram_at(&r->latency, 0.99),
	       (unsigned long long)histogram_at(&r->latency, 0.999), r->generator_cpu_s, r->server_cpu_s,
	       (unsigned long long)r->server_rss_kb);
}

int main(int argc, char **argv)
{
	struct load_options o = {
		.target = {.user = "guest", .password = "guest", .vhost = "/"},
		.body_bytes = 1024,
		.warm_s = 2,
		.seconds = 8,
	};
	static struct load_result result; /* a histogram is no stack matter */
	options_read(&o, argc, argv);
	load_case_run(&o, &result);
	print(&o, &result);
	return 0;
}
