/* SPDX-License-Identifier: Apache-2.0 */
/* SQS under load: some keep-alive connections, each with one request outstanding.
 * Three parts, each with a queue of its own:
 *   send    SendMessage
 *   batch   SendMessageBatch of ten; counted are messages
 *   drain   ReceiveMessage of ten and DeleteMessageBatch of them, by turns, until the
 *           queue is empty; counted are messages deleted. It is filled and drained again
 *           until the drains have taken their time together
 * What is sent is always the same, so its request is signed once a second; a
 * deletion is signed each time. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/load_http.h"
#include "bench/load_kinds_priv.h"
#include "bench/load_wire.h"

enum {
	BATCH = 10,
	CONNECTIONS_MAX = 256,
	JSON_MAX = 1024 * 1024,
	BODY_MAX = 25000, /* ten of them are a batch that every SQS takes */
	SIGNED_US = 1000000,
	POLL_MS = 1000,
	DRAINS_MAX = 100,
	URL_MAX = 1024,
};

enum what { SEND, SEND_BATCH, RECEIVE, DELETE_BATCH, NOTHING };

static const char *const actions[] = {
	[SEND] = "SendMessage",
	[SEND_BATCH] = "SendMessageBatch",
	[RECEIVE] = "ReceiveMessage",
	[DELETE_BATCH] = "DeleteMessageBatch",
};

/* A request that stays the same. */
struct prepared {
	struct buf json, signed_request;
	uint64_t signed_us;
};

struct client {
	struct load_http http;
	enum what what; /* outstanding */
	uint32_t count; /* messages of a DELETE_BATCH */
	uint64_t sent_us;
};

struct requests {
	const struct load_options *o;
	struct load_signer *signer;
	struct client clients[CONNECTIONS_MAX];
	uint32_t n;
	char url[URL_MAX];
	struct prepared prepared[DELETE_BATCH];
	struct buf json, request; /* of the moment */
	enum what first;          /* what a client without a request begins with */
	uint64_t now_us;
	uint64_t started, start_max; /* messages in requests of `first`; no more than so many */
	bool ending;              /* nothing is begun any more */
	uint64_t sent, deleted;
	struct histogram latency;
};

/* ---- requests ---- */

static void entries_add(struct buf *json, uint32_t n, size_t body_bytes)
{
	buf_add_str(json, ",\"Entries\":[");
	for (uint32_t i = 0; i < n; i++) {
		buf_printf(json, "%s{\"Id\":\"%u\",\"MessageBody\":\"", i ? "," : "", i);
		memset(buf_reserve(json, body_bytes), 'x', body_bytes);
		json->n += body_bytes;
		buf_add_str(json, "\"}");
	}
	buf_add_str(json, "]}");
}

static void prepare(struct requests *r)
{
	for (enum what what = SEND; what < DELETE_BATCH; what++) {
		struct buf *json = &r->prepared[what].json;
		r->prepared[what].signed_us = 0;
		buf_clear(json);
		buf_printf(json, "{\"QueueUrl\":\"%s\"", r->url);
		if (what == SEND_BATCH) {
			entries_add(json, BATCH, r->o->body_bytes);
		} else if (what == RECEIVE) {
			buf_printf(json, ",\"MaxNumberOfMessages\":%d,\"VisibilityTimeout\":600}", BATCH);
		} else {
			buf_add_str(json, ",\"MessageBody\":\"");
			memset(buf_reserve(json, r->o->body_bytes), 'x', r->o->body_bytes);
			json->n += r->o->body_bytes;
			buf_add_str(json, "\"}");
		}
	}
}

static struct view prepared_request(struct requests *r, enum what what)
{
	struct prepared *p = &r->prepared[what];
	if (!p->signed_us || r->now_us - p->signed_us > SIGNED_US) {
		buf_clear(&p->signed_request);
		load_sign(r->signer, actions[what], buf_view(&p->json), &p->signed_request);
		p->signed_us = r->now_us;
	}
	return buf_view(&p->signed_request);
}

static void request_send(struct client *c, enum what what, struct view request)
{
	c->what = what;
	c->sent_us = clock_mono_us();
	load_http_send(&c->http, request);
}

/* The next of the kind that this part is about, or nothing when there are enough. */
static void begin(struct requests *r, struct client *c)
{
	uint32_t n = r->first == SEND ? 1 : BATCH;
	c->what = NOTHING;
	if (r->ending || (r->start_max && r->started >= r->start_max))
		return;
	r->started += n;
	request_send(c, r->first, prepared_request(r, r->first));
}

/* ---- answers ---- */

/* The string value of the next member of that name in *json, which moves behind it. */
static struct view string_next(struct view *json, struct view member)
{
	const uint8_t *at = json->n ? memmem(json->p, json->n, member.p, member.n) : NULL;
	if (!at)
		return VIEW_NONE;
	*json = view_skip(*json, (size_t)(at - json->p) + member.n);
	const uint8_t *end = memchr(json->p, '"', json->n);
	return end ? view_of(json->p, (size_t)(end - json->p)) : VIEW_NONE;
}

/* Deletes what was received; false: nothing was. */
static bool delete_received(struct requests *r, struct client *c)
{
	struct view rest = c->http.answer, handle;
	buf_clear(&r->json);
	buf_printf(&r->json, "{\"QueueUrl\":\"%s\",\"Entries\":[", r->url);
	c->count = 0;
	while ((handle = string_next(&rest, VIEW("\"ReceiptHandle\":\""))).n) {
		buf_printf(&r->json, "%s{\"Id\":\"%u\",\"ReceiptHandle\":\"", c->count ? "," : "", c->count);
		buf_add(&r->json, handle);
		buf_add_str(&r->json, "\"}");
		c->count++;
	}
	buf_add_str(&r->json, "]}");
	if (!c->count)
		return false;
	buf_clear(&r->request);
	load_sign(r->signer, actions[DELETE_BATCH], buf_view(&r->json), &r->request);
	request_send(c, DELETE_BATCH, buf_view(&r->request));
	return true;
}

static void answered(struct requests *r, struct client *c)
{
	struct view answer = c->http.answer;
	histogram_add(&r->latency, r->now_us > c->sent_us ? r->now_us - c->sent_us : 0);
	if (memmem(answer.p, answer.n, "\"Failed\":[{", strlen("\"Failed\":[{")))
		load_fail("%s failed: %.*s", actions[c->what], VIEW_ARG(view_head(answer, 300)));
	if (c->what == RECEIVE && delete_received(r, c))
		return;
	r->sent += c->what == SEND ? 1 : c->what == SEND_BATCH ? BATCH : 0;
	r->deleted += c->what == DELETE_BATCH ? c->count : 0;
	begin(r, c);
}

static void round_once(struct requests *r)
{
	struct pollfd fds[CONNECTIONS_MAX];
	for (uint32_t i = 0; i < r->n; i++) {
		struct load_http *h = &r->clients[i].http;
		fds[i].fd = h->fd;
		fds[i].events = (short)(POLLIN | (h->out_at < h->out.n ? POLLOUT : 0));
		fds[i].revents = 0;
	}
	if (poll(fds, r->n, POLL_MS) < 0 && errno != EINTR)
		load_fail("poll: %s", strerror(errno));
	r->now_us = clock_mono_us();
	for (uint32_t i = 0; i < r->n; i++) {
		if (fds[i].revents & POLLOUT)
			load_http_flush(&r->clients[i].http);
		if (fds[i].revents & ~POLLOUT && load_http_read(&r->clients[i].http))
			answered(r, &r->clients[i]);
	}
}

/* Until that time, or *counter is goal; goal 0: the time alone. */
static void rounds_until(struct requests *r, uint64_t end_us, const uint64_t *counter, uint64_t goal)
{
	while (r->now_us < end_us && (!goal || *counter < goal))
		round_once(r);
}

/* ---- parts ---- */

static struct view call(struct requests *r, const char *action)
{
	buf_clear(&r->request);
	load_sign(r->signer, action, buf_view(&r->json), &r->request);
	return load_http_call(&r->clients[0].http, buf_view(&r->request));
}

static void part_open(struct requests *r, const char *part)
{
	for (uint32_t i = 0; i < r->n; i++)
		load_http_open(&r->clients[i].http, &r->o->target);
	buf_clear(&r->json);
	buf_printf(&r->json, "{\"QueueName\":\"mqb-load-%s-%d\"}", part, (int)getpid());
	struct view answer = call(r, "CreateQueue");
	struct view url = string_next(&answer, VIEW("\"QueueUrl\":\""));
	if (!url.n || url.n >= sizeof(r->url))
		load_fail("CreateQueue answered no QueueUrl");
	snprintf(r->url, sizeof(r->url), "%.*s", VIEW_ARG(url));
	r->now_us = clock_mono_us();
	prepare(r);
}

/* The requests that are still out end with their connections. */
static void part_close(struct requests *r)
{
	for (uint32_t i = 0; i < r->n; i++)
		load_http_close(&r->clients[i].http);
	load_http_open(&r->clients[0].http, &r->o->target);
	buf_clear(&r->json);
	buf_printf(&r->json, "{\"QueueUrl\":\"%s\"}", r->url);
	call(r, "DeleteQueue");
	load_http_close(&r->clients[0].http);
}

/* Every request is answered, and no other begun. */
static void all_end(struct requests *r)
{
	r->ending = true;
	for (uint32_t i = 0; i < r->n; i++)
		while (r->clients[i].what != NOTHING)
			round_once(r);
	r->ending = false;
}

static void all_begin(struct requests *r, enum what first, uint64_t start_max)
{
	r->first = first;
	r->started = r->sent = r->deleted = 0;
	r->start_max = start_max;
	for (uint32_t i = 0; i < r->n; i++)
		begin(r, &r->clients[i]);
}

/* Adds to what the part has so far. */
static void measure(struct requests *r, struct load_part *part, const uint64_t *counter, uint64_t goal)
{
	struct load_meter meter;
	uint64_t from_us = r->now_us, before = *counter;
	struct load_part now = {.name = part->name};
	meter_begin(&meter, r->o->target.pid);
	rounds_until(r, from_us + r->o->seconds * 1000000ull, counter, goal);
	meter_end(&meter, &now);
	part->seconds += (double)(r->now_us - from_us) / 1e6;
	part->done += *counter - before;
	part->generator_cpu_s += now.generator_cpu_s;
	part->server_cpu_s += now.server_cpu_s;
	if (now.server_rss_kb > part->server_rss_kb)
		part->server_rss_kb = now.server_rss_kb;
}

static void send_measure(struct requests *r, struct load_part *part, enum what what)
{
	part_open(r, part->name);
	all_begin(r, what, 0);
	rounds_until(r, r->now_us + r->o->warm_s * 1000000ull, NULL, 0);
	memset(&r->latency, 0, sizeof(r->latency));
	measure(r, part, &r->sent, 0);
	part->latency = r->latency;
	part_close(r);
}

static void drain_measure(struct requests *r, struct load_part *part)
{
	uint32_t messages = r->o->messages ? r->o->messages : r->o->what->messages;
	messages = (messages + BATCH - 1) / BATCH * BATCH;
	struct histogram latency = {0};
	part_open(r, part->name);
	for (uint32_t i = 0; i < DRAINS_MAX && part->seconds < r->o->seconds; i++) {
		all_begin(r, SEND_BATCH, messages);
		rounds_until(r, UINT64_MAX, &r->sent, messages);
		r->latency = latency;
		all_begin(r, RECEIVE, 0);
		measure(r, part, &r->deleted, messages);
		latency = r->latency;
		all_end(r);
	}
	part->latency = latency;
	part_close(r);
}

void requests_measure(const struct load_options *o, struct load_result *out)
{
	struct requests *r = calloc(1, sizeof(*r));
	struct load_part *part;
	uint32_t n = o->connections ? o->connections : o->what->connections;
	if (!r)
		load_fail("out of memory");
	if (o->body_bytes > BODY_MAX || n > CONNECTIONS_MAX)
		load_fail("at most bodies of %d bytes and %d connections in this case", BODY_MAX, CONNECTIONS_MAX);
	r->o = o;
	r->n = n;
	r->signer = load_signer_new(&o->target);
	buf_init(&r->json, JSON_MAX);
	buf_init(&r->request, JSON_MAX);
	for (enum what what = SEND; what < DELETE_BATCH; what++) {
		buf_init(&r->prepared[what].json, JSON_MAX);
		buf_init(&r->prepared[what].signed_request, JSON_MAX);
	}
	if ((part = load_part_begin(o, out, "send")))
		send_measure(r, part, SEND);
	if ((part = load_part_begin(o, out, "batch")))
		send_measure(r, part, SEND_BATCH);
	if ((part = load_part_begin(o, out, "drain")))
		drain_measure(r, part);
	for (enum what what = SEND; what < DELETE_BATCH; what++) {
		buf_fini(&r->prepared[what].json);
		buf_fini(&r->prepared[what].signed_request);
	}
	buf_fini(&r->json);
	buf_fini(&r->request);
	load_signer_free(r->signer);
	free(r);
}
