/* SPDX-License-Identifier: Apache-2.0 */
#include "rig/envelopes.h"

#include <stdio.h>
#include <string.h>

static struct message *envelope_make(void *ctx, const struct message *m, const struct subscription_stat *s,
				     void **shared)
{
	struct rig_envelopes *x = ctx;
	char text[512];
	struct view piece = body_piece(m->body, 0);
	const uint8_t *end = memchr(piece.p, ' ', piece.n);
	if (!*shared)
		x->shared++;
	*shared = x;
	if (x->fail && x->made + 1 >= x->fail)
		return NULL;
	x->made++;
	piece.n = end ? (size_t)(end - piece.p) : piece.n;
	snprintf(text, sizeof(text), "%.*s in %.*s", VIEW_ARG(piece), VIEW_ARG(s->queue));
	return message_new(&(struct message_spec){.durable = m->durable, .id = m->id, .sent_ms = m->sent_ms},
			   body_of(view_str(text)));
}

static void envelope_done(void *ctx, void *shared)
{
	struct rig_envelopes *x = ctx;
	x->done += shared == x;
}

void rig_envelopes_init(struct rig_envelopes *x)
{
	*x = (struct rig_envelopes){.maker = {.ctx = x, .make = envelope_make, .done = envelope_done}};
}
