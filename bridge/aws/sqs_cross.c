/* SPDX-License-Identifier: Apache-2.0 */
/* Any message as an SQS reader of a queue gets it (docs/cross-protocol.md), and
 * the count of bodies whose form was guessed from their bytes: one warning a
 * queue once both forms have occurred there. */
#include "aws/aws_priv.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"

struct body_guess {
	uint64_t text, base64;
};

static void guess_count(struct aws_call *c, bool as_base64)
{
	struct aws *a = c->aws;
	struct body_guess *g = map64_find(&a->guesses, c->queue.uid);

	if (!g) {
		g = mem_zalloc(sizeof(*g));
		map64_put(&a->guesses, c->queue.uid, g);
	}
	bool first = as_base64 ? g->base64++ == 0 : g->text++ == 0;
	a->counters.bodies_guessed++;
	if (first && g->text && g->base64)
		log_warn("cross.body_guessed",
			 "queue=\"%.*s\" text=\"messages without content-type came out both as text and as "
			 "base64; declare a content-type or set x-mqb-body\"",
			 VIEW_ARG(c->queue.name));
}

void aws_cross_settings(struct aws_call *c, struct cross_settings *s)
{
	const struct table *arguments = engine_queue_arguments(c->aws->engine, c->queue.vhost, c->queue.name);

	*s = c->aws->o.cross;
	if (arguments)
		cross_settings_read(arguments, c->arena, s);
}

void aws_cross(struct aws_call *c, const struct cross_settings *s, const struct message *m, struct cross_sqs *out)
{
	if (!cross_to_sqs(s, c->aws->codecs, m, c->arena, out))
		log_warn("cross.header_malformed", "queue=\"%.*s\"", VIEW_ARG(c->queue.name));
	if (out->guessed)
		guess_count(c, out->as_base64);
}

void aws_guesses_free(struct aws *a)
{
	struct body_guess *g;
	size_t at = 0;

	while ((g = map64_next(&a->guesses, &at, NULL)))
		free(g);
	map64_fini(&a->guesses);
}
