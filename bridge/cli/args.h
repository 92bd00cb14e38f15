/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of one command: flags with or without a value, then words. */
#ifndef MQB_CLI_ARGS_H
#define MQB_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>

struct arg_flag {
	const char *name;    /* "--url" */
	const char **value;  /* takes a value: the last one given; or NULL */
	bool *on;            /* takes none; or NULL */
	const char ***many;  /* takes a value, may be repeated: owned array; or NULL */
	size_t *n_many;
};

/* Words that are no flags, in order. Returns their number, -1 after telling what is
 * wrong: an unknown flag, a missing value, more than max words. */
int args_take(int argc, char **argv, const struct arg_flag *flags, size_t n_flags, const char **words,
	      int max);

#endif
