/* SPDX-License-Identifier: Apache-2.0 */
/* Every vector of docs/naming.md against the code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "mapping/names.h"

enum { LINE_MAX_BYTES = 1024, NAME_BYTES_MAX = 512 };

#define TIMES "\xc3\x97"

static FILE *doc_open(void)
{
	char path[4096];
	size_t n = strlen(__FILE__) - strlen("tests/unit/mapping/test_naming_doc.c");
	snprintf(path, sizeof path, "%.*sdocs/naming.md", (int)n, __FILE__);
	FILE *f = fopen(path, "r");
	if (!f)
		fail_msg("cannot read %s", path);
	return f;
}

/* The cells of a table's row, without the spaces around them. */
static size_t cells_of(char *line, char *cells[4])
{
	size_t n = 0;
	for (char *p = line; *p == '|' && n < 4; n++) {
		char *cell = p + 1 + strspn(p + 1, " ");
		p = cell + strcspn(cell, "|\n");
		if (*p != '|')
			break;
		for (char *end = p; end > cell && end[-1] == ' ';)
			*--end = 0;
		cells[n] = cell;
		if (p[1] == '\n') {
			*p = 0;
			return n + 1;
		}
	}
	return 0;
}

/* `text`, `text`×N, several of them, FF FE (bytes), (empty) */
static void cell_decode(const char *p, struct buf *out)
{
	buf_clear(out);
	if (strcmp(p, "(empty)") == 0)
		return;
	if (strstr(p, "(bytes)")) {
		for (char *end; *p != '('; p = end + strspn(end, " "))
			buf_add_u8(out, (uint8_t)strtoul(p, &end, 16));
		return;
	}
	while (*p) {
		assert_int_equal(*p, '`');
		size_t n = strcspn(++p, "`");
		struct view piece = view_of(p, n);
		p += n + 1;
		unsigned long times = 1;
		if (strncmp(p, TIMES, 2) == 0)
			times = strtoul(p + 2, (char **)&p, 10);
		while (times--)
			buf_add(out, piece);
		p += strspn(p, " ");
	}
}

static void name_check(const char *kind, const char *true_name, const char *wire_name)
{
	char wire[NAME_TOPIC_MAX + 1];
	struct buf in, wanted;
	buf_init(&in, NAME_BYTES_MAX);
	buf_init(&wanted, NAME_BYTES_MAX);
	cell_decode(true_name, &in);
	cell_decode(wire_name, &wanted);
	name_to_wire(strncmp(kind, "topic", 5) == 0 ? NAME_TOPIC : NAME_QUEUE, buf_view(&in), strstr(kind, "FIFO"), wire);
	if (!view_eq(view_str(wire), buf_view(&wanted)))
		fail_msg("%s %s: %s, the page has %s", kind, true_name, wire, wire_name);
	buf_fini(&in);
	buf_fini(&wanted);
}

static void account_check(const char *vhost, const char *account)
{
	char made[ACCOUNT_DIGITS + 1];
	struct buf in;
	buf_init(&in, NAME_BYTES_MAX);
	cell_decode(vhost, &in);
	name_account(buf_view(&in), made);
	assert_string_equal(made, account);
	buf_fini(&in);
}

static void test_vectors(void **state)
{
	(void)state;
	char line[LINE_MAX_BYTES], *cells[4];
	size_t names = 0, accounts = 0;
	FILE *f = doc_open();
	while (fgets(line, sizeof line, f)) {
		size_t n = cells_of(line, cells);
		if (n == 3 && (strncmp(cells[0], "queue", 5) == 0 || strncmp(cells[0], "topic", 5) == 0)) {
			name_check(cells[0], cells[1], cells[2]);
			names++;
		} else if (n == 2 && strspn(cells[1], "0123456789") == ACCOUNT_DIGITS) {
			account_check(cells[0], cells[1]);
			accounts++;
		}
	}
	fclose(f);
	assert_int_equal(names, 39);
	assert_int_equal(accounts, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
