/* SPDX-License-Identifier: Apache-2.0 */
/* Standard error goes to a memory file while a test runs. */
#include "check.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static int saved, file;
static char text[256 * 1024];

static int capture(void **state)
{
	(void)state;
	log_set_level(LOG_INFO);
	saved = dup(STDERR_FILENO);
	file = memfd_create("log", MFD_CLOEXEC);
	return saved < 0 || file < 0 || dup2(file, STDERR_FILENO) < 0;
}

static int restore(void **state)
{
	(void)state;
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(file);
	return 0;
}

/* All that was written since the capture began. */
static const char *written(void)
{
	ssize_t n = pread(file, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = 0;
	return text;
}

static int lines(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

static void a_line_has_a_fixed_order(void **state)
{
	int year, month, day, hour, minute, second, ms, end = 0;

	(void)state;
	log_info("queue.declared", "queue=\"%s\" n=%d", "orders", 3);
	const char *s = written();
	assert_int_equal(sscanf(s, "ts=%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month, &day,
				&hour, &minute, &second, &ms, &end), 7);
	assert_int_equal(end, 27);
	assert_in_range(month, 1, 12);
	assert_true(year >= 2020);
	assert_string_equal(s + end, " level=info event=queue.declared queue=\"orders\" n=3\n");
}

static void below_the_level_is_silent(void **state)
{
	(void)state;
	log_debug("silent.debug", "x=1");
	assert_string_equal(written(), "");
	log_set_level(LOG_DEBUG);
	log_debug("loud.debug", "x=1");
	assert_non_null(strstr(written(), "level=debug event=loud.debug x=1\n"));
	log_set_level(LOG_ERROR);
	log_warn("silent.warn", "x=1");
	log_error("loud.error", "x=%d", 2);
	assert_int_equal(lines(written()), 2);
}

static void a_burst_is_held_back_by_event(void **state)
{
	(void)state;
	for (int i = 0; i < 3 * LOG_BURST; i++)
		log_info("burst.one", "i=%d", i);
	/* The seconds of one event do not touch another's. */
	log_info("burst.two", "x=1");
	const char *s = written();
	/* A slow machine may cross into the next second once or twice. */
	assert_in_range(lines(s), LOG_BURST + 1, 3 * LOG_BURST + 1);
	assert_non_null(strstr(s, "event=burst.two x=1\n"));
}

/* Written until a second has passed, so that the next line tells the count. */
static void the_next_line_counts_what_was_held(void **state)
{
	uint64_t end = clock_mono_us() + 10u * 1000000;
	const char *held = NULL;
	int n = 0, all = 0;

	(void)state;
	while (!held && clock_mono_us() < end) {
		log_info("burst.held", "i=%d", n++);
		if (n % 1000 == 0)
			held = strstr(written(), " held=");
	}
	assert_non_null(held);
	assert_int_equal(sscanf(held, " held=%d i=", &all), 1);
	/* All lines before the one that counts, but those that were written. */
	const char *line = strstr(held, "i=");
	assert_non_null(line);
	int before = 0;
	for (const char *c = text; c < held; c++)
		before += *c == '\n';
	assert_int_equal(all, (int)strtol(line + 2, NULL, 10) - before);
	log_info("burst.held", "i=%d", n);
	assert_null(strstr(strstr(written(), " held=") + 1, " held=")); /* counted once */
}

static void control_characters_never_break_a_line(void **state)
{
	(void)state;
	log_info("bad.text", "x=\"%s\"", "a\nlevel=error event=forged\r\x1b[31m\x7f");
	assert_int_equal(lines(written()), 1);
	assert_non_null(strstr(written(), "x=\"a?level=error event=forged??[31m?\"\n"));
}

static void a_long_line_is_cut(void **state)
{
	static char large[2 * LOG_LINE];

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	log_info("long.text", "x=%s", large);
	const char *s = written();
	assert_int_equal(strlen(s), LOG_LINE);
	assert_int_equal(s[LOG_LINE - 1], '\n');
}

static void quoting(void **state)
{
	static const struct { struct view in; const char *want; } rows[] = {
		{{NULL, 0}, ""},
		{VIEW("plain text"), "plain text"},
		{VIEW("say \"hi\" \\ bye"), "say \\\"hi\\\" \\\\ bye"},
		{VIEW("a\n\t\0\x7f"), "a\\x0a\\x09\\x00\\x7f"},
		{VIEW("\xd0\x9f\xe2\x82\xac"), "\xd0\x9f\xe2\x82\xac"},
		{VIEW("\xff\xc3"), "\\xff\\xc3"},
		{VIEW("\xc2\x9b\x33m"), "\\xc2\\x9b\x33m"}, /* C1: a terminal's CSI */
		{VIEW("123456789012345678901234567890"), "123456789012345678901234567890"},
		{VIEW("1234567890123456789012345678901"), "1234567890123456789012345678901"},
		{VIEW("12345678901234567890123456789012"), "1234567890123456789012345678..."},
		{VIEW("123456789012345678901234567\xe2\x82\xac\xe2\x82\xac"),
		 "123456789012345678901234567..."},
	};
	char buf[32];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(log_quote(rows[i].in, buf, sizeof(buf)), rows[i].want);
	assert_string_equal(log_quote(VIEW("abcd"), buf, 4), "...");
	assert_string_equal(log_quote(VIEW("abc"), buf, 4), "abc");
	for (size_t n = 4; n <= sizeof(buf); n++) /* never past n; ASan looks on */
		assert_true(strlen(log_quote(VIEW("\x01\x02\xe2\x82\xac\"\\\x03\x04\x05"), buf, n)) < n);
}

static void *log_many(void *arg)
{
	char name[32];

	(void)arg;
	for (int i = 0; i < 200; i++)
		log_info("thread.line", "text=\"%s\"", log_quote(VIEW("a b c"), name, sizeof(name)));
	return NULL;
}

static void threads_write_whole_lines(void **state)
{
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_many, NULL), 0);
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	written();
	char *rest = text;
	for (char *line; (line = strsep(&rest, "\n")) && *line;) {
		assert_memory_equal(line, "ts=", 3);
		assert_string_equal(line + strlen(line) - 12, "text=\"a b c\"");
	}
}

static void broken_invariant(void)
{
	int two = 2;
	must(two == 3);
}

static void must_aborts(void **state)
{
	(void)state;
	must(2 == 2);
	check_aborts(broken_invariant);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_line_has_a_fixed_order, capture, restore),
		cmocka_unit_test_setup_teardown(below_the_level_is_silent, capture, restore),
		cmocka_unit_test_setup_teardown(a_burst_is_held_back_by_event, capture, restore),
		cmocka_unit_test_setup_teardown(the_next_line_counts_what_was_held, capture, restore),
		cmocka_unit_test_setup_teardown(control_characters_never_break_a_line, capture, restore),
		cmocka_unit_test_setup_teardown(a_long_line_is_cut, capture, restore),
		cmocka_unit_test_setup_teardown(quoting, capture, restore),
		cmocka_unit_test_setup_teardown(threads_write_whole_lines, capture, restore),
		cmocka_unit_test_setup_teardown(must_aborts, capture, restore),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
