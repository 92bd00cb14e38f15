/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static void many_add(const struct arg_flag *f, const char *value)
{
	const char **grown = realloc(*f->many, (*f->n_many + 1) * sizeof **f->many);
	must(grown);
	grown[(*f->n_many)++] = value;
	*f->many = grown;
}

static const struct arg_flag *flag_find(const struct arg_flag *flags, size_t n, const char *arg, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(flags[i].name) == len && strncmp(flags[i].name, arg, len) == 0)
			return &flags[i];
	return NULL;
}

/* One flag at argv[*at], moved past what it takes. */
static bool flag_take(int argc, char **argv, int *at, const struct arg_flag *flags, size_t n_flags)
{
	const char *arg = argv[*at];
	size_t len = strcspn(arg, "=");
	const struct arg_flag *f = flag_find(flags, n_flags, arg, len);
	if (!f) {
		fprintf(stderr, "mqbridge: unknown option %s\n", arg);
		return false;
	}
	const char *value = arg[len] ? arg + len + 1 : NULL;
	if (f->on) {
		*f->on = true;
		if (value)
			fprintf(stderr, "mqbridge: %s takes no value\n", f->name);
		return !value;
	}
	if (!value && *at + 1 < argc)
		value = argv[++*at];
	if (!value) {
		fprintf(stderr, "mqbridge: %s needs a value\n", f->name);
		return false;
	}
	if (f->many)
		many_add(f, value);
	else
		*f->value = value;
	return true;
}

int args_take(int argc, char **argv, const struct arg_flag *flags, size_t n_flags, const char **words,
	      int max)
{
	int n = 0;
	bool only_words = false;
	for (int at = 1; at < argc; at++) {
		if (!only_words && strcmp(argv[at], "--") == 0) {
			only_words = true;
		} else if (!only_words && argv[at][0] == '-' && argv[at][1]) {
			if (!flag_take(argc, argv, &at, flags, n_flags))
				return -1;
		} else if (n == max) {
			fprintf(stderr, "mqbridge: one argument too many: %s\n", argv[at]);
			return -1;
		} else {
			words[n++] = argv[at];
		}
	}
	return n;
}
