/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP head: what it makes of the bytes must not depend on where they are cut,
 * nor on whether the handler answers at once or later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http_rig.h"

#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
#define OK_HEAD(n, connection)                                                 \
	"HTTP/1.1 200 OK\r\nX-Test: a  Injected: b\r\nContent-Length: " n "\r\n" DATE         \
	"Connection: " connection "\r\n\r\n"

struct script {
	const char *name, *in, *out;
	bool closing;
};

static const struct script scripts[] = {
	{"get", "GET /a/b%20c?x=1&y HTTP/1.1\r\nHost: h\r\n\r\n",
	 OK_HEAD("30", "keep-alive") "GET /a/b%20c?x=1&y n=1 host=h ", false},
	{"post", "POST / HTTP/1.1\r\nHost:h\r\nContent-Length: 5\r\n\r\nhello",
	 OK_HEAD("24", "keep-alive") "POST /? n=2 host=h hello", false},
	{"chunked with extension and trailer",
	 "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	 "3;q=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n",
	 OK_HEAD("24", "keep-alive") "POST /? n=2 host=h abcde", false},
	{"pipelined",
	 "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"
	 "GET /3 HTTP/1.1\r\nHost: h\r\n\r\n",
	 OK_HEAD("19", "keep-alive") "GET /1? n=1 host=h " OK_HEAD("21", "keep-alive")
	 "POST /2? n=2 host=h x" OK_HEAD("19", "keep-alive") "GET /3? n=1 host=h ", false},
	{"nothing after Connection: close",
	 "GET /1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
	 OK_HEAD("19", "close") "GET /1? n=2 host=h ", true},
	{"1.0 closes", "GET / HTTP/1.0\r\n\r\n", OK_HEAD("17", "close") "GET /? n=0 host= ", true},
	{"1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	 OK_HEAD("17", "keep-alive") "GET /? n=1 host= ", false},
	{"head has no body", "HEAD /x HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
	 OK_HEAD("20", "keep-alive") OK_HEAD("18", "keep-alive") "GET /? n=1 host=h ", false},
	{"expect", "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nok",
	 "HTTP/1.1 100 Continue\r\n\r\n" OK_HEAD("20", "keep-alive") "PUT /? n=3 host=h ok", false},
	{"expect of 1.0 is ignored", "PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
	 OK_HEAD("19", "close") "PUT /? n=2 host= ok", true},
	{"upgrade to h2c is ignored",
	 "POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
	 "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nContent-Length: 1\r\n\r\nz",
	 OK_HEAD("20", "keep-alive") "POST /? n=5 host=h z", false},
	{"absolute form", "GET http://example:1/p?q HTTP/1.1\r\nHost: h\r\n\r\n",
	 OK_HEAD("20", "keep-alive") "GET /p?q n=1 host=h ", false},
	{"absolute form without path", "GET http://example HTTP/1.1\r\nHost: h\r\n\r\n",
	 OK_HEAD("18", "keep-alive") "GET /? n=1 host=h ", false},
	{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
	 OK_HEAD("22", "keep-alive") "OPTIONS *? n=1 host=h ", false},
	{"blanks around a value, empty value", "GET / HTTP/1.1\r\nHost: \t h \t\r\nEmpty:\r\n\r\n",
	 OK_HEAD("18", "keep-alive") "GET /? n=2 host=h ", false},
	{"line ends before the request", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
	 OK_HEAD("18", "keep-alive") "GET /? n=1 host=h ", false},
};

static void feed_check(const struct script *s, bool later, uint64_t cut)
{
	struct http_rig h = {.later = later};

	http_rig_init(&h);
	http_rig_feed(&h, view_str(s->in), cut);
	if (!view_is(buf_view(&h.out), s->out))
		fail_msg("%s (later %d, cut %d): got\n%.*s\nwant\n%s", s->name, later, (int)cut,
			 VIEW_ARG(buf_view(&h.out)), s->out);
	if (h.wire.closing != s->closing)
		fail_msg("%s (later %d, cut %d): closing is %d", s->name, later, (int)cut,
			 h.wire.closing);
	http_rig_fini(&h);
}

static void test_scripts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
		for (int later = 0; later < 2; later++)
			for (uint64_t cut = 0; cut < 50; cut++)
				feed_check(&scripts[i], later, cut);
}

/* Each pair of pieces. */
static void test_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		struct view in = view_str(scripts[i].in);

		for (size_t at = 1; at < in.n; at++) {
			struct http_rig h = {.later = at & 1};

			http_rig_init(&h);
			http_rig_input(&h, view_head(in, at));
			http_rig_input(&h, view_skip(in, at));
			http_rig_settle(&h);
			http_rig_flush(&h);
			assert_true(view_is(buf_view(&h.out), scripts[i].out));
			http_rig_fini(&h);
		}
	}
}

/* ---- refusals ------------------------------------------------------------------ */

struct refusal {
	struct view in;
	int status;
};

static const struct refusal refusals[] = {
	{VIEW("\x16\x03\x01\x02"), 400}, /* TLS */
	{VIEW("AMQP\x00\x00\x09\x01"), 400},
	{VIEW("GET\r\n\r\n"), 400},
	{VIEW("NONSENSE / HTTP/1.1\r\n\r\n"), 400},
	{VIEW("GET / HTTQ/1.1\r\n\r\n"), 400},
	{VIEW("GET / HTTP/2.0\r\nHost: h\r\n\r\n"), 505},
	{VIEW("GET / HTTP/1.1\r\n\r\n"), 400}, /* no Host */
	{VIEW("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400},
	{VIEW("GET / HTTP/1.1\r\nHost: h\r\nBad Name: x\r\n\r\n"), 400},
	{VIEW("GET / HTTP/1.1\r\nHost : h\r\n\r\n"), 400},
	{VIEW("GET / HTTP/1.1\r\nHost: h\r\nX: a\x01z\r\n\r\n"), 400},
	{VIEW("GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n"), 400},
	{VIEW("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n"), 400},
	{VIEW("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n"), 400},
	{VIEW("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), 400},
	{VIEW("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400},
	{VIEW("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n"), 400},
	{VIEW("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), 501},
	{VIEW("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"), 501},
	{VIEW("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), 400},
	{VIEW("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"), 400},
	{VIEW("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n"), 400},
	{VIEW("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n"), 501},
	{VIEW("PUT / HTTP/1.1\r\nHost: h\r\nExpect: cake\r\nContent-Length: 1\r\n\r\n"), 417},
	{VIEW("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n"), 413},
	{VIEW("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 65537\r\n\r\n"), 413},
	{VIEW("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n"), 0}, /* waits for bytes */
};

static void test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		for (uint64_t cut = 0; cut < 10; cut++) {
			struct http_rig h = {0};
			char want[32];

			http_rig_init(&h);
			http_rig_feed(&h, refusals[i].in, cut);
			snprintf(want, sizeof want, "HTTP/1.1 %d ", refusals[i].status);
			if (refusals[i].status && !view_starts(buf_view(&h.out), view_str(want)))
				fail_msg("row %zu, cut %d: got\n%.*s\nwant %s", i, (int)cut,
					 VIEW_ARG(buf_view(&h.out)), want);
			assert_int_equal(h.wire.closing, refusals[i].status != 0);
			assert_int_equal(h.requests, 0);
			/* Deaf from now on. */
			http_rig_input(&h, VIEW("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
			assert_int_equal(h.requests, 0);
			http_rig_fini(&h);
		}
	}
}

/* fill: what is repeated behind `head` until a refusal comes. */
static void flood_check(const char *head, const char *fill, int status)
{
	struct http_rig h = {0};
	size_t given = 0;
	char want[32];

	http_rig_init(&h);
	http_rig_feed(&h, view_str(head), 0);
	while (!h.wire.closing && given < 1 << 20) {
		http_rig_feed(&h, view_str(fill), 0);
		given += strlen(fill);
	}
	snprintf(want, sizeof want, "HTTP/1.1 %d ", status);
	if (!view_starts(buf_view(&h.out), view_str(want)))
		fail_msg("flood of %s: got %.*s", fill, VIEW_ARG(buf_view(&h.out)));
	assert_true(given < 200000);
	http_rig_fini(&h);
}

static void test_limits(void **state)
{
	(void)state;
	flood_check("GET /", "aaaaaaaa", 431);
	flood_check("GET / HTTP/1.1\r\nHost: h\r\n", "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 431);
	flood_check("GET / HTTP/1.1\r\nHost: h\r\nX: ", "aaaaaaaa", 431);
	flood_check("GET / HTTP/1.1\r\nHost: h\r\n", "X:\r\n", 431);
	flood_check("GET / HTTP/1.1\r\nHost: h\r\nX:", "        ", 431);
	flood_check("", "\r\n\r\n\r\n\r\n", 431);
	flood_check("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
		    "8\r\naaaaaaaa\r\n", 413);
	flood_check("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
		    "Trailer: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 431);
}

/* ---- life ---------------------------------------------------------------------- */

static void test_cancelled(void **state)
{
	struct http_rig h = {.later = true, .with_sent = true};

	(void)state;
	http_rig_init(&h);
	http_rig_input(&h, VIEW("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
	assert_non_null(h.kept);
	http_rig_close(&h, WIRE_PEER_CLOSED);
	assert_int_equal(h.cancelled, 1);
	assert_null(h.kept);
	assert_int_equal(h.sent_ok + h.sent_lost, 0); /* never answered */
	http_rig_fini(&h);
}

static void test_sent(void **state)
{
	struct http_rig h = {.with_sent = true};
	struct view one = VIEW("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	uint64_t first;

	(void)state;
	http_rig_init(&h);
	http_rig_input(&h, one);
	first = h.wire.out.bytes;
	http_rig_input(&h, one);
	out_consume(&h.wire.out, first - 1);
	h.wire.flushed(h.wire.head);
	assert_int_equal(h.sent_ok, 0);
	out_consume(&h.wire.out, 1);
	h.wire.flushed(h.wire.head);
	assert_int_equal(h.sent_ok, 1);
	http_rig_close(&h, WIRE_LOST);
	assert_int_equal(h.sent_ok, 1);
	assert_int_equal(h.sent_lost, 1);
	http_rig_fini(&h);
}

static void test_idle_limit(void **state)
{
	struct http_rig h = {.later = true, .service = {.idle_ms = 5000}};

	(void)state;
	http_rig_init(&h);
	assert_int_equal(h.wire.tick_at_ms, 6000);
	h.now.mono_ms = 5000;
	http_rig_input(&h, VIEW("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
	assert_int_equal(h.wire.tick_at_ms, INT64_MAX); /* the handler may take its time */
	h.now.mono_ms = 50000;
	http_rig_settle(&h);
	assert_int_equal(h.wire.tick_at_ms, 55000);
	h.now.mono_ms = 55000;
	http_rig_settle(&h);
	assert_true(h.wire.closing);
	http_rig_flush(&h);
	assert_int_equal(h.requests, 1);
	http_rig_fini(&h);
}

/* A head that trickles in is cut off; a body may take long if it keeps coming. */
static void test_slow_request(void **state)
{
	struct http_rig h = {.service = {.idle_ms = 5000}};

	(void)state;
	http_rig_init(&h);
	http_rig_input(&h, VIEW("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n"));
	for (int i = 0; i < 8; i++) {
		h.now.mono_ms += 4000;
		http_rig_settle(&h);
		http_rig_input(&h, VIEW("x"));
	}
	assert_false(h.wire.closing);
	http_rig_input(&h, VIEW("x"));
	assert_int_equal(h.requests, 1);
	http_rig_flush(&h);
	buf_clear(&h.out);
	for (int i = 0; i < 10 && !h.wire.closing; i++) {
		http_rig_input(&h, VIEW("G"));
		if (!i)
			http_rig_input(&h, VIEW("ET /"));
		h.now.mono_ms += 2500;
		http_rig_settle(&h);
	}
	http_rig_flush(&h);
	assert_true(h.wire.closing);
	assert_true(view_starts(buf_view(&h.out), VIEW("HTTP/1.1 408 ")));
	http_rig_fini(&h);
}

static void test_stop(void **state)
{
	struct http_rig idle = {0}, busy = {.later = true};

	(void)state;
	http_rig_init(&idle);
	http_head.stop(idle.wire.head, idle.now);
	assert_true(idle.wire.closing);
	http_rig_fini(&idle);

	http_rig_init(&busy);
	http_rig_input(&busy, VIEW("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n"));
	http_head.stop(busy.wire.head, busy.now);
	assert_false(busy.wire.closing);
	http_rig_settle(&busy);
	http_rig_flush(&busy);
	assert_true(busy.wire.closing);
	assert_true(view_is(buf_view(&busy.out), OK_HEAD("19", "close") "GET /1? n=1 host=h "));
	assert_int_equal(busy.requests, 1);
	http_rig_fini(&busy);
}

static void test_no_content(void **state)
{
	struct http_rig h = {.empty_answers = true};

	(void)state;
	http_rig_init(&h);
	http_rig_feed(&h, VIEW("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
	assert_true(view_is(buf_view(&h.out),
			    "HTTP/1.1 204 No Content\r\n" DATE "Connection: keep-alive\r\n\r\n"));
	http_rig_fini(&h);
}

/* A peer that pipelines without end behind one long request is not read. */
static void test_pipeline_pauses(void **state)
{
	struct http_rig h = {.later = true};
	struct view one = VIEW("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	int given = 0;

	(void)state;
	http_rig_init(&h);
	while (!h.wire.paused && given < 100000) {
		http_rig_input(&h, one);
		given++;
	}
	assert_in_range((uintmax_t)given * one.n, 64 * 1024, 66 * 1024);
	http_rig_settle(&h);
	assert_false(h.wire.paused);
	assert_int_equal(h.requests, given);
	http_rig_fini(&h);
}

static void test_date_changes(void **state)
{
	struct http_rig h = {0};
	struct view one = VIEW("GET / HTTP/1.1\r\nHost: h\r\n\r\n");

	(void)state;
	http_rig_init(&h);
	http_rig_feed(&h, one, 0);
	assert_non_null(memmem(h.out.p, h.out.n, "06 Nov 1994 08:49:37 GMT", 24));
	buf_clear(&h.out);
	h.now.wall_ms += 1000;
	http_rig_feed(&h, one, 0);
	assert_non_null(memmem(h.out.p, h.out.n, "06 Nov 1994 08:49:38 GMT", 24));
	http_rig_fini(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scripts),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_sent),
		cmocka_unit_test(test_idle_limit),
		cmocka_unit_test(test_slow_request),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_no_content),
		cmocka_unit_test(test_pipeline_pauses),
		cmocka_unit_test(test_date_changes),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
