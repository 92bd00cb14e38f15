/* SPDX-License-Identifier: Apache-2.0 */
/* A backlog: so many messages in, then out in order. The parts can be asked for one
 * by one, so that a server can be started again between them:
 *   fill   declares the queue anew and leaves it full
 *   ready  declares and gets one message: what a client waits for after a start
 *   drain  takes everything, and deletes the queue */
#include <stdio.h>

#include "base/clock.h"
#include "bench/load_kinds_priv.h"
#include "bench/load_stream_priv.h"

enum { BACKLOG_S_MAX = 1800 };

static const struct load_case filling = {.persistent = true, .publishers = 1, .window = 1000, .queues = 1};
static const struct load_case draining = {.persistent = true, .consume = true, .queues = 1, .prefetch = 500,
					  .ack_every = 100};

static uint64_t messages_of(const struct load_options *o)
{
	return o->messages ? o->messages : o->what->messages;
}

/* Until *counter is the number of messages. */
static void run(struct stream *s, const uint64_t *counter, struct load_part *part)
{
	struct load_meter meter;
	uint64_t goal = messages_of(s->o);
	meter_begin(&meter, s->o->target.pid);
	stream_until(s, s->start_us + BACKLOG_S_MAX * 1000000ull, counter, goal);
	meter_end(&meter, part);
	if (*counter < goal)
		load_fail("%llu of %llu messages in %d s", (unsigned long long)*counter, (unsigned long long)goal,
			  BACKLOG_S_MAX);
	part->seconds = (double)(s->now_us - s->start_us) / 1e6;
	part->done = goal;
}

static void fill(const struct load_options *o, struct load_part *part)
{
	struct stream *s = stream_new(o, &filling);
	struct load_conn *control = load_open(&o->target);
	stream_declare(s, control);
	s->publish_max = messages_of(o);
	stream_open(s);
	run(s, &s->confirmed, part);
	part->latency = s->latency;
	stream_close(s);
	load_close(control);
	stream_free(s);
}

static void ready(const struct load_options *o, struct load_part *part)
{
	struct stream_name name = stream_queue_name(0);
	struct queue_spec spec = {name.text, true, o->quorum};
	uint64_t from_us = clock_mono_us();
	struct load_conn *c = load_open(&o->target);
	load_queue_declare(c, &spec);
	if (!load_get(c, name.text))
		load_fail("the queue is empty");
	histogram_add(&part->latency, clock_mono_us() - from_us);
	part->seconds = (double)(clock_mono_us() - from_us) / 1e6;
	part->done = 1;
	load_close(c);
}

static void drain(const struct load_options *o, struct load_part *part)
{
	struct stream *s = stream_new(o, &draining);
	struct load_conn *control = load_open(&o->target);
	stream_open(s);
	run(s, &s->delivered, part);
	stream_close(s);
	stream_delete(s, control);
	load_close(control);
	stream_free(s);
}

void backlog_measure(const struct load_options *o, struct load_result *out)
{
	struct load_part *part;
	if ((part = load_part_begin(o, out, "fill")))
		fill(o, part);
	if (o->part && (part = load_part_begin(o, out, "ready")))
		ready(o, part);
	if ((part = load_part_begin(o, out, "drain")))
		drain(o, part);
}
