/* SPDX-License-Identifier: Apache-2.0 */
/* The VFS that joins writes, without SQLite's pager above it: what is in the
 * file when, and where an error of the disk comes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/store_sqlite_gather.h"
#include "support/store_crash.h"

enum { PAGE = 8192, MANY = 40 }; /* MANY pages are more than is gathered at once */

struct fixture {
	struct store_crash *disk;
	struct gather *g;
	sqlite3_file *f;
	uint64_t calls; /* of the disk, when last asked */
};

static sqlite3_file *file_open(const char *vfs, const char *name, int type)
{
	sqlite3_vfs *v = sqlite3_vfs_find(vfs);
	assert_non_null(v);
	sqlite3_file *f = calloc(1, (size_t)v->szOsFile);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | type;
	assert_int_equal(v->xOpen(v, name, f, flags, &flags), SQLITE_OK);
	return f;
}

static void file_close(sqlite3_file *f)
{
	assert_int_equal(f->pMethods->xClose(f), SQLITE_OK);
	free(f);
}

static int setup(void **state)
{
	struct fixture *t = calloc(1, sizeof(*t));
	t->disk = store_crash_new("gather-disk", 1);
	t->g = gather_new("gather-disk");
	assert_non_null(t->g);
	t->f = file_open(gather_name(t->g), "/a.db-wal", SQLITE_OPEN_WAL);
	t->calls = store_crash_calls(t->disk);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *t = *state;
	file_close(t->f);
	gather_free(t->g);
	store_crash_free(t->disk);
	free(t);
	return 0;
}

/* Calls that have come to the disk since last asked. */
static uint64_t calls(struct fixture *t)
{
	uint64_t all = store_crash_calls(t->disk), n = all - t->calls;
	t->calls = all;
	return n;
}

static int put(sqlite3_file *f, char fill, int n, sqlite3_int64 at)
{
	uint8_t bytes[PAGE];
	memset(bytes, fill, sizeof(bytes));
	return f->pMethods->xWrite(f, bytes, n, at);
}

static void expect(sqlite3_file *f, char fill, sqlite3_int64 at)
{
	char c = 0;
	assert_int_equal(f->pMethods->xRead(f, &c, 1, at), SQLITE_OK);
	assert_int_equal(c, fill);
}

static void test_neighbours_are_one_write(void **state)
{
	struct fixture *t = *state;
	assert_int_equal(put(t->f, 'a', 24, 32), SQLITE_OK);
	assert_int_equal(put(t->f, 'b', PAGE, 56), SQLITE_OK);
	assert_int_equal(put(t->f, 'c', 24, 56 + PAGE), SQLITE_OK);
	assert_int_equal(calls(t), 0);
	assert_int_equal(t->f->pMethods->xSync(t->f, SQLITE_SYNC_NORMAL), SQLITE_OK);
	assert_int_equal(calls(t), 2); /* a write and the sync */
	expect(t->f, 'a', 32);
	expect(t->f, 'b', 56);
	expect(t->f, 'c', 56 + PAGE);
}

static void test_others_are_their_own(void **state)
{
	struct fixture *t = *state;
	put(t->f, 'a', PAGE, 0);
	put(t->f, 'b', PAGE, 2 * PAGE);
	assert_int_equal(calls(t), 1);
	put(t->f, 'c', PAGE, 2 * PAGE); /* over what is gathered, not behind it */
	assert_int_equal(calls(t), 1);
	expect(t->f, 'c', 2 * PAGE);
	assert_int_equal(calls(t), 1);
	expect(t->f, 'a', 0);
	assert_int_equal(calls(t), 0);
}

static void test_many_go_before_the_sync(void **state)
{
	struct fixture *t = *state;
	for (int i = 0; i < MANY; i++)
		assert_int_equal(put(t->f, (char)('a' + i % 26), PAGE, (sqlite3_int64)i * PAGE), SQLITE_OK);
	uint64_t n = calls(t);
	assert_true(n > 0 && n < MANY / 4);
	for (int i = 0; i < MANY; i++)
		expect(t->f, (char)('a' + i % 26), (sqlite3_int64)i * PAGE);
}

static void test_what_looks_sees_it(void **state)
{
	struct fixture *t = *state;
	sqlite3_int64 size = 0;
	put(t->f, 'a', PAGE, 0);
	assert_int_equal(t->f->pMethods->xFileSize(t->f, &size), SQLITE_OK);
	assert_int_equal(size, PAGE);
	put(t->f, 'b', PAGE, PAGE);
	assert_int_equal(t->f->pMethods->xTruncate(t->f, PAGE + 1), SQLITE_OK);
	assert_int_equal(t->f->pMethods->xFileSize(t->f, &size), SQLITE_OK);
	assert_int_equal(size, PAGE + 1);
	expect(t->f, 'b', PAGE);
}

static void test_closing_writes(void **state)
{
	struct fixture *t = *state;
	put(t->f, 'z', PAGE, 0);
	file_close(t->f);
	t->f = file_open(gather_name(t->g), "/a.db-wal", SQLITE_OPEN_WAL);
	expect(t->f, 'z', 0);
}

/* Only the database and its log: a rollback journal has its own order of syncs. */
static void test_other_files_are_left_alone(void **state)
{
	struct fixture *t = *state;
	sqlite3_file *f = file_open(gather_name(t->g), "/a.db-journal", SQLITE_OPEN_MAIN_JOURNAL);
	calls(t);
	put(f, 'a', 24, 0);
	put(f, 'b', PAGE, 24);
	assert_int_equal(calls(t), 2);
	file_close(f);
}

static void test_the_sync_tells_of_a_failed_write(void **state)
{
	struct fixture *t = *state;
	put(t->f, 'a', PAGE, 0);
	store_crash_fault(t->disk, CRASH_ENOSPC, 1, 1);
	assert_int_equal(t->f->pMethods->xSync(t->f, SQLITE_SYNC_NORMAL), SQLITE_FULL);
	assert_true(store_crash_hit(t->disk));
	/* The disk is well again, the file is not: something in it is missing. */
	sqlite3_int64 size;
	char c;
	assert_int_equal(t->f->pMethods->xSync(t->f, SQLITE_SYNC_NORMAL), SQLITE_FULL);
	assert_int_equal(t->f->pMethods->xRead(t->f, &c, 1, 0), SQLITE_FULL);
	assert_int_equal(t->f->pMethods->xFileSize(t->f, &size), SQLITE_FULL);
	assert_int_equal(put(t->f, 'b', PAGE, 0), SQLITE_FULL);
	assert_int_equal(t->f->pMethods->xClose(t->f), SQLITE_FULL);
	free(t->f);
	t->f = file_open(gather_name(t->g), "/a.db-wal", SQLITE_OPEN_WAL);
	assert_int_equal(put(t->f, 'b', PAGE, 0), SQLITE_OK);
}

static void test_a_write_elsewhere_tells_too(void **state)
{
	struct fixture *t = *state;
	put(t->f, 'a', PAGE, 0);
	store_crash_fault(t->disk, CRASH_EIO, 1, 1);
	assert_int_not_equal(put(t->f, 'b', PAGE, 4 * PAGE), SQLITE_OK);
	assert_int_not_equal(t->f->pMethods->xClose(t->f), SQLITE_OK);
	free(t->f);
	t->f = file_open(gather_name(t->g), "/a.db-wal", SQLITE_OPEN_WAL);
}

/* SQLite gives a hint and does not look at the answer. */
static void test_a_hint_swallows_no_error(void **state)
{
	struct fixture *t = *state;
	sqlite3_int64 hint = 100 * PAGE;
	put(t->f, 'a', PAGE, 0);
	store_crash_fault(t->disk, CRASH_EIO, 1, 1);
	t->f->pMethods->xFileControl(t->f, SQLITE_FCNTL_SIZE_HINT, &hint);
	assert_int_not_equal(t->f->pMethods->xSync(t->f, SQLITE_SYNC_NORMAL), SQLITE_OK);
	assert_int_not_equal(t->f->pMethods->xClose(t->f), SQLITE_OK);
	free(t->f);
	t->f = file_open(gather_name(t->g), "/a.db-wal", SQLITE_OPEN_WAL);
}

static void test_no_vfs_below(void **state)
{
	(void)state;
	assert_null(gather_new("there is none"));
	gather_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_neighbours_are_one_write, setup, teardown),
		cmocka_unit_test_setup_teardown(test_others_are_their_own, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_go_before_the_sync, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_looks_sees_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_closing_writes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_files_are_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_sync_tells_of_a_failed_write, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_write_elsewhere_tells_too, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_hint_swallows_no_error, setup, teardown),
		cmocka_unit_test(test_no_vfs_below),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
