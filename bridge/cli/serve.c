/* SPDX-License-Identifier: Apache-2.0 */
/* mqbridge serve: collects the sources of settings and runs the daemon. */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/args.h"
#include "cli/cli.h"

static const char default_file[] = "/etc/mqbridge/mqbridge.conf";

struct list {
	const char **v;
	size_t n;
};

static void list_add(struct list *l, const char *s)
{
	const char **grown = realloc(l->v, (l->n + 1) * sizeof *l->v);
	must(grown);
	grown[l->n++] = s;
	l->v = grown;
}

static void serve_help(void)
{
	printf("usage: mqbridge serve [--config FILE]... [--data DIR] [--set key=value]...\n\n"
	       "Prints one line of JSON with its ports when it is ready; SIGTERM stops it.\n"
	       "Settings, as key=default:\n");
	options_print_help(stdout);
}

enum exit_code serve_main(int argc, char **argv)
{
	struct list files = {0}, sets = {0};
	const char *data = NULL, *env_file = getenv("MQBRIDGE_CONFIG");
	bool help = false;
	const struct arg_flag flags[] = {
		{"--config", NULL, NULL, &files.v, &files.n},
		{"--set", NULL, NULL, &sets.v, &sets.n},
		{"--data", &data, NULL, NULL, NULL},
		{"--help", NULL, &help, NULL, NULL},
	};
	enum exit_code code = EXIT_USAGE;
	char *data_set = NULL;
	if (args_take(argc, argv, flags, sizeof flags / sizeof *flags, NULL, 0) == 0) {
		if (data) {
			must(asprintf(&data_set, "data=%s", data) > 0);
			list_add(&sets, data_set);
		}
		if (!files.n && env_file && *env_file)
			list_add(&files, env_file);
		else if (!files.n && access(default_file, R_OK) == 0)
			list_add(&files, default_file);
		struct options_sources sources = {files.v, files.n, sets.v, sets.n, environ};
		if (help)
			serve_help();
		code = help ? EXIT_OK : daemon_run(&sources);
	}
	free(data_set);
	free(files.v);
	free(sets.v);
	return code;
}
