/* SPDX-License-Identifier: Apache-2.0 */
#include "aws_rig.h"

#include <stdlib.h>

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
	r->engine = engine_new(&eo, r->store, r->now, &e);
	must(r->engine);
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

static void request(struct aws_peer *p, struct view headers, const char *service, struct view body, const char *key)
{
	struct buf b;

	buf_init(&b, SIZE_MAX / 2);
	buf_printf(&b, "POST / HTTP/1.1\r\nHost: mq.test:9324\r\nContent-Length: %zu\r\n", body.n);
	buf_add(&b, headers);
	if (key)
		buf_printf(&b,
			   "Authorization: AWS4-HMAC-SHA256 Credential=%s/20250101/eu-west-1/%s/aws4_request, "
			   "SignedHeaders=host, Signature=00\r\n",
			   key, service);
	buf_add_str(&b, "\r\n");
	buf_add(&b, body);
	aws_peer_bytes(p, buf_view(&b));
	buf_fini(&b);
}

void aws_peer_json(struct aws_peer *p, const char *action, const char *json, const char *key)
{
	struct buf headers;

	buf_init(&headers, 4096);
	buf_printf(&headers, "Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS.%s\r\n", action);
	request(p, buf_view(&headers), "sqs", view_str(json), key);
	buf_fini(&headers);
}

void aws_peer_query(struct aws_peer *p, const char *service, const char *form, const char *key)
{
	request(p, VIEW("Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"), service,
		view_str(form), key);
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
