/* SPDX-License-Identifier: Apache-2.0 */
/* Signature Version 4 against public vectors: canonical request, string to sign
 * and signature of every signed request in them, both forms. They lie outside the
 * repository, in the folder MQBRIDGE_GOLDEN names, else in shared/golden beside it;
 * without them the test is skipped. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "aws/aws_sigv4.h"
#include "base/crypto.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
enum { HEADERS = 32, PATH_BYTES = 1024 };

static int verified, failed, tokens_left_out;

/* Empty when there is no such file. */
static struct view file_read(const char *path, struct arena *a)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p = arena_alloc(a, 65536);
	size_t n = f ? fread(p, 1, 65536, f) : 0;

	if (f)
		fclose(f);
	return view_of(p, n);
}

/* ---- a request as text ---- */

static struct view line_cut(struct view *v)
{
	const uint8_t *at = v->n ? memchr(v->p, '\n', v->n) : NULL;
	struct view line = view_head(*v, at ? (size_t)(at - v->p) : v->n);

	*v = view_skip(*v, line.n + 1);
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* METHOD target HTTP/1.1; the target may hold blanks. */
static void first_line(struct view line, struct sigv4_request *r, struct arena *a)
{
	const uint8_t *blank = memchr(line.p, ' ', line.n);

	assert_non_null(blank);
	r->method = view_head(line, (size_t)(blank - line.p));
	struct view target = view_skip(line, r->method.n + 1);
	target.n = (size_t)((const uint8_t *)memrchr(target.p, ' ', target.n) - target.p);
	const uint8_t *mark = memchr(target.p, '?', target.n);
	r->path = view_head(target, mark ? (size_t)(mark - target.p) : target.n);
	struct http_pair *pairs = NULL;
	int n = mark ? http_form_decode(view_skip(target, r->path.n + 1), a, &pairs) : 0;
	assert_true(n >= 0);
	r->query = pairs;
	r->n_query = (size_t)n;
}

static void request_read(struct view text, struct sigv4_request *r, struct arena *a)
{
	struct http_header *h = arena_alloc(a, HEADERS * sizeof(*h));

	*r = (struct sigv4_request){.headers = h};
	first_line(line_cut(&text), r, a);
	while (text.n) {
		struct view line = line_cut(&text);

		if (!line.n)
			break;
		if (line.p[0] == ' ') { /* folded */
			struct view *v = &h[r->n_headers - 1].value;

			v->n = (size_t)(line.p + line.n - v->p);
			continue;
		}
		const uint8_t *colon = memchr(line.p, ':', line.n);
		assert_true(colon && r->n_headers < HEADERS);
		size_t n = (size_t)(colon - line.p);
		h[r->n_headers++] = (struct http_header){view_head(line, n), view_skip(line, n + 1)};
	}
	r->body = text;
}

/* ---- one vector ---- */

static bool same(const char *what, const char *path, struct view got, struct view wanted)
{
	if (view_eq(got, wanted))
		return true;
	printf("%s of %s:\n%.*s\ninstead of\n%.*s\n", what, path, VIEW_ARG(got), VIEW_ARG(wanted));
	return false;
}

static struct view sibling(const char *path, size_t keep, const char *with, struct arena *a)
{
	return file_read(arena_printf(a, "%.*s%s", (int)keep, path, with), a);
}

/* Of the vector's own Authorization header where it has one: in one vector of the
 * classic suite the request carries another than that. */
static struct view signature_of(const char *path, size_t keep, const struct sigv4 *s, struct arena *a)
{
	struct view v = sibling(path, keep, "authz", a);
	const uint8_t *at = v.n ? memmem(v.p, v.n, "Signature=", 10) : NULL;

	return at ? view_head(view_skip(v, (size_t)(at - v.p) + 10), SIGV4_HEX) : s->signature;
}

static bool vector_check(const char *path, size_t keep, const char *canonical, const char *to_sign, bool normalize,
			 struct arena *a)
{
	struct sigv4_request r;
	struct sigv4 s;
	struct buf b;
	uint8_t hash[32], key[32];
	char hex[SIGV4_HEX + 1];

	request_read(file_read(path, a), &r, a);
	const char *wrong = sigv4_parse(&r, &s);
	if (wrong) {
		printf("%s: %s\n", path, wrong);
		return false;
	}
	buf_init(&b, 1 << 20);
	sigv4_canonical(&r, &s, normalize, a, &b);
	bool ok = same("canonical request", path, buf_view(&b), sibling(path, keep, canonical, a));
	crypto_sha256(buf_view(&b), hash);
	buf_clear(&b);
	sigv4_string_to_sign(&s, hash, &b);
	ok &= same("string to sign", path, buf_view(&b), sibling(path, keep, to_sign, a));
	sigv4_signing_key(VIEW(SECRET), &s, key);
	sigv4_signature(key, buf_view(&b), hex);
	ok &= same("signature", path, view_str(hex), signature_of(path, keep, &s, a));
	buf_fini(&b);
	return ok;
}

static bool file_says(const char *path, size_t keep, const char *what, struct arena *a)
{
	struct view v = sibling(path, keep, "context.json", a);

	return v.n && memmem(v.p, v.n, what, strlen(what));
}

static void vector_run(const char *path, size_t keep, const char *canonical, const char *to_sign, const char *folder_of)
{
	struct arena a;
	size_t folder = folder_of ? (size_t)(strrchr(path, '/') + 1 - path) : keep;

	arena_init(&a);
	/* a token put behind the signature is no part of it; we refuse tokens anyway */
	if (strstr(canonical, "query-") && file_says(path, folder, "\"omit_session_token\": true", &a)) {
		tokens_left_out++;
	} else {
		bool normalize = !file_says(path, folder, "\"normalize\": false", &a);
		bool ok = vector_check(path, keep, canonical, to_sign, normalize, &a);

		verified += ok;
		failed += !ok;
	}
	arena_fini(&a);
}

static int each(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	size_t n = strlen(path);

	(void)st;
	(void)ftw;
	if (type != FTW_F)
		return 0;
	if (n > 5 && strcmp(path + n - 5, ".sreq") == 0)
		vector_run(path, n - 4, "creq", "sts", NULL);
	else if (n > 26 && strcmp(path + n - 26, "/header-signed-request.txt") == 0)
		vector_run(path, n - 25, "header-canonical-request.txt", "header-string-to-sign.txt", path);
	else if (n > 25 && strcmp(path + n - 25, "/query-signed-request.txt") == 0)
		vector_run(path, n - 24, "query-canonical-request.txt", "query-string-to-sign.txt", path);
	return 0;
}

static void vectors(void **state)
{
	const char *golden = getenv("MQBRIDGE_GOLDEN");
	char path[PATH_BYTES];

	(void)state;
	if (golden)
		snprintf(path, sizeof(path), "%s/sigv4", golden);
	else
		snprintf(path, sizeof(path), "%.*s../shared/golden/sigv4",
			 (int)(strlen(__FILE__) - strlen("tests/golden/test_sigv4.c")), __FILE__);
	if (nftw(path, each, 16, FTW_PHYS) != 0) {
		printf("no vectors here (MQBRIDGE_GOLDEN names the folder above sigv4)\n");
		skip();
	}
	printf("%d vectors verified, %d left out: session tokens\n", verified, tokens_left_out);
	assert_int_equal(failed, 0);
	assert_true(verified > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(vectors)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
