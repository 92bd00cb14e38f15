/* SPDX-License-Identifier: Apache-2.0 */
#include "aws_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "aws/aws_sigv4.h"
#include "base/crypto.h"
#include "base/log.h"
#include "mapping/names.h"
#include "store/store_memory.h"

static void vhost_added(void *ctx, struct view vhost)
{
	struct aws_rig *r = ctx;

	if (r->engine)
		engine_vhost_add(r->engine, vhost);
}

static void vhost_known(void *ctx, struct view vhost)
{
	vhost_added(ctx, vhost);
}

void aws_rig_open(struct aws_rig *r)
{
	struct access_options ao = {
		.default_user = VIEW("guest"),
		.default_pass = VIEW("guest"),
		.key_id = VIEW("guest"),
		.key_secret = VIEW("guest"),
		.master_key = {1, 2, 3},
		.account_of = name_account,
		.vhost_added = vhost_added,
		.ctx = r,
	};
	struct engine_options eo;
	struct error e;

	r->now = (struct now){1000000, INT64_C(1700000000000)};
	rng_seed(&r->rng, 7);
	r->store = store_memory_open();
	r->access = access_new(&ao, r->store, &e);
	must(r->access);
	engine_options_default(&eo);
	eo.seed = 11;
	if (r->in_flight_max)
		eo.in_flight_max = r->in_flight_max;
	eo.codecs = &r->codecs;
	r->envelopes = aws_envelopes_new(&(struct aws_envelope_options){.codecs = &r->codecs, .signer = r->options.signer});
	aws_envelopes_url(r->envelopes, VIEW("http://mq.test:9324"));
	eo.envelopes = aws_envelopes_maker(r->envelopes);
	r->engine = engine_new(&eo, r->store, r->now, &e);
	must(r->engine);
	aws_envelopes_engine(r->envelopes, r->engine);
	access_vhosts_each(r->access, vhost_known, r);
	r->options.region = VIEW("us-east-1");
	memset(r->options.receipt_key, 5, sizeof(r->options.receipt_key));
	r->aws = aws_new(&r->options, r->engine, r->access, &r->codecs, &r->rng);
	aws_rig_run(r);
}

void aws_rig_close(struct aws_rig *r)
{
	aws_rig_run(r);
	aws_free(r->aws);
	access_free(r->access);
	engine_free(r->engine);
	aws_envelopes_free(r->envelopes);
	r->store->ops->close(r->store);
	*r = (struct aws_rig){0};
}

void aws_rig_run(struct aws_rig *r)
{
	int quiet = 0;

	engine_time(r->engine, r->now);
	for (int i = 0; i < 100000; i++) {
		bool more = engine_run(r->engine, r->now);

		more |= access_poll(r->access, r->now) > 0;
		engine_flush(r->engine);
		/* rows that may be written later do not count */
		quiet = more || !r->store->ops->idle(r->store) ? 0 : quiet + 1;
		if (quiet == 3)
			return;
	}
	must_failed("the engine comes to rest", __FILE__, __LINE__);
}

void aws_rig_pass(struct aws_rig *r, int64_t ms)
{
	r->now.mono_ms += ms;
	r->now.wall_ms += ms;
	aws_rig_run(r);
}

/* ---- connections ---- */

void aws_peer_open(struct aws_peer *p, struct aws_rig *r)
{
	*p = (struct aws_peer){.rig = r};
	out_init(&p->wire.out);
	buf_init(&p->in, SIZE_MAX / 2);
	p->wire.loopback = !r->far;
	p->wire.tick_at_ms = INT64_MAX;
	p->wire.now = &r->now;
	p->wire.head = http_head.open(aws_service(r->aws), &p->wire, r->now);
}

void aws_peer_close(struct aws_peer *p, enum wire_end end)
{
	http_head.close(p->wire.head, end);
	out_fini(&p->wire.out);
	buf_fini(&p->in);
}

void aws_peer_bytes(struct aws_peer *p, struct view bytes)
{
	uint8_t *copy = malloc(bytes.n + 1); /* gone after input, as the head is promised */

	if (bytes.n)
		memcpy(copy, bytes.p, bytes.n);
	engine_time(p->rig->engine, p->rig->now);
	http_head.input(p->wire.head, view_of(copy, bytes.n), p->rig->now);
	free(copy);
	for (int i = 0; i < 100 && !p->wire.closing && p->wire.tick_at_ms <= p->rig->now.mono_ms; i++)
		http_head.tick(p->wire.head, p->rig->now);
}

/* ---- signing ---- */

/* Signs with the secret of the key, or with its id when nobody knows the key. */
static void signature(struct aws_peer *p, const struct sigv4_request *r, struct sigv4 *s, char hex[SIGV4_HEX + 1])
{
	struct access_key found;
	struct arena arena;
	struct buf b;
	uint8_t hash[32], key[32];

	arena_init(&arena);
	buf_init(&b, SIZE_MAX / 2);
	sigv4_canonical(r, s, true, &arena, &b);
	crypto_sha256(buf_view(&b), hash);
	buf_clear(&b);
	sigv4_string_to_sign(s, hash, &b);
	bool known = access_key_find(p->rig->access, s->key, &found);
	sigv4_signing_key(known ? found.secret : s->key, s, key);
	sigv4_signature(key, buf_view(&b), hex);
	buf_fini(&b);
	arena_fini(&arena);
}

static struct view credential_write(char *out, size_t n, struct aws_peer *p, const char *key, const char *service,
				    struct sigv4 *s)
{
	sigv4_time(p->rig->now.wall_ms, s->time);
	int len = snprintf(out, n, "%s/%.8s/eu-west-1/%s/aws4_request", key, s->time, service);

	must(len > 0 && (size_t)len < n && sigv4_credential(view_of(out, (size_t)len), s));
	return view_of(out, (size_t)len);
}

static void request(struct aws_peer *p, struct http_header type, const char *target, const char *service,
		    struct view body, const char *key)
{
	struct sigv4 s = {.signed_headers = target ? VIEW("content-type;host;x-amz-date;x-amz-target")
						   : VIEW("content-type;host;x-amz-date")};
	char credential[256], hex[SIGV4_HEX + 1];
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	buf_printf(&b, "POST / HTTP/1.1\r\nHost: mq.test:9324\r\nContent-Length: %zu\r\nContent-Type: %.*s\r\n",
		   body.n, VIEW_ARG(type.value));
	if (target)
		buf_printf(&b, "X-Amz-Target: %s\r\n", target);
	if (key) {
		credential_write(credential, sizeof(credential), p, key, service, &s);
		struct http_header headers[] = {
			type, {VIEW("Host"), VIEW("mq.test:9324")}, {VIEW("X-Amz-Date"), view_str(s.time)},
			{VIEW("X-Amz-Target"), view_str(target)},
		};
		struct sigv4_request r = {VIEW("POST"), VIEW("/"), body, headers, target ? 4 : 3, NULL, 0};
		signature(p, &r, &s, hex);
		buf_printf(&b,
			   "X-Amz-Date: %s\r\nAuthorization: AWS4-HMAC-SHA256 Credential=%s, SignedHeaders=%.*s, "
			   "Signature=%s\r\n",
			   s.time, credential, VIEW_ARG(s.signed_headers), hex);
	}
	buf_add_str(&b, "\r\n");
	buf_add(&b, body);
	aws_peer_bytes(p, buf_view(&b));
	buf_fini(&b);
}

void aws_peer_presigned(struct aws_peer *p, const char *path, const char *query, const char *key, int expires_s)
{
	struct sigv4 s = {.signed_headers = VIEW("host")};
	struct http_header host = {VIEW("Host"), VIEW("mq.test:9324")};
	char credential[256], hex[SIGV4_HEX + 1];
	struct http_pair *pairs;
	struct arena arena;
	struct buf b;

	arena_init(&arena);
	buf_init(&b, SIZE_MAX / 2);
	credential_write(credential, sizeof(credential), p, key, "sqs", &s);
	buf_printf(&b,
		   "%s&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=%s&X-Amz-Date=%s&X-Amz-Expires=%d"
		   "&X-Amz-SignedHeaders=host",
		   query, credential, s.time, expires_s);
	char *whole = arena_cstr(&arena, buf_view(&b));
	int n = http_form_decode(view_str(whole), &arena, &pairs);
	must(n > 0);
	struct sigv4_request r = {VIEW("GET"), view_str(path), VIEW_NONE, &host, 1, pairs, (size_t)n};
	signature(p, &r, &s, hex);
	buf_clear(&b);
	buf_printf(&b, "GET %s?%s&X-Amz-Signature=%s HTTP/1.1\r\nHost: mq.test:9324\r\n\r\n", path, whole, hex);
	aws_peer_bytes(p, buf_view(&b));
	buf_fini(&b);
	arena_fini(&arena);
}

void aws_peer_json(struct aws_peer *p, const char *action, const char *json, const char *key)
{
	struct buf target;

	buf_init(&target, 4096);
	buf_printf(&target, "AmazonSQS.%s", action);
	request(p, (struct http_header){VIEW("Content-Type"), VIEW("application/x-amz-json-1.0")}, buf_cstr(&target), "sqs",
		view_str(json), key);
	buf_fini(&target);
}

void aws_peer_query(struct aws_peer *p, const char *service, const char *form, const char *key)
{
	request(p,
		(struct http_header){VIEW("Content-Type"),
				     VIEW("application/x-www-form-urlencoded; charset=utf-8")},
		NULL, service, view_str(form), key);
}

void aws_peer_flush(struct aws_peer *p)
{
	struct iovec iov[16];
	int n;

	while ((n = out_iov(&p->wire.out, iov, 16)) > 0) {
		for (int i = 0; i < n; i++) {
			buf_add(&p->in, view_of(iov[i].iov_base, iov[i].iov_len));
			out_consume(&p->wire.out, iov[i].iov_len);
		}
		if (p->wire.flushed)
			p->wire.flushed(p->wire.head);
	}
}

struct aws_answer aws_peer_take(struct aws_peer *p)
{
	aws_peer_flush(p);
	const char *text = buf_cstr(&p->in);
	const char *end = text ? strstr(text, "\r\n\r\n") : NULL;
	const char *length = text ? strcasestr(text, "\r\ncontent-length: ") : NULL;
	struct aws_answer a = {0};

	if (!end || !length || length > end)
		return a;
	/* The answer is moved behind the rest, so that its views stay. */
	size_t head = (size_t)(end - text) + 4, body = strtoul(length + 18, NULL, 10), n = head + body;
	must(p->in.n >= n);
	size_t rest = p->in.n - n;
	uint8_t *whole = malloc(n);
	memcpy(whole, p->in.p, n);
	buf_consume(&p->in, n);
	buf_add(&p->in, view_of(whole, n));
	free(whole);
	p->in.n = rest;
	a.status = (int)strtol((const char *)p->in.p + rest + sizeof("HTTP/1.1"), NULL, 10);
	a.head = view_of(p->in.p + rest, head);
	a.body = view_of(p->in.p + rest + head, body);
	return a;
}
