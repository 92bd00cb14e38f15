/* SPDX-License-Identifier: Apache-2.0 */
/* Measures table layouts for the SQLite store, by itself: no daemon, no threads.
 *
 *   store_layouts DIR [entries]     layouts × page size × queues × transaction
 *   store_layouts DIR share         a body for 3 queues: repeated or kept once
 *   store_layouts DIR apart         a body in its row or in a row of its own
 *   store_layouts DIR chunks        a large body: one flat copy or blob writes
 *
 * Rates are per second, beside them CPU microseconds (user and system) for each,
 * which a busy machine disturbs less. WAL, synchronous=FULL, checkpoint from 1,000 pages.
 * DIR must be on the disk in question; the file in it is made anew each time.
 * Build: cc -O2 -std=gnu11 -D_GNU_SOURCE -I. -Ibridge tests/bench/store_layouts.c bridge/base/[*].c
 *        -lsqlite3 -lcrypto -lpthread -o store_layouts   (without the brackets) */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"

struct layout {
	const char *name, *schema, *insert, *remove;
	const char *insert_body, *remove_body; /* NULL: none */
};

#define COLUMNS                                                                                  \
	"origin, received, delivered, failed, due, deadline, body_id, key_id, nonce, producer,"   \
	" sequence, original, msg_group, annotations, header, body"
#define VALUES "?3, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, ?4, ?5"

static const struct layout layouts[] = {
	{"log + index",
	 "CREATE TABLE entry(pos INTEGER PRIMARY KEY, queue, lane, " COLUMNS ");"
	 "CREATE INDEX entry_lane ON entry(queue, lane)",
	 "INSERT INTO entry(pos, queue, lane, " COLUMNS ") VALUES(?1, ?2, 0, " VALUES ")",
	 "DELETE FROM entry WHERE pos=?1", NULL, NULL},
	{"clustered (queue, lane, pos)",
	 "CREATE TABLE entry(pos INTEGER, queue, lane, " COLUMNS
	 ", PRIMARY KEY(queue, lane, pos)) WITHOUT ROWID",
	 "INSERT INTO entry(pos, queue, lane, " COLUMNS ") VALUES(?1, ?2, 0, " VALUES ")",
	 "DELETE FROM entry WHERE queue=?2 AND lane=0 AND pos=?1", NULL, NULL},
	{"clustered, bodies apart",
	 "CREATE TABLE entry(pos INTEGER, queue, lane, " COLUMNS
	 ", PRIMARY KEY(queue, lane, pos)) WITHOUT ROWID;"
	 "CREATE TABLE body(id INTEGER PRIMARY KEY, bytes)",
	 "INSERT INTO entry(pos, queue, lane, " COLUMNS ") VALUES(?1, ?2, 0, " VALUES ")",
	 "DELETE FROM entry WHERE queue=?2 AND lane=0 AND pos=?1",
	 "INSERT INTO body VALUES(?1, ?2)", "DELETE FROM body WHERE id=?1"},
};

enum { LAYOUTS = sizeof(layouts) / sizeof(layouts[0]), BODY = 1024, HEADER = 120, CHECKPOINT = 1000 };

struct bench {
	sqlite3 *h;
	char path[4096];
	sqlite3_stmt *insert, *remove, *insert_body, *remove_body;
	int wal_pages;
};

static int on_commit(void *ctx, sqlite3 *h, const char *name, int pages)
{
	(void)h;
	(void)name;
	((struct bench *)ctx)->wal_pages = pages;
	return SQLITE_OK;
}

static void exec(struct bench *b, const char *sql)
{
	if (sqlite3_exec(b->h, sql, NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(b->h));
		exit(1);
	}
}

static sqlite3_stmt *prepare(struct bench *b, const char *sql)
{
	sqlite3_stmt *st = NULL;
	if (sql)
		must(sqlite3_prepare_v2(b->h, sql, -1, &st, NULL) == SQLITE_OK);
	return st;
}

static void step(sqlite3_stmt *st)
{
	must(sqlite3_step(st) == SQLITE_DONE);
	sqlite3_reset(st);
}

static void remove_file(const char *path)
{
	char wal[4200];
	unlink(path);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	unlink(wal);
}

static void bench_open(struct bench *b, const char *dir, int page, const char *schema)
{
	char sql[200];
	int chunk = 64 * 1024 * 1024;
	*b = (struct bench){0};
	snprintf(b->path, sizeof(b->path), "%s/layouts.db", dir);
	remove_file(b->path);
	must(sqlite3_open(b->path, &b->h) == SQLITE_OK);
	snprintf(sql, sizeof(sql),
		 "PRAGMA page_size=%d; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA locking_mode=EXCLUSIVE;"
		 "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32768", page);
	exec(b, sql);
	sqlite3_wal_autocheckpoint(b->h, 0);
	sqlite3_file_control(b->h, "main", SQLITE_FCNTL_CHUNK_SIZE, &chunk);
	sqlite3_wal_hook(b->h, on_commit, b);
	exec(b, schema);
}

static void bench_close(struct bench *b)
{
	sqlite3_finalize(b->insert);
	sqlite3_finalize(b->remove);
	sqlite3_finalize(b->insert_body);
	sqlite3_finalize(b->remove_body);
	must(sqlite3_close(b->h) == SQLITE_OK);
	remove_file(b->path);
}

static void commit(struct bench *b)
{
	exec(b, "COMMIT");
	if (b->wal_pages >= CHECKPOINT)
		sqlite3_wal_checkpoint_v2(b->h, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

struct watch {
	uint64_t wall_us, cpu_us;
};

static struct watch watch_now(void)
{
	struct rusage u;
	must(getrusage(RUSAGE_SELF, &u) == 0);
	return (struct watch){clock_mono_us(),
			      (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
				      (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec)};
}

struct cost {
	double per_second, cpu_us;
};

static struct cost cost_of(uint64_t n, struct watch from)
{
	struct watch to = watch_now();
	return (struct cost){(double)n * 1e6 / (double)(to.wall_us - from.wall_us),
			     (double)(to.cpu_us - from.cpu_us) / (double)n};
}

/* ---- layouts ---- */

struct shape {
	int page;
	uint64_t rows, queues, per;
};

static void insert_one(struct bench *b, uint64_t pos, const struct shape *s, const uint8_t *bytes)
{
	sqlite3_bind_int64(b->insert, 1, (int64_t)pos);
	sqlite3_bind_int64(b->insert, 2, (int64_t)(pos * 7919 % s->queues));
	sqlite3_bind_int64(b->insert, 3, (int64_t)(pos * 7919 % s->queues));
	sqlite3_bind_blob(b->insert, 4, bytes, HEADER, SQLITE_STATIC);
	if (b->insert_body) {
		sqlite3_bind_null(b->insert, 5);
		sqlite3_bind_int64(b->insert_body, 1, (int64_t)pos);
		sqlite3_bind_blob(b->insert_body, 2, bytes, BODY, SQLITE_STATIC);
		step(b->insert_body);
	} else {
		sqlite3_bind_blob(b->insert, 5, bytes, BODY, SQLITE_STATIC);
	}
	step(b->insert);
}

static void remove_one(struct bench *b, uint64_t pos, const struct shape *s)
{
	sqlite3_bind_int64(b->remove, 1, (int64_t)pos);
	if (sqlite3_bind_parameter_count(b->remove) > 1)
		sqlite3_bind_int64(b->remove, 2, (int64_t)(pos * 7919 % s->queues));
	step(b->remove);
	if (b->remove_body) {
		sqlite3_bind_int64(b->remove_body, 1, (int64_t)pos);
		step(b->remove_body);
	}
}

/* Positions in order, or shuffled within windows of `per` * 10: consumers that
 * acknowledge late are out of order, but not by the whole backlog. */
static uint64_t *order(const struct shape *s, bool shuffled)
{
	uint64_t *pos = mem_alloc(s->rows * sizeof(*pos));
	struct rng r;
	rng_seed(&r, 1);
	for (uint64_t i = 0; i < s->rows; i++)
		pos[i] = i + 1;
	for (uint64_t i = 0; shuffled && i + 1 < s->rows; i++) {
		uint64_t left = s->rows - i, window = left < 10000 ? left : 10000;
		uint64_t j = i + rng_below(&r, window), t = pos[i];
		pos[i] = pos[j];
		pos[j] = t;
	}
	return pos;
}

static struct cost insert_all(struct bench *b, const struct shape *s, const uint8_t *bytes)
{
	struct watch from = watch_now();
	for (uint64_t i = 0; i < s->rows; i += s->per) {
		exec(b, "BEGIN IMMEDIATE");
		for (uint64_t k = 0; k < s->per; k++)
			insert_one(b, i + k + 1, s, bytes);
		commit(b);
	}
	return cost_of(s->rows, from);
}

static struct cost remove_all(struct bench *b, const struct shape *s, bool shuffled)
{
	uint64_t *pos = order(s, shuffled);
	struct watch from = watch_now();
	for (uint64_t i = 0; i < s->rows; i += s->per) {
		exec(b, "BEGIN IMMEDIATE");
		for (uint64_t k = 0; k < s->per; k++)
			remove_one(b, pos[i + k], s);
		commit(b);
	}
	struct cost c = cost_of(s->rows, from);
	free(pos);
	return c;
}

static void entries(const char *dir)
{
	static const int pages[] = {4096, 8192, 16384};
	static const uint64_t queues[] = {1, 10000}, pers[] = {10, 100, 1000};
	uint8_t bytes[BODY];
	memset(bytes, 'x', sizeof(bytes));
	printf("%-28s %6s %7s %6s %16s %16s %16s\n", "layout", "page", "queues", "tx", "insert",
	       "in order", "shuffled");
	for (int n = 0; n < LAYOUTS * 3 * 2 * 3; n++) {
		const struct layout *l = &layouts[n % LAYOUTS];
		struct shape s = {pages[n / LAYOUTS % 3], 0, queues[n / (LAYOUTS * 3) % 2],
				  pers[n / (LAYOUTS * 6)]};
		struct cost in, out[2];
		s.rows = s.per == 10 ? 20000 : 100000;
		for (int shuffled = 0; shuffled < 2; shuffled++) {
			struct bench b;
			bench_open(&b, dir, s.page, l->schema);
			b.insert = prepare(&b, l->insert);
			b.remove = prepare(&b, l->remove);
			b.insert_body = prepare(&b, l->insert_body);
			b.remove_body = prepare(&b, l->remove_body);
			in = insert_all(&b, &s, bytes);
			out[shuffled] = remove_all(&b, &s, shuffled);
			bench_close(&b);
		}
		printf("%-28s %6d %7llu %6llu %9.0f %6.1f %9.0f %6.1f %9.0f %6.1f\n", l->name, s.page,
		       (unsigned long long)s.queues, (unsigned long long)s.per, in.per_second, in.cpu_us,
		       out[0].per_second, out[0].cpu_us, out[1].per_second, out[1].cpu_us);
	}
}

/* ---- bodies ---- */

static const char body_schema[] =
	"CREATE TABLE entry(pos INTEGER PRIMARY KEY, queue, lane, body_id, n, header, body);"
	"CREATE INDEX entry_lane ON entry(queue, lane);"
	"CREATE TABLE body(id INTEGER PRIMARY KEY, bytes); CREATE TABLE body_ref(id INTEGER PRIMARY KEY, refs)";

struct body_bench {
	struct bench b;
	sqlite3_stmt *add_ref, *set_ref, *remove_ref, *mark;
	const uint8_t *bytes;
	int n;
};

static void body_open(struct body_bench *t, const char *dir)
{
	bench_open(&t->b, dir, 8192, body_schema);
	t->b.insert = prepare(&t->b, "INSERT INTO entry VALUES(?1, ?2, 0, ?3, 1, ?4, ?5)");
	t->b.remove = prepare(&t->b, "DELETE FROM entry WHERE pos=?1");
	t->b.insert_body = prepare(&t->b, "INSERT INTO body VALUES(?1, ?2)");
	t->b.remove_body = prepare(&t->b, "DELETE FROM body WHERE id=?1");
	t->add_ref = prepare(&t->b, "INSERT INTO body_ref VALUES(?1, ?2)");
	t->set_ref = prepare(&t->b, "UPDATE body_ref SET refs=refs-1 WHERE id=?1");
	t->remove_ref = prepare(&t->b, "DELETE FROM body_ref WHERE id=?1");
	t->mark = prepare(&t->b, "UPDATE entry SET n=n+1 WHERE pos=?1");
}

static void body_close(struct body_bench *t)
{
	sqlite3_finalize(t->add_ref);
	sqlite3_finalize(t->set_ref);
	sqlite3_finalize(t->remove_ref);
	sqlite3_finalize(t->mark);
	bench_close(&t->b);
}

static void step_id(sqlite3_stmt *st, uint64_t id)
{
	sqlite3_bind_int64(st, 1, (int64_t)id);
	step(st);
}

/* One message for n queues from position `pos` on. */
static void body_insert(struct body_bench *t, uint64_t pos, uint64_t n, bool apart)
{
	if (apart) {
		sqlite3_bind_blob(t->b.insert_body, 2, t->bytes, t->n, SQLITE_STATIC);
		step_id(t->b.insert_body, pos);
		sqlite3_bind_int64(t->add_ref, 2, (int64_t)n);
		step_id(t->add_ref, pos);
	}
	for (uint64_t i = 0; i < n; i++) {
		sqlite3_bind_int64(t->b.insert, 2, (int64_t)i);
		sqlite3_bind_blob(t->b.insert, 4, t->bytes, HEADER, SQLITE_STATIC);
		if (apart) {
			sqlite3_bind_int64(t->b.insert, 3, (int64_t)pos);
			sqlite3_bind_null(t->b.insert, 5);
		} else {
			sqlite3_bind_null(t->b.insert, 3);
			sqlite3_bind_blob(t->b.insert, 5, t->bytes, t->n, SQLITE_STATIC);
		}
		step_id(t->b.insert, pos + i);
	}
}

static void body_remove(struct body_bench *t, uint64_t pos, uint64_t n, bool apart)
{
	for (uint64_t i = 0; i < n; i++) {
		step_id(t->b.remove, pos + i);
		if (apart && i + 1 < n)
			step_id(t->set_ref, pos);
	}
	if (apart) {
		step_id(t->b.remove_body, pos);
		step_id(t->remove_ref, pos);
	}
}

/* Messages a second: insert, mark (change a counter of each entry), remove. */
static void body_measure(const char *dir, int bytes, uint64_t queues, bool apart)
{
	struct body_bench t = {.bytes = mem_zalloc((size_t)bytes + HEADER), .n = bytes};
	uint64_t per = bytes > 65536 ? 10 : 100, n = bytes > 65536 ? 1000 : 20000;
	struct cost c[3];
	body_open(&t, dir);
	for (int what = 0; what < 3; what++) {
		struct watch from = watch_now();
		for (uint64_t i = 0; i < n; i++) {
			uint64_t pos = i * queues + 1;
			if (i % per == 0)
				exec(&t.b, "BEGIN IMMEDIATE");
			if (what == 0)
				body_insert(&t, pos, queues, apart);
			else if (what == 1)
				for (uint64_t q = 0; q < queues; q++)
					step_id(t.mark, pos + q);
			else
				body_remove(&t, pos, queues, apart);
			if (i % per == per - 1)
				commit(&t.b);
		}
		c[what] = cost_of(n, from);
	}
	printf("%7d bytes %2llu queues %-8s insert %8.0f %7.1f mark %8.0f %7.1f remove %8.0f %7.1f\n",
	       bytes, (unsigned long long)queues, apart ? "apart" : "in row", c[0].per_second, c[0].cpu_us,
	       c[1].per_second, c[1].cpu_us, c[2].per_second, c[2].cpu_us);
	body_close(&t);
	free((void *)(uintptr_t)t.bytes);
}

static void bodies(const char *dir, uint64_t queues, const int *sizes, size_t n)
{
	for (size_t i = 0; i < n * 2; i++)
		body_measure(dir, sizes[i / 2], queues, i % 2);
}

/* ---- chunks ---- */

enum { CHUNK = 64 * 1024 };

static void write_flat(struct body_bench *t, uint64_t id, uint8_t *scratch)
{
	for (int at = 0; at < t->n; at += CHUNK)
		memcpy(scratch + at, t->bytes + at, CHUNK);
	sqlite3_bind_blob(t->b.insert_body, 2, scratch, t->n, SQLITE_STATIC);
	step_id(t->b.insert_body, id);
}

static void write_chunks(struct body_bench *t, uint64_t id)
{
	sqlite3_blob *blob;
	sqlite3_bind_zeroblob(t->b.insert_body, 2, t->n);
	step_id(t->b.insert_body, id);
	must(sqlite3_blob_open(t->b.h, "main", "body", "bytes", (sqlite3_int64)id, 1, &blob) == SQLITE_OK);
	for (int at = 0; at < t->n; at += CHUNK)
		must(sqlite3_blob_write(blob, t->bytes + at, CHUNK, at) == SQLITE_OK);
	must(sqlite3_blob_close(blob) == SQLITE_OK);
}

static void chunks(const char *dir)
{
	static const int sizes[] = {128 * 1024, 1024 * 1024, 16 * 1024 * 1024};
	for (size_t i = 0; i < 6; i++) {
		struct body_bench t = {.n = sizes[i / 2], .bytes = mem_zalloc((size_t)sizes[i / 2])};
		uint8_t *scratch = mem_alloc((size_t)t.n);
		uint64_t n = 256ull * 1024 * 1024 / (uint64_t)t.n;
		body_open(&t, dir);
		struct watch from = watch_now();
		for (uint64_t id = 1; id <= n; id++) {
			exec(&t.b, "BEGIN IMMEDIATE");
			if (i % 2)
				write_chunks(&t, id);
			else
				write_flat(&t, id, scratch);
			commit(&t.b);
		}
		struct cost c = cost_of(n, from);
		printf("%9d bytes %-10s %8.1f MiB/s %8.1f CPU us\n", t.n, i % 2 ? "blob write" : "flat",
		       c.per_second * t.n / 1048576, c.cpu_us);
		body_close(&t);
		free(scratch);
		free((void *)(uintptr_t)t.bytes);
	}
}

int main(int argc, char **argv)
{
	static const int shared[] = {256, 512, 1024, 2048, 4096, 8192};
	static const int apart[] = {1024, 4096, 8192, 16384, 32768, 131072};
	const char *what = argc > 2 ? argv[2] : "entries";
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2) {
		fprintf(stderr, "usage: store_layouts DIR [entries | share | apart | chunks]\n");
		return 2;
	}
	if (strcmp(what, "entries") == 0)
		entries(argv[1]);
	else if (strcmp(what, "share") == 0)
		bodies(argv[1], 3, shared, sizeof(shared) / sizeof(shared[0]));
	else if (strcmp(what, "apart") == 0)
		bodies(argv[1], 1, apart, sizeof(apart) / sizeof(apart[0]));
	else if (strcmp(what, "chunks") == 0)
		chunks(argv[1]);
	else
		return 2;
	return 0;
}
