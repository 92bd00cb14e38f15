/* SPDX-License-Identifier: Apache-2.0 */
/* What a headers exchange with many bindings costs a publish: header bytes decoded
 * by the 0-9-1 codec, then matched.
 *
 *   router_headers [bindings]
 *
 * Prints CPU nanoseconds a message and how many bindings it matches. The line "scan"
 * is every binding asked in turn, for comparison.
 * Build: cc -O2 -std=gnu11 -D_GNU_SOURCE -DMQB_VERSION='"0"' -I. -Ibridge -Itests/unit/mapping
 *        tests/bench/router_headers.c build/release/libmqb_{amqp,engine,access,store,mapping,base}.a
 *        -lrabbitmq -ljansson -lsqlite3 -lpcre2-8 -lcrypto -lm -lpthread -o router_headers */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "amqp/v091.h"
#include "base/log.h"
#include "headers_model.h"
#include "mapping/router.h"

enum { ROUNDS = 200000, FIELDS_MAX = 4 };

static int64_t cpu_ns(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000LL + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000LL;
}

static struct field integer(const char *name, size_t i)
{
	return (struct field){view_str(name), {.type = VALUE_I32, .i = (int64_t)i}};
}

static struct field text(const char *name, const char *value)
{
	return (struct field){view_str(name), {.type = VALUE_STRING, .s = view_str(value)}};
}

/* Fills `f` for the i-th binding; returns how many fields. */
static size_t own_id(size_t i, struct field *f)
{
	f[0] = text("tenant", "one");
	f[1] = integer("id", i);
	return 2;
}

static size_t two_of_hundred(size_t i, struct field *f)
{
	f[0] = integer("kind", i % 100);
	f[1] = integer("id", i / 100 % 100);
	return 2;
}

static size_t any_of_two(size_t i, struct field *f)
{
	f[0] = text("x-match", "any");
	f[1] = integer("kind", 1000 + i);
	f[2] = integer("id", i);
	return 3;
}

static size_t present(size_t i, struct field *f)
{
	f[0] = (struct field){VIEW("id"), {.type = VALUE_VOID}};
	f[1] = text("tenant", i % 1000 ? "other" : "one");
	return 2;
}

static size_t everything(size_t i, struct field *f)
{
	(void)i;
	f[0] = text("tenant", "one");
	return 1;
}

static void bench(const char *name, size_t n, size_t (*binding)(size_t i, struct field *f), struct view raw)
{
	struct router *r = router_new(ROUTER_HEADERS);
	struct router_cursor c = {0};
	struct field f[FIELDS_MAX];
	struct arena a;
	int64_t start = cpu_ns();
	for (size_t i = 0; i < n; i++)
		router_add(r, VIEW(""), &(struct table){f, binding(i, f)}, i);
	int64_t bound = cpu_ns() - start;
	size_t rounds = ROUNDS, found = 0;
	arena_init(&a);
	start = cpu_ns();
	for (size_t i = 0; i < rounds; i++) {
		struct bag bag = {.has = 0};
		must(v091_codec.decode(raw, &a, &bag));
		router_match(r, VIEW("key"), &bag.headers, &c);
		found = c.n;
		arena_reset(&a);
		if (found > 1000)
			rounds = ROUNDS / 100;
	}
	printf("%-16s %8.0f ns a message, %5zu matched, %5.0f ns a bind\n", name,
	       (double)(cpu_ns() - start) / (double)rounds, found, (double)bound / (double)n);
	arena_fini(&a);
	router_cursor_fini(&c);
	router_free(r);
}

/* The rule asked of each binding, without an index. */
static void scan(size_t n, struct view raw)
{
	enum { SCANS = 50 };
	struct bag bag = {.has = 0};
	struct field f[FIELDS_MAX];
	struct arena a;
	size_t found = 0;
	arena_init(&a);
	must(v091_codec.decode(raw, &a, &bag));
	int64_t start = cpu_ns();
	for (size_t i = 0; i < SCANS * n; i++)
		found += model_reaches(&(struct table){f, own_id(i % n, f)}, &bag.headers);
	printf("%-16s %8.0f ns a message, %5zu matched\n", "scan", (double)(cpu_ns() - start) / SCANS, found / SCANS);
	arena_fini(&a);
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	struct field f[] = {text("tenant", "one"), integer("id", 42), integer("kind", 7), text("trace", "abcdef")};
	const struct bag bag = {.has = BAG_HEADERS, .headers = {f, 4}};
	struct buf raw;
	buf_init(&raw, 65536);
	must(v091_codec.encode(&bag, &raw));
	printf("%zu bindings, messages with 4 headers\n", n);
	bench("none bound", 1, own_id, buf_view(&raw));
	bench("own id", n, own_id, buf_view(&raw));
	bench("two of hundred", n, two_of_hundred, buf_view(&raw));
	bench("any of two", n, any_of_two, buf_view(&raw));
	bench("present", n, present, buf_view(&raw));
	bench("everything", n, everything, buf_view(&raw));
	scan(n, buf_view(&raw));
	buf_fini(&raw);
	return 0;
}
