/* SPDX-License-Identifier: Apache-2.0 */
/* One run: publishers, at most one consuming connection, one thread around ppoll.
 *
 *   declare ─► warm-up ─► measured ─► close ─► delete the queues
 *
 * A publisher has a slab of ready frames that differ only in their stamp (µs,
 * sequence), so that a batch of publishes is some stores and one write. What a
 * write leaves over goes first next time. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "load_case.h"

enum { SLAB_BYTES = 128 * 1024, PUBLISHERS_MAX = 64, RING = 65536, IDLE_US = 50000 };

static const struct load_case cases[] = {
	{"a", "transient, automatic acknowledgement, at most 20,000 behind", false, 1, 0, 0, 1, true, 20000, 0, 0},
	{"b", "persistent, 1,000 unconfirmed, no consumer", true, 1, 1000, 0, 1, false, 0, 0, 0},
	{"c", "as b with a consumer, prefetch 500, one multiple ack every 100", true, 1, 1000, 0, 1, true, 0, 500, 100},
	{"d", "as b, one unconfirmed", true, 1, 1, 0, 1, false, 0, 0, 0},
	{"dn", "sixteen connections as d, one queue", true, 16, 1, 0, 1, false, 0, 0, 0},
	{"e", "as c at 5,000/s, one ack a message", true, 1, 1000, 5000, 1, true, 0, 500, 1},
	{"f", "fanout to 10 queues, automatic acknowledgement", false, 1, 0, 0, 10, true, 20000, 0, 0},
};

struct run;

struct publisher {
	struct run *run;
	struct load_conn *conn;
	uint8_t *slab;
	size_t unit, stamp_at, units;
	size_t left_at, left; /* bytes of the slab not yet written */
	uint64_t sent, low, waiting; /* tags: last sent, all confirmed up to; unconfirmed */
	uint64_t *sent_us;           /* by tag, 0 once confirmed */
};

struct run {
	const struct load_options *o;
	const struct load_case *what;
	struct publisher publishers[PUBLISHERS_MAX];
	struct load_conn *consumer;
	uint64_t now_us, start_us; /* of this round; of the run */
	uint64_t published, confirmed, delivered;
	uint64_t acked, last_tag, next_seq;
	struct histogram latency;
};

const struct load_case *load_case_find(const char *name)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (!strcmp(cases[i].name, name))
			return &cases[i];
	return NULL;
}

void load_case_list(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		fprintf(stderr, "  %-3s %s\n", cases[i].name, cases[i].what);
}

/* ---- what comes back ---- */

static void on_delivered(void *ctx, uint64_t tag, const uint8_t *stamp)
{
	struct run *r = ctx;
	uint64_t sent_us = be64_get(stamp), seq = be64_get(stamp + 8);
	if (r->what->queues == 1 && r->what->publishers == 1 && seq != r->next_seq++)
		load_fail("message %llu came where %llu was due", (unsigned long long)seq,
			  (unsigned long long)r->next_seq - 1);
	r->delivered++;
	r->last_tag = tag;
	histogram_add(&r->latency, r->now_us > sent_us ? r->now_us - sent_us : 0);
	if (r->what->ack_every && r->last_tag - r->acked >= r->what->ack_every) {
		load_ack(r->consumer, r->last_tag, r->what->ack_every > 1);
		r->acked = r->last_tag;
	}
}

static void confirm_one(struct publisher *p, uint64_t tag)
{
	uint64_t *at = &p->sent_us[tag % RING];
	if (!*at)
		load_fail("tag %llu confirmed twice", (unsigned long long)tag);
	if (!p->run->what->consume)
		histogram_add(&p->run->latency, p->run->now_us - *at);
	*at = 0;
	p->waiting--;
	p->run->confirmed++;
}

static void on_confirmed(void *ctx, uint64_t tag, bool multiple)
{
	struct publisher *p = ctx;
	if (tag > p->sent || tag <= p->low)
		load_fail("tag %llu confirmed, last sent %llu", (unsigned long long)tag,
			  (unsigned long long)p->sent);
	for (uint64_t t = p->low + 1; multiple && t < tag; t++)
		if (p->sent_us[t % RING])
			confirm_one(p, t);
	confirm_one(p, tag);
	while (p->low < p->sent && !p->sent_us[(p->low + 1) % RING])
		p->low++;
}

static const struct load_events consumer_events = {.delivered = on_delivered};
static const struct load_events publisher_events = {.confirmed = on_confirmed};

/* ---- publishing ---- */

static bool slab_write(struct publisher *p)
{
	while (p->left) {
		ssize_t n = write(p->conn->fd, p->slab + p->left_at, p->left);
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n < 0 && errno != EINTR)
			load_fail("publish: %s", strerror(errno));
		p->left_at += n > 0 ? (size_t)n : 0;
		p->left -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

static uint64_t room(const struct publisher *p)
{
	const struct run *r = p->run;
	const struct load_case *what = r->what;
	uint64_t n = p->units;
	uint64_t behind = r->published * what->queues - r->delivered;
	uint64_t free_tags = RING - 1 - (p->sent - p->low);
	if (what->window && what->window - p->waiting < n)
		n = what->window - p->waiting;
	if (what->window && free_tags < n)
		n = free_tags;
	if (what->behind_max) {
		uint64_t m = behind < what->behind_max ? (what->behind_max - behind) / what->queues : 0;
		n = m < n ? m : n;
	}
	if (what->rate) {
		uint64_t due = (r->now_us - r->start_us) * what->rate / 1000000;
		n = due <= r->published ? 0 : due - r->published < n ? due - r->published : n;
	}
	return n;
}

/* False: the socket takes no more for now. */
static bool publish_batch(struct publisher *p, uint64_t n)
{
	struct run *r = p->run;
	for (uint64_t i = 0; i < n; i++) {
		uint8_t *stamp = p->slab + i * p->unit + p->stamp_at;
		uint64_t at = r->now_us;
		if (r->what->rate) /* when it should have gone */
			at = r->start_us + (r->published + 1) * 1000000 / r->what->rate;
		be64_put(stamp, at);
		be64_put(stamp + 8, r->published++);
		p->sent++;
		if (r->what->window)
			p->sent_us[p->sent % RING] = at;
	}
	if (r->what->window)
		p->waiting += n;
	p->left_at = 0;
	p->left = n * p->unit;
	return slab_write(p);
}

static void publish(struct publisher *p)
{
	uint64_t n;
	if (!slab_write(p))
		return;
	/* One window at most a round, so that what comes back is read. */
	for (uint64_t total = 0; total < 1024 && (n = room(p)); total += n)
		if (!publish_batch(p, n))
			return;
}

/* ---- the round ---- */

static short wanted(const struct run *r, uint32_t i)
{
	if (i < r->what->publishers)
		return (short)(POLLIN | (r->publishers[i].left ? POLLOUT : 0));
	return (short)(POLLIN | (r->consumer->out_end ? POLLOUT : 0));
}

/* Until the next publish is due; anything that arrives ends it too. */
static struct timespec pause_of(const struct run *r)
{
	uint64_t us = IDLE_US;
	if (r->what->rate) {
		uint64_t due = r->start_us + (r->published + 1) * 1000000 / r->what->rate, now = clock_mono_us();
		us = due <= now ? 0 : due - now < us ? due - now : us;
	}
	return (struct timespec){.tv_nsec = (long)us * 1000};
}

static void round_once(struct run *r)
{
	struct pollfd fds[PUBLISHERS_MAX + 1];
	uint32_t n = r->what->publishers + (r->consumer != NULL);
	struct timespec wait = pause_of(r);
	for (uint32_t i = 0; i < n; i++) {
		bool publisher = i < r->what->publishers;
		fds[i].fd = publisher ? r->publishers[i].conn->fd : r->consumer->fd;
		fds[i].events = wanted(r, i);
		fds[i].revents = 0;
	}
	if (ppoll(fds, n, &wait, NULL) < 0 && errno != EINTR)
		load_fail("ppoll: %s", strerror(errno));
	r->now_us = clock_mono_us();
	for (uint32_t i = 0; i < n; i++)
		if (fds[i].revents & (POLLIN | POLLHUP | POLLERR))
			load_read(i < r->what->publishers ? r->publishers[i].conn : r->consumer);
	if (r->consumer)
		load_flush(r->consumer);
	for (uint32_t i = 0; i < r->what->publishers; i++)
		publish(&r->publishers[i]);
}

static void rounds_until(struct run *r, uint64_t end_us)
{
	while (r->now_us < end_us)
		round_once(r);
}

/* ---- a run's life ---- */

static const char *queue_name(uint32_t i)
{
	static char name[32];
	snprintf(name, sizeof(name), "mqb-load-%u", i);
	return name;
}

static const char exchange[] = "mqb-load";

static void declare(struct load_conn *c, const struct load_options *o)
{
	if (o->what->queues > 1)
		load_exchange_declare(c, exchange, "fanout");
	for (uint32_t i = 0; i < o->what->queues; i++) {
		struct queue_spec spec = {queue_name(i), o->what->persistent || o->quorum, o->quorum};
		load_queue_declare(c, &spec);
		load_queue_purge(c, spec.name);
		if (o->what->queues > 1)
			load_bind(c, spec.name, exchange);
	}
}

static void delete(struct load_conn *c, const struct load_case *what)
{
	for (uint32_t i = 0; i < what->queues; i++)
		load_queue_delete(c, queue_name(i));
	if (what->queues > 1)
		load_exchange_delete(c, exchange);
}

static void publisher_init(struct publisher *p, struct run *r)
{
	const struct load_case *what = r->what;
	struct publish_spec spec = {what->queues > 1 ? exchange : "", what->queues > 1 ? "" : queue_name(0),
				    what->persistent, r->o->body_bytes};
	p->run = r;
	p->unit = load_publish_encode(&spec, NULL, &p->stamp_at);
	p->units = SLAB_BYTES / p->unit ? SLAB_BYTES / p->unit : 1;
	p->slab = malloc(p->units * p->unit);
	p->sent_us = calloc(RING, sizeof(*p->sent_us));
	if (!p->slab || !p->sent_us)
		load_fail("out of memory");
	for (size_t i = 0; i < p->units; i++)
		load_publish_encode(&spec, p->slab + i * p->unit, &p->stamp_at);
	p->conn = load_open(&r->o->target);
	if (what->window)
		load_confirm_select(p->conn);
	load_start(p->conn, &publisher_events, p);
}

static void consumer_init(struct run *r)
{
	r->consumer = load_open(&r->o->target);
	if (r->what->prefetch)
		load_qos(r->consumer, (uint16_t)r->what->prefetch);
	for (uint32_t i = 0; i < r->what->queues; i++)
		load_consume(r->consumer, queue_name(i), !r->what->prefetch);
	load_start(r->consumer, &consumer_events, r);
}

static void run_close(struct run *r)
{
	for (uint32_t i = 0; i < r->what->publishers; i++) {
		load_close(r->publishers[i].conn);
		free(r->publishers[i].slab);
		free(r->publishers[i].sent_us);
	}
	if (r->consumer)
		load_close(r->consumer);
}

static void measure(struct run *r, struct load_result *out)
{
	const struct load_options *o = r->o;
	prctl(PR_SET_TIMERSLACK, 1000); /* ns: a rate is kept to the microsecond */
	r->start_us = r->now_us = clock_mono_us();
	rounds_until(r, r->start_us + o->warm_s * 1000000ull);
	rss_peak_reset(o->server_pid);
	memset(&r->latency, 0, sizeof(r->latency));
	struct load_result before = {.published = r->published, .confirmed = r->confirmed, .delivered = r->delivered,
				     .generator_cpu_s = cpu_self_s(), .server_cpu_s = cpu_process_s(o->server_pid)};
	uint64_t from_us = r->now_us;
	rounds_until(r, from_us + o->seconds * 1000000ull);
	out->seconds = (double)(r->now_us - from_us) / 1e6;
	out->published = r->published - before.published;
	out->confirmed = r->confirmed - before.confirmed;
	out->delivered = r->delivered - before.delivered;
	out->generator_cpu_s = cpu_self_s() - before.generator_cpu_s;
	out->server_cpu_s = cpu_process_s(o->server_pid) - before.server_cpu_s;
	out->server_rss_kb = rss_peak_kb(o->server_pid);
	out->latency = r->latency;
}

void load_case_run(const struct load_options *o, struct load_result *out)
{
	struct run *r = calloc(1, sizeof(*r));
	if (!r)
		load_fail("out of memory");
	r->o = o;
	r->what = o->what;
	struct load_conn *control = load_open(&o->target);
	declare(control, o);
	if (r->what->consume)
		consumer_init(r);
	for (uint32_t i = 0; i < r->what->publishers; i++)
		publisher_init(&r->publishers[i], r);
	measure(r, out);
	run_close(r);
	delete(control, o->what);
	load_close(control);
	free(r);
}
