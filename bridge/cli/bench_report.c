/* SPDX-License-Identifier: Apache-2.0 */
/* Medians over the runs of a case, as a table and as JSON. One row of `metrics`
 * is one figure in both. */
#include <jansson.h>
#include <stdlib.h>

#include "base/arena.h"
#include "cli/bench_priv.h"

struct report {
	const struct bench *bench;
	FILE *table;
	json_t *cases;
};

/* ---- figures ---- */

static double per_million(const struct load_part *p, double s)
{
	return p->done ? s * 1e6 / (double)p->done : 0;
}

static double rate(const struct load_part *p)
{
	return p->seconds > 0 ? (double)p->done / p->seconds : 0;
}

static double p50(const struct load_part *p)
{
	return (double)histogram_at(&p->latency, 0.5);
}

static double p99(const struct load_part *p)
{
	return (double)histogram_at(&p->latency, 0.99);
}

static double p999(const struct load_part *p)
{
	return (double)histogram_at(&p->latency, 0.999);
}

static double server_cpu(const struct load_part *p)
{
	return per_million(p, p->server_cpu_s);
}

static double generator_cpu(const struct load_part *p)
{
	return per_million(p, p->generator_cpu_s);
}

static double rss(const struct load_part *p)
{
	return (double)p->server_rss_kb / 1024;
}

static double each(const struct load_part *p)
{
	return (double)p->bytes_each / 1024;
}

static double seconds(const struct load_part *p)
{
	return p->seconds;
}

static double messages(const struct load_part *p)
{
	return (double)p->done;
}

struct metric {
	const char *key, *title; /* title NULL: not in the table */
	double (*of)(const struct load_part *p);
	int decimals;
	bool largest; /* of all runs, not their median */
};

static const struct metric metrics[] = {
	{"rate", "rate/s", rate, 0, false},
	{"p50_us", "p50 us", p50, 0, false},
	{"p99_us", "p99 us", p99, 0, false},
	{"p999_us", "p99.9 us", p999, 0, false},
	{"server_cpu_s_per_million", "CPU s/M", server_cpu, 2, false},
	{"generator_cpu_s_per_million", "gen s/M", generator_cpu, 2, false},
	{"server_rss_peak_mb", "RSS MB", rss, 0, false},
	/* Memory that the first run's connections have left is used again by the next. */
	{"kb_each", "KB each", each, 1, true},
	{"seconds", NULL, seconds, 2, false},
	{"messages", NULL, messages, 0, false},
};

enum { METRICS = sizeof(metrics) / sizeof(*metrics) };

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(const struct bench_runs *runs, uint32_t part, const struct metric *m)
{
	double v[BENCH_REPEAT_MAX];
	for (uint32_t i = 0; i < runs->n; i++)
		v[i] = m->of(&runs->results[i].parts[part]);
	qsort(v, runs->n, sizeof(*v), by_value);
	if (m->largest)
		return v[runs->n - 1];
	return runs->n % 2 ? v[runs->n / 2] : (v[runs->n / 2 - 1] + v[runs->n / 2]) / 2;
}

/* ---- the table ---- */

static void head_print(FILE *f)
{
	fprintf(f, "%-10s%-22s", "case", "server");
	for (size_t i = 0; i < METRICS; i++)
		if (metrics[i].title)
			fprintf(f, "%11s", metrics[i].title);
	fputc('\n', f);
}

static void row_print(FILE *f, const char *label, const char *server, const double *v, int decimals)
{
	fprintf(f, "%-10s%-22s", label, server);
	for (size_t i = 0; i < METRICS; i++)
		if (metrics[i].title && v[i] <= 0)
			fprintf(f, "%11s", "-");
		else if (metrics[i].title)
			fprintf(f, "%11.*f", decimals < 0 ? metrics[i].decimals : decimals, v[i]);
	fputc('\n', f);
	fflush(f);
}

/* ---- one case ---- */

static void target_name(const struct load_target *t, char *out, size_t room)
{
	snprintf(out, room, "%s:%u", t->host, t->port);
}

static json_t *figures(const double *v)
{
	json_t *o = json_object();
	for (size_t i = 0; i < METRICS; i++)
		json_object_set_new(o, metrics[i].key, json_real(v[i]));
	return o;
}

static json_t *runs_json(const struct bench_runs *runs, uint32_t part)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < runs->n; i++) {
		double v[METRICS];
		for (size_t m = 0; m < METRICS; m++)
			v[m] = metrics[m].of(&runs->results[i].parts[part]);
		json_array_append_new(list, figures(v));
	}
	return list;
}

/* One target's medians of a part: printed, and into the list of servers. */
static void server_add(struct report *r, const struct load_target *t, const struct bench_runs *runs, uint32_t part,
		       double *v)
{
	for (size_t m = 0; m < METRICS; m++)
		v[m] = median(runs, part, &metrics[m]);
	char name[300];
	target_name(t, name, sizeof(name));
	json_t *last = json_array_get(r->cases, json_array_size(r->cases) - 1);
	row_print(r->table, json_string_value(json_object_get(last, "label")), name, v, -1);
	json_t *server = figures(v);
	json_object_set_new(server, "server", json_string(name));
	json_object_set_new(server, "runs", runs_json(runs, part));
	json_array_append_new(json_object_get(last, "servers"), server);
}

static void ratio_add(struct report *r, double v[BENCH_TARGETS][METRICS])
{
	double ratio[METRICS];
	json_t *last = json_array_get(r->cases, json_array_size(r->cases) - 1), *o = json_object();
	for (size_t m = 0; m < METRICS; m++) {
		ratio[m] = v[1][m] > 0 ? v[0][m] / v[1][m] : 0;
		if (metrics[m].title)
			json_object_set_new(o, metrics[m].key, json_real(ratio[m]));
	}
	row_print(r->table, json_string_value(json_object_get(last, "label")), "ratio", ratio, 3);
	json_object_set_new(last, "ratio", o);
}

static void part_add(struct report *r, const struct load_case *what, const struct bench_runs *runs, uint32_t part)
{
	const struct bench *b = r->bench;
	const struct load_result *first = runs[0].n ? runs[0].results : runs[1].results;
	char label[64];
	snprintf(label, sizeof(label), "%s%s%s%s", what->name, *first->parts[part].name ? " " : "",
		 first->parts[part].name, b->options.quorum ? " quorum" : "");
	json_array_append_new(r->cases, json_pack("{s:s,s:s,s:s,s:s,s:[]}", "label", label, "case", what->name, "part",
						  first->parts[part].name, "what", what->what, "servers"));
	double v[BENCH_TARGETS][METRICS];
	uint32_t shown = 0;
	for (uint32_t t = 0; t < b->n_targets; t++)
		if (runs[t].n) {
			server_add(r, &b->targets[t], &runs[t], part, v[t]);
			shown++;
		}
	if (shown == BENCH_TARGETS)
		ratio_add(r, v);
}

void report_case(struct report *r, const struct load_case *what, const struct bench_runs *runs)
{
	bool second = r->bench->n_targets > 1 && runs[1].n;
	if (!runs[0].n && !second)
		return;
	uint32_t parts = (runs[0].n ? runs[0].results : runs[1].results)->n;
	for (uint32_t part = 0; part < parts; part++)
		part_add(r, what, runs, part);
}

/* ---- the whole ---- */

struct report *report_new(const struct bench *b, FILE *table)
{
	struct report *r = mem_zalloc(sizeof(*r));
	*r = (struct report){b, table, json_array()};
	head_print(table);
	return r;
}

void report_free(struct report *r)
{
	json_decref(r->cases);
	free(r);
}

void report_json(const struct report *r, FILE *out)
{
	const struct load_options *o = &r->bench->options;
	double load[3] = {0, 0, 0};
	getloadavg(load, 3);
	json_t *whole = json_pack("{s:s,s:[f,f,f],s:{s:I,s:i,s:i,s:i,s:s},s:O}", "version", MQB_VERSION, "load_average",
				  load[0], load[1], load[2], "options", "body", (json_int_t)o->body_bytes, "seconds",
				  (int)o->seconds, "warm_up", (int)o->warm_s, "repeat", (int)r->bench->repeat,
				  "queue_type", o->quorum ? "quorum" : "classic", "cases", r->cases);
	json_dumpf(whole, out, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
	fputc('\n', out);
	json_decref(whole);
}
