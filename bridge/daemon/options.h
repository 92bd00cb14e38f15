/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the daemon (DESIGN §8): one table (options_table.h), four sources,
 * later wins: files, RABBITMQ_* and then MQBRIDGE_* of the environment, --set.
 *
 * Invariants:
 *  1. every field holds a value within its range from options_init on
 *  2. given[id] says that a source named it; a default never sets it
 *  3. texts are owned by the struct, never NULL */
#ifndef MQB_DAEMON_OPTIONS_H
#define MQB_DAEMON_OPTIONS_H

#include <stdio.h>

#include "base/error.h"
#include "base/view.h"

enum option_type {
	OPTION_TEXT,
	OPTION_ADDRESS,
	OPTION_NUMBER,
	OPTION_SIZE,
	OPTION_TIME,
	OPTION_BOOL,
	OPTION_PORT,
	OPTION_CHOICE,
};
enum { PORT_OFF = -1, PORT_ANY = 0 };

enum option_id {
#define SECTION(title)
#define OPTION(field, name, type, def, min, max, doc) OPT_##field,
#define CHOICE(field, name, def, words, doc) OPT_##field,
#include "daemon/options_table.h"
#undef SECTION
#undef OPTION
#undef CHOICE
	OPTIONS
};

#define OPTION_C_TEXT char *
#define OPTION_C_ADDRESS char *
#define OPTION_C_NUMBER int64_t
#define OPTION_C_SIZE int64_t
#define OPTION_C_TIME int64_t
#define OPTION_C_BOOL bool
#define OPTION_C_PORT int

struct options {
#define SECTION(title)
#define OPTION(field, name, type, def, min, max, doc) OPTION_C_##type field;
#define CHOICE(field, name, def, words, doc) int field;
#include "daemon/options_table.h"
#undef SECTION
#undef OPTION
#undef CHOICE
	bool given[OPTIONS];
	/* Called for what is ignored: "file:line: text". NULL: standard error. */
	void (*warn)(void *ctx, const char *text);
	void *warn_ctx;
};

/* One row, as data. */
struct option_row {
	const char *name;
	enum option_type type;
	size_t offset;
	const char *def;
	int64_t min, max;
	const char *words; /* CHOICE */
	const char *doc;
};
extern const struct option_row option_rows[OPTIONS];

/* Where a setting stands: file and line, or the name of the source and 0. */
struct option_origin {
	const char *file;
	int line;
};

void options_init(struct options *o);
void options_fini(struct options *o);
/* One key of ours or of RabbitMQ's. false and *e ("file:line: why"). */
bool options_set(struct options *o, const char *key, const char *value, struct option_origin origin,
		 struct error *e);
/* NULL when there is none of that name. */
const struct option_row *option_find(const char *name);

/* Everything a start reads, kept to be read again by a reload. All borrowed. */
struct options_sources {
	const char *const *files;
	size_t n_files;
	const char *const *sets; /* "key=value" */
	size_t n_sets;
	char *const *environment; /* NULL: none */
};
/* Reads all sources into an initialised struct and checks what hangs together. */
bool options_load(struct options *o, const struct options_sources *s, struct error *e);
bool options_read_file(struct options *o, const char *path, struct error *e);

/* Ids of settings that differ, as bits in differs[]; the number of them. */
size_t options_compare(const struct options *a, const struct options *b, bool differs[OPTIONS]);

/* The port of a listener that follows another (DESIGN §8). */
int options_stomp_ws_port(const struct options *o);
int options_metrics_port(const struct options *o);
/* Address of a listener: its own or the common one. */
const char *options_host(const struct options *o, const char *own);
/* Name is in the comma-separated list of loopback_users. */
bool options_loopback_user(const struct options *o, const char *name);

/* The reference (docs/configuration.md) and the part of --help. */
void options_print_markdown(FILE *f);
void options_print_help(FILE *f);

/* Between options_*.c only. */
enum rabbitmq_key { RABBITMQ_ACTED, RABBITMQ_IGNORED, RABBITMQ_UNKNOWN, RABBITMQ_BAD };
enum rabbitmq_key options_set_rabbitmq(struct options *o, const char *key, const char *value, struct error *e);
/* A row's value without origin; used by the translations. */
bool option_assign(struct options *o, const struct option_row *row, const char *value, struct error *e);
void options_warn(struct options *o, struct option_origin origin, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
