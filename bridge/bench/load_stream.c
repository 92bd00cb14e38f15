/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "bench/load_kinds_priv.h"
#include "bench/load_stream_priv.h"

enum { SLAB_BYTES = 128 * 1024, RING = 65536, IDLE_US = 50000 };

/* ---- what comes back ---- */

static void on_delivered(void *ctx, uint64_t tag, const uint8_t *stamp)
{
	struct stream *s = ctx;
	uint64_t sent_us = be64_get(stamp), seq = be64_get(stamp + 8);
	if (s->what->queues == 1 && s->what->publishers <= 1 && seq != s->next_seq++)
		load_fail("message %llu came where %llu was due", (unsigned long long)seq,
			  (unsigned long long)s->next_seq - 1);
	if (++s->delivered > s->copies && s->what->publishers)
		load_fail("more deliveries than the bindings lead to");
	s->last_tag = tag;
	histogram_add(&s->latency, s->now_us > sent_us ? s->now_us - sent_us : 0);
	if (s->what->ack_every && s->last_tag - s->acked >= s->what->ack_every) {
		load_ack(s->consumer, s->last_tag, s->what->ack_every > 1);
		s->acked = s->last_tag;
	}
}

static void confirm_one(struct publisher *p, uint64_t tag)
{
	uint64_t *at = &p->sent_us[tag % RING];
	if (!*at)
		load_fail("tag %llu confirmed twice", (unsigned long long)tag);
	if (!p->stream->what->consume)
		histogram_add(&p->stream->latency, p->stream->now_us - *at);
	*at = 0;
	p->waiting--;
	p->stream->confirmed++;
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
	const struct stream *s = p->stream;
	const struct load_case *what = s->what;
	uint64_t n = p->units;
	uint64_t behind = s->copies - s->delivered;
	uint64_t free_tags = RING - 1 - (p->sent - p->low);
	if (what->window && what->window - p->waiting < n)
		n = what->window - p->waiting;
	if (what->window && free_tags < n)
		n = free_tags;
	if (what->behind_max) {
		uint64_t each = s->topic ? TOPIC_COPIES_MAX : what->queues;
		uint64_t m = behind < what->behind_max ? (what->behind_max - behind) / each : 0;
		n = m < n ? m : n;
	}
	if (s->publish_max && s->publish_max - s->published < n)
		n = s->publish_max - s->published;
	if (what->rate) {
		uint64_t due = (s->now_us - s->start_us) * what->rate / 1000000;
		n = due <= s->published ? 0 : due - s->published < n ? due - s->published : n;
	}
	return n;
}

/* False: the socket takes no more for now. */
static bool publish_batch(struct publisher *p, uint64_t n)
{
	struct stream *s = p->stream;
	for (uint64_t i = 0; i < n; i++) {
		uint8_t *unit = p->slab + i * p->unit;
		uint64_t at = s->now_us;
		if (s->what->rate) /* when it should have gone */
			at = s->start_us + (s->published + 1) * 1000000 / s->what->rate;
		if (s->topic)
			memcpy(unit + p->at.key, s->topic->keys[s->published % TOPIC_KEYS], TOPIC_KEY_BYTES);
		s->copies += s->topic ? s->topic->copies[s->published % TOPIC_KEYS] : s->what->queues;
		be64_put(unit + p->at.stamp, at);
		be64_put(unit + p->at.stamp + 8, s->published++);
		p->sent++;
		if (s->what->window)
			p->sent_us[p->sent % RING] = at;
	}
	if (s->what->window)
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

static short wanted(const struct stream *s, uint32_t i)
{
	if (i < s->what->publishers)
		return (short)(POLLIN | (s->publishers[i].left ? POLLOUT : 0));
	return (short)(POLLIN | (s->consumer->out_end ? POLLOUT : 0));
}

/* Until the next publish is due; anything that arrives ends it too. */
static struct timespec pause_of(const struct stream *s)
{
	uint64_t us = IDLE_US;
	if (s->what->rate) {
		uint64_t due = s->start_us + (s->published + 1) * 1000000 / s->what->rate, now = clock_mono_us();
		us = due <= now ? 0 : due - now < us ? due - now : us;
	}
	return (struct timespec){.tv_nsec = (long)us * 1000};
}

static void round_once(struct stream *s)
{
	struct pollfd fds[STREAM_PUBLISHERS_MAX + 1];
	uint32_t n = s->what->publishers + (s->consumer != NULL);
	struct timespec wait = pause_of(s);
	for (uint32_t i = 0; i < n; i++) {
		bool publisher = i < s->what->publishers;
		fds[i].fd = publisher ? s->publishers[i].conn->fd : s->consumer->fd;
		fds[i].events = wanted(s, i);
		fds[i].revents = 0;
	}
	if (ppoll(fds, n, &wait, NULL) < 0 && errno != EINTR)
		load_fail("ppoll: %s", strerror(errno));
	s->now_us = clock_mono_us();
	for (uint32_t i = 0; i < n; i++)
		if (fds[i].revents & (POLLIN | POLLHUP | POLLERR))
			load_read(i < s->what->publishers ? s->publishers[i].conn : s->consumer);
	if (s->consumer)
		load_flush(s->consumer);
	for (uint32_t i = 0; i < s->what->publishers; i++)
		publish(&s->publishers[i]);
}

void stream_until(struct stream *s, uint64_t end_us, const uint64_t *counter, uint64_t goal)
{
	while (s->now_us < end_us && (!goal || *counter < goal))
		round_once(s);
}

/* ---- a run's life ---- */

static void publisher_init(struct publisher *p, struct stream *s)
{
	const struct load_case *what = s->what;
	bool routed = what->queues > 1;
	struct stream_name queue = stream_queue_name(0);
	struct publish_spec spec = {routed ? stream_exchange : "", routed ? "" : queue.text, what->persistent,
				    s->o->body_bytes};
	if (s->topic)
		spec.key = s->topic->keys[0];
	p->stream = s;
	p->unit = load_publish_encode(&spec, NULL, &p->at);
	p->units = SLAB_BYTES / p->unit ? SLAB_BYTES / p->unit : 1;
	p->slab = malloc(p->units * p->unit);
	p->sent_us = calloc(RING, sizeof(*p->sent_us));
	if (!p->slab || !p->sent_us)
		load_fail("out of memory");
	for (size_t i = 0; i < p->units; i++)
		load_publish_encode(&spec, p->slab + i * p->unit, &p->at);
	p->conn = load_open(&s->o->target);
	if (what->window)
		load_confirm_select(p->conn);
	load_start(p->conn, &publisher_events, p);
}

static void consumer_init(struct stream *s)
{
	s->consumer = load_open(&s->o->target);
	if (s->what->prefetch)
		load_qos(s->consumer, (uint16_t)s->what->prefetch);
	for (uint32_t i = 0; i < s->what->queues; i++)
		load_consume(s->consumer, stream_queue_name(i).text, !s->what->prefetch);
	load_start(s->consumer, &consumer_events, s);
}

void stream_open(struct stream *s)
{
	prctl(PR_SET_TIMERSLACK, 1000); /* ns: a rate is kept to the microsecond */
	if (s->what->consume)
		consumer_init(s);
	for (uint32_t i = 0; i < s->what->publishers; i++)
		publisher_init(&s->publishers[i], s);
	s->start_us = s->now_us = clock_mono_us();
}

void stream_close(struct stream *s)
{
	for (uint32_t i = 0; i < s->what->publishers; i++) {
		load_stop(s->publishers[i].conn);
		slab_write(&s->publishers[i]);
		load_close(s->publishers[i].conn);
		free(s->publishers[i].slab);
		free(s->publishers[i].sent_us);
	}
	if (!s->consumer)
		return;
	load_stop(s->consumer);
	load_close(s->consumer);
}

/* Publishes where nothing comes back, deliveries where there is a consumer, else confirms.
 * A topic's are publishes again, counted by what they led to. */
static uint64_t done(const struct stream *s, uint64_t published, uint64_t confirmed, uint64_t delivered)
{
	if (s->topic)
		return delivered * TOPIC_KEYS / s->topic->copies_all;
	return s->what->consume ? delivered : s->what->window ? confirmed : published;
}

static void measure(struct stream *s, struct load_part *part)
{
	const struct load_options *o = s->o;
	struct load_meter meter;
	stream_until(s, s->start_us + o->warm_s * 1000000ull, NULL, 0);
	memset(&s->latency, 0, sizeof(s->latency));
	uint64_t published = s->published, confirmed = s->confirmed, delivered = s->delivered, from_us = s->now_us;
	meter_begin(&meter, o->target.pid);
	stream_until(s, from_us + o->seconds * 1000000ull, NULL, 0);
	meter_end(&meter, part);
	part->seconds = (double)(s->now_us - from_us) / 1e6;
	part->done = done(s, s->published - published, s->confirmed - confirmed, s->delivered - delivered);
	part->latency = s->latency;
}

void stream_measure(const struct load_options *o, struct load_result *out)
{
	struct stream *s = stream_new(o, o->what);
	struct load_conn *control = load_open(&o->target);
	stream_declare(s, control);
	stream_open(s);
	measure(s, load_part_begin(o, out, ""));
	stream_close(s);
	stream_delete(s, control);
	load_close(control);
	stream_free(s);
}
