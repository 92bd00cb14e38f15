/* SPDX-License-Identifier: Apache-2.0 */
/* docs/configuration.md is what the table of settings says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/options.h"

static char *read_all(const char *path)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return NULL;
	char *text = calloc(1, 1 << 20);
	assert_non_null(text);
	size_t n = fread(text, 1, (1 << 20) - 1, f);
	text[n] = 0;
	fclose(f);
	return text;
}

static void reference_is_current(void **state)
{
	(void)state;
	char path[4096], *made = NULL;
	size_t n = strlen(__FILE__) - strlen("tests/unit/daemon/test_options_doc.c");
	snprintf(path, sizeof path, "%.*sdocs/configuration.md", (int)n, __FILE__);
	FILE *f = open_memstream(&made, &n);
	assert_non_null(f);
	options_print_markdown(f);
	fclose(f);
	char *there = read_all(path);
	if (!there || strcmp(there, made) != 0)
		fail_msg("%s is not current: write it with mqbridge options-markdown", path);
	free(there);
	free(made);
}

static void every_row_is_in_help(void **state)
{
	(void)state;
	char *made = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&made, &n);
	assert_non_null(f);
	options_print_help(f);
	fclose(f);
	for (size_t i = 0; i < OPTIONS; i++) {
		char key[128];
		snprintf(key, sizeof key, "  %s=", option_rows[i].name);
		if (!strstr(made, key))
			fail_msg("%s is not in --help", option_rows[i].name);
		assert_ptr_equal(option_find(option_rows[i].name), &option_rows[i]);
	}
	free(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_is_current),
		cmocka_unit_test(every_row_is_in_help),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
