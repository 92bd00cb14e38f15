/* SPDX-License-Identifier: Apache-2.0 */
/* The memory and disk gates (engine.md §3): the daemon measures, connections are
 * told, and whoever drives them stops reading those that publish (rabbitmq.md 1.17).
 * Only the edges of an alarm walk the connections. */
#include "engine/engine_priv.h"

static void note_for(struct engine *e, const struct connection *c)
{
	struct note *n = note_new(e, e->alarm ? EVENT_BLOCKED : EVENT_UNBLOCKED);
	n->id = slot_id(&c->slot);
	note_push(e, n);
}

void alarm_tell(struct engine *e, struct connection *c)
{
	if (e->alarm)
		note_for(e, c);
}

void engine_alarm(struct engine *e, const char *reason)
{
	const struct connection *c;
	uint32_t at = 0;
	bool edge = !e->alarm != !reason;
	e->alarm = reason;
	while (edge && (c = slots_next(&e->connections, &at)))
		note_for(e, c);
}

void engine_gates(const struct engine *e, struct engine_gates *out)
{
	*out = (struct engine_gates){
		.store_full = engine_store_full(e),
		.store_bytes = e->journal.bytes + e->spill.bytes + e->fanout_bytes,
		.store_high_bytes = e->options.store_high_bytes,
		.store_low_bytes = e->options.store_low_bytes,
		.crowded = e->crowded,
		.resident_bytes = e->resident_bytes,
		.resident_high_bytes = e->options.resident_high_bytes,
		.resident_low_bytes = e->options.resident_low_bytes,
	};
}

void alarm_raise(struct engine *e, const struct note *n)
{
	const struct connection *c = slots_find(&e->connections, n->id);
	struct event ev = {.kind = n->kind};
	/* It may be over again; then the end is behind this in the queue, and nobody need know. */
	if (!c || (n->kind == EVENT_BLOCKED && !e->alarm))
		return;
	ev.blocked.reason = e->alarm;
	c->event(c->ctx, &ev);
}
