/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "cli/args.h"
#include "cli/bench_priv.h"

static const char default_uri[] = "amqp://guest:guest@127.0.0.1:5672/";

static void usage(void)
{
	fputs("usage: mqbridge bench [URI] [--against URI] [--case a,b,...] [--seconds N] [--json]\n"
	      "  URI               amqp://USER:PASSWORD@HOST:PORT/VHOST or, SQS, http://KEY:SECRET@HOST:PORT\n"
	      "  --against URI     a second server; the two take turns, and ratios are told\n"
	      "  --seconds N       measured time of a run (8), --warm-up N before it (2)\n"
	      "  --repeat N        runs of each case (3); what is told is their median\n"
	      "  --body BYTES      of each message (1024)\n"
	      "  --messages N, --connections N   instead of the case's own\n"
	      "  --part NAME       only this part of cases h and l\n"
	      "  --queue-type T    classic or quorum (classic)\n"
	      "  --pid N, --against-pid N   the servers' processes, when they run here: their CPU and memory\n"
	      "cases:\n",
	      stderr);
	for (size_t i = 0; load_case_at(i); i++)
		fprintf(stderr, "  %-3s %s\n", load_case_at(i)->name, load_case_at(i)->what);
}

struct number {
	const char *flag, *text; /* NULL: not given */
	uint32_t *out;
	uint32_t min, max;
};

static bool numbers_read(const struct number *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct number *v = &numbers[i];
		if (!v->text)
			continue;
		char *end;
		unsigned long value = strtoul(v->text, &end, 10);
		if (*end || end == v->text || *v->text == '-' || value < v->min || value > v->max) {
			fprintf(stderr, "mqbridge: %s is a number between %u and %u\n", v->flag, v->min, v->max);
			return false;
		}
		*v->out = (uint32_t)value;
	}
	return true;
}

static bool case_add(struct bench *b, struct view name)
{
	char text[8];
	snprintf(text, sizeof(text), "%.*s", VIEW_ARG(name));
	const struct load_case *what = name.n < sizeof(text) ? load_case_find(text) : NULL;
	if (!what) {
		fprintf(stderr, "mqbridge: no case '%.*s'\n", VIEW_ARG(name));
		return false;
	}
	if (what->protocol != b->targets[0].protocol) {
		fprintf(stderr, "mqbridge: case %s is one of %s:// endpoints\n", what->name,
			what->protocol == LOAD_SQS ? "http" : "amqp");
		return false;
	}
	if (b->n_cases == BENCH_CASES_MAX) {
		fprintf(stderr, "mqbridge: at most %d cases\n", BENCH_CASES_MAX);
		return false;
	}
	b->cases[b->n_cases++] = what;
	return true;
}

static bool cases_read(struct bench *b, const char *list)
{
	if (!list)
		list = b->targets[0].protocol == LOAD_SQS ? "l" : "a,b,c,d,e,f";
	for (const char *at = list;; at++) {
		size_t n = strcspn(at, ",");
		if (!case_add(b, view_of(at, n)))
			return false;
		at += n;
		if (!*at)
			return true;
	}
}

/* --part fits every case. */
static bool part_read(struct bench *b, const char *part)
{
	b->options.part = part;
	for (uint32_t i = 0; part && i < b->n_cases; i++) {
		bool found = false;
		for (size_t j = 0; j < LOAD_PARTS_MAX && b->cases[i]->parts[j]; j++)
			found |= !strcmp(b->cases[i]->parts[j], part);
		if (!found) {
			fprintf(stderr, "mqbridge: case %s has no part '%s'\n", b->cases[i]->name, part);
			return false;
		}
	}
	return true;
}

static bool queue_type_read(struct bench *b, const char *type)
{
	b->options.quorum = type && !strcmp(type, "quorum");
	if (type && !b->options.quorum && strcmp(type, "classic")) {
		fprintf(stderr, "mqbridge: --queue-type is classic or quorum\n");
		return false;
	}
	return true;
}

static bool target_add(struct bench *b, const char *uri)
{
	struct error e;
	struct load_target *t = &b->targets[b->n_targets];
	if (!load_target_parse(uri, t, &e)) {
		fprintf(stderr, "mqbridge: %s\n", e.text);
		return false;
	}
	if (b->n_targets++ && t->protocol != b->targets[0].protocol) {
		fprintf(stderr, "mqbridge: both URIs must be of one protocol\n");
		return false;
	}
	return true;
}

struct texts {
	const char *against, *cases, *part, *queue_type;
	const char *seconds, *warm_up, *repeat, *body, *messages, *connections, *pid, *against_pid;
};

static bool texts_read(struct bench *b, const struct texts *t, const char *uri)
{
	uint32_t body = 1024, pids[BENCH_TARGETS] = {0, 0};
	const struct number numbers[] = {
		{"--seconds", t->seconds, &b->options.seconds, 1, BENCH_SECONDS_MAX},
		{"--warm-up", t->warm_up, &b->options.warm_s, 0, BENCH_SECONDS_MAX},
		{"--repeat", t->repeat, &b->repeat, 1, BENCH_REPEAT_MAX},
		{"--body", t->body, &body, LOAD_BODY_MIN, LOAD_BODY_MAX},
		{"--messages", t->messages, &b->options.messages, 1, 1000000000},
		{"--connections", t->connections, &b->options.connections, 1, 1000000},
		{"--pid", t->pid, &pids[0], 1, INT32_MAX},
		{"--against-pid", t->against_pid, &pids[1], 1, INT32_MAX},
	};
	if (!numbers_read(numbers, sizeof(numbers) / sizeof(*numbers)) || !queue_type_read(b, t->queue_type) ||
	    !target_add(b, uri) || (t->against && !target_add(b, t->against)) || !cases_read(b, t->cases) ||
	    !part_read(b, t->part))
		return false;
	b->options.body_bytes = body;
	for (uint32_t i = 0; i < BENCH_TARGETS; i++)
		b->targets[i].pid = (int)pids[i];
	return true;
}

bool bench_arguments(int argc, char **argv, struct bench *b)
{
	const char *uri = default_uri;
	struct texts t = {0};
	bool help = false;
	const struct arg_flag flags[] = {
		{"--against", &t.against, NULL, NULL, NULL},     {"--case", &t.cases, NULL, NULL, NULL},
		{"--part", &t.part, NULL, NULL, NULL},           {"--queue-type", &t.queue_type, NULL, NULL, NULL},
		{"--seconds", &t.seconds, NULL, NULL, NULL},     {"--warm-up", &t.warm_up, NULL, NULL, NULL},
		{"--repeat", &t.repeat, NULL, NULL, NULL},       {"--body", &t.body, NULL, NULL, NULL},
		{"--messages", &t.messages, NULL, NULL, NULL},   {"--connections", &t.connections, NULL, NULL, NULL},
		{"--pid", &t.pid, NULL, NULL, NULL},             {"--against-pid", &t.against_pid, NULL, NULL, NULL},
		{"--json", NULL, &b->json, NULL, NULL},          {"--help", NULL, &help, NULL, NULL},
	};
	*b = (struct bench){.repeat = 3, .options = {.seconds = 8, .warm_s = 2}};
	if (args_take(argc, argv, flags, sizeof(flags) / sizeof(*flags), &uri, 1) < 0)
		return false;
	if (help)
		usage();
	return !help && texts_read(b, &t, uri);
}
