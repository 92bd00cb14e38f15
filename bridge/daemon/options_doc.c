/* SPDX-License-Identifier: Apache-2.0 */
/* The table of settings as text for people: --help and docs/configuration.md. */
#include "daemon/options.h"

#include <ctype.h>

static const char preface[] =
	"# Configuration\n"
	"\n"
	"Written by `mqbridge options-markdown` from the table in bridge/daemon/options_table.h; do not edit.\n"
	"\n"
	"Settings come from files (`--config FILE`, may be repeated; without one `/etc/mqbridge/mqbridge.conf` if it is\n"
	"there), the environment, and `--set key=value`; later wins. A file holds `key = value` lines, `#` begins a\n"
	"comment, a value in single quotes may hold `#`. The variable of `amqp.port` is `MQBRIDGE_AMQP_PORT`.\n"
	"`RABBITMQ_DEFAULT_USER`, `RABBITMQ_DEFAULT_PASS`, `RABBITMQ_DEFAULT_VHOST` and `RABBITMQ_NODE_PORT` act too and\n"
	"yield to the `MQBRIDGE_` ones.\n"
	"\n"
	"An unknown key or a bad value stops the start with file and line. A rabbitmq.conf may be given as it is:\n"
	"`listeners.tcp.*`, `default_user`, `default_pass`, `default_vhost`, `loopback_users.*`, `heartbeat`, `frame_max`,\n"
	"`channel_max`, `max_message_size`, `handshake_timeout`, `management.tcp.*`, `stomp.listeners.tcp.default`,\n"
	"`prometheus.tcp.port`, `log.console.level` and `log.default.level` act; RabbitMQ's other keys are one warning\n"
	"each; a key that neither knows stops the start.\n"
	"\n"
	"Sizes take K, M or G (powers of 1024), times ms, s, m or h (a bare number is milliseconds). A port of 0 is any\n"
	"free one, an empty one (or `off`) switches the listener off. SIGHUP reads everything again: what may change\n"
	"while running does, for the rest one log line names the setting and asks for a restart.\n";

static const char ending[] =
	"\n## Exit codes\n"
	"\n"
	"| code | meaning |\n"
	"|---|---|\n"
	"| 0 | done; for `serve`: stopped by a signal, everything on disk |\n"
	"| 1 | failed; the reason is on standard error |\n"
	"| 2 | bad command line or settings |\n"
	"| 3 | refused: open to the network with a default or empty password, or anonymous AWS access |\n"
	"| 4 | data directory locked by another process, newer than this binary, damaged or not writable |\n"
	"| 5 | an address is taken or cannot be bound |\n"
	"| 6 | commands: no daemon answers |\n"
	"| 7 | commands: the daemon does not accept the user, or the user may not |\n";

static const char *type_word(enum option_type type)
{
	switch (type) {
	case OPTION_TEXT:
		return "text";
	case OPTION_ADDRESS:
		return "address";
	case OPTION_NUMBER:
		return "number";
	case OPTION_SIZE:
		return "size";
	case OPTION_TIME:
		return "time";
	case OPTION_BOOL:
		return "yes or no";
	case OPTION_PORT:
		return "port";
	case OPTION_CHOICE:
		return "choice";
	}
	return "";
}

static void print_range(FILE *f, const struct option_row *row)
{
	if (row->type == OPTION_CHOICE) {
		for (const char *w = row->words; *w;) {
			size_t n = strcspn(w, " ");
			fprintf(f, "%s`%.*s`", w == row->words ? "" : ", ", (int)n, w);
			w += n;
			w += strspn(w, " ");
		}
		return;
	}
	fputs(type_word(row->type), f);
	if (row->type == OPTION_TIME)
		fprintf(f, ", %lld to %lld ms", (long long)row->min, (long long)row->max);
	else if (row->type == OPTION_NUMBER || row->type == OPTION_SIZE)
		fprintf(f, ", %lld to %lld", (long long)row->min, (long long)row->max);
}

static void markdown_row(FILE *f, const struct option_row *row)
{
	fprintf(f, "| `%s` | `%s` | ", row->name, *row->def ? row->def : " ");
	print_range(f, row);
	fprintf(f, " | %s |\n", row->doc);
}

void options_print_markdown(FILE *f)
{
	fputs(preface, f);
#define SECTION(title) fputs("\n## " title "\n\n| key | default | takes | meaning |\n|---|---|---|---|\n", f);
#define OPTION(field, name, type, def, min, max, doc) markdown_row(f, &option_rows[OPT_##field]);
#define CHOICE(field, name, def, words, doc) markdown_row(f, &option_rows[OPT_##field]);
#include "daemon/options_table.h"
#undef SECTION
#undef OPTION
#undef CHOICE
	fputs(ending, f);
}

static void help_row(FILE *f, const struct option_row *row)
{
	char key[128];
	snprintf(key, sizeof key, "%s=%s", row->name, row->def);
	fprintf(f, "  %-38s ", key);
	for (const char *p = row->doc; *p; p++)
		if (*p != '`')
			fputc(*p, f);
	if (row->type == OPTION_CHOICE)
		fprintf(f, " [%s]", row->words);
	fputc('\n', f);
}

void options_print_help(FILE *f)
{
#define SECTION(title) fputs("\n" title ":\n", f);
#define OPTION(field, name, type, def, min, max, doc) help_row(f, &option_rows[OPT_##field]);
#define CHOICE(field, name, def, words, doc) help_row(f, &option_rows[OPT_##field]);
#include "daemon/options_table.h"
#undef SECTION
#undef OPTION
#undef CHOICE
}
