/* SPDX-License-Identifier: Apache-2.0 */
/* What a stream's messages go through: queues, and an exchange where there are several. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/load_stream_priv.h"

const char stream_exchange[] = "mqb-load";

struct stream_name stream_queue_name(uint32_t i)
{
	struct stream_name name;
	snprintf(name.text, sizeof(name.text), "mqb-load-%u", i);
	return name;
}

struct stream *stream_new(const struct load_options *o, const struct load_case *what)
{
	struct stream *s = calloc(1, sizeof(*s));
	if (!s || (what->topic && !(s->topic = calloc(1, sizeof(*s->topic)))))
		load_fail("out of memory");
	s->o = o;
	s->what = what;
	if (s->topic)
		topic_load_init(s->topic, what->queues);
	return s;
}

void stream_free(struct stream *s)
{
	free(s->topic);
	free(s);
}

static void bind(struct stream *s, struct load_conn *control)
{
	char pattern[TOPIC_PATTERN_MAX];
	if (!s->topic) {
		for (uint32_t i = 0; i < s->what->queues; i++)
			load_bind(control, stream_queue_name(i).text, stream_exchange, "");
		return;
	}
	for (uint32_t i = 0; i < TOPIC_BINDINGS; i++) {
		topic_pattern(i, pattern);
		load_bind(control, stream_queue_name(topic_queue_of(i, s->what->queues)).text, stream_exchange, pattern);
	}
}

void stream_declare(struct stream *s, struct load_conn *control)
{
	stream_delete(s, control); /* what a run that failed has left */
	for (uint32_t i = 0; i < s->what->queues; i++) {
		struct stream_name name = stream_queue_name(i);
		struct queue_spec spec = {name.text, s->what->persistent || s->o->quorum, s->o->quorum};
		load_queue_declare(control, &spec);
	}
	if (s->what->queues > 1) {
		load_exchange_declare(control, stream_exchange, s->topic ? "topic" : "fanout");
		bind(s, control);
	}
}

void stream_delete(struct stream *s, struct load_conn *control)
{
	for (uint32_t i = 0; i < s->what->queues; i++)
		load_queue_delete(control, stream_queue_name(i).text);
	if (s->what->queues > 1)
		load_exchange_delete(control, stream_exchange);
}
