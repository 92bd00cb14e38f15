/* SPDX-License-Identifier: Apache-2.0 */
/* AWS Signature Version 4 in the header, with the functions that check it (aws/aws_sigv4.h). */
#include <stdio.h>
#include <stdlib.h>

#include "aws/aws_sigv4.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "bench/load_http.h"

enum { HEAD_MAX = 4096, SCOPE_MAX = 512, DATE_CHARS = 8 };

#define REGION "us-east-1"
#define CONTENT_TYPE "application/x-amz-json-1.0"
#define SIGNED_HEADERS "content-type;host;x-amz-date;x-amz-target"

struct load_signer {
	const struct load_target *target;
	char host[300];
	char date[DATE_CHARS + 1];
	uint8_t key[32]; /* of that date */
	struct arena arena;
	struct buf scratch;
};

struct load_signer *load_signer_new(const struct load_target *t)
{
	struct load_signer *s = mem_zalloc(sizeof(*s));
	s->target = t;
	snprintf(s->host, sizeof(s->host), strchr(t->host, ':') ? "[%s]:%u" : "%s:%u", t->host, t->port);
	arena_init(&s->arena);
	buf_init(&s->scratch, HEAD_MAX);
	return s;
}

void load_signer_free(struct load_signer *s)
{
	arena_fini(&s->arena);
	buf_fini(&s->scratch);
	free(s);
}

static void key_renew(struct load_signer *s, const struct sigv4 *v)
{
	if (view_is(v->date, s->date))
		return;
	snprintf(s->date, sizeof(s->date), "%.*s", VIEW_ARG(v->date));
	sigv4_signing_key(view_str(s->target->password), v, s->key);
}

static void signature(struct load_signer *s, const struct sigv4_request *r, struct sigv4 *v, char hex[SIGV4_HEX + 1])
{
	uint8_t canonical[32];
	buf_clear(&s->scratch);
	sigv4_canonical(r, v, false, &s->arena, &s->scratch);
	crypto_sha256(buf_view(&s->scratch), canonical);
	buf_clear(&s->scratch);
	sigv4_string_to_sign(v, canonical, &s->scratch);
	key_renew(s, v);
	sigv4_signature(s->key, buf_view(&s->scratch), hex);
	arena_reset(&s->arena);
}

void load_sign(struct load_signer *s, const char *action, struct view json, struct buf *out)
{
	char credential[SCOPE_MAX], target[64], hex[SIGV4_HEX + 1];
	struct sigv4 v = {.form = SIGV4_HEADER, .signed_headers = VIEW(SIGNED_HEADERS)};
	sigv4_time(clock_now().wall_ms, v.time);
	snprintf(credential, sizeof(credential), "%s/%.8s/" REGION "/sqs/aws4_request", s->target->user, v.time);
	sigv4_credential(view_str(credential), &v);
	snprintf(target, sizeof(target), "AmazonSQS.%s", action);
	const struct http_header headers[] = {
		{VIEW("Host"), view_str(s->host)},
		{VIEW("Content-Type"), VIEW(CONTENT_TYPE)},
		{VIEW("X-Amz-Target"), view_str(target)},
		{VIEW("X-Amz-Date"), view_str(v.time)},
	};
	struct sigv4_request r = {.method = VIEW("POST"), .path = VIEW("/"), .body = json, .headers = headers,
				  .n_headers = sizeof(headers) / sizeof(*headers)};
	signature(s, &r, &v, hex);
	buf_add_str(out, "POST / HTTP/1.1\r\n");
	for (size_t i = 0; i < r.n_headers; i++)
		buf_printf(out, "%.*s: %.*s\r\n", VIEW_ARG(headers[i].name), VIEW_ARG(headers[i].value));
	buf_printf(out,
		   "Authorization: AWS4-HMAC-SHA256 Credential=%s, SignedHeaders=" SIGNED_HEADERS
		   ", Signature=%s\r\nContent-Length: %zu\r\n\r\n",
		   credential, hex, json.n);
	buf_add(out, json);
}
