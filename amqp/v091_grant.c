/* SPDX-License-Identifier: Apache-2.0 */
/* Permissions at the points where RabbitMQ asks for them (rabbitmq.md 5.1, 5.2).
 * A channel remembers the last few that were granted, for a short while: a
 * publisher names the same exchange again and again. Refusals are not kept. */
#include "amqp/v091_priv.h"

static bool remembered(const struct channel *ch, enum access_verb verb, struct view name)
{
	int64_t since = ch->conn->now.mono_ms - ch->conn->env->options.grant_ms;

	for (size_t i = 0; i < GRANTS; i++) {
		const struct grant *g = ch->grants[i];

		if (g && g->verb == verb && g->at_ms > since && view_eq(view_of(g->name, g->n), name))
			return true;
	}
	return false;
}

static void remember(struct channel *ch, enum access_verb verb, struct view name)
{
	struct grant *g = mem_alloc(sizeof(*g) + name.n);

	g->verb = verb;
	g->at_ms = ch->conn->now.mono_ms;
	g->n = name.n;
	if (name.n)
		memcpy(g->name, name.p, name.n);
	free(ch->grants[ch->grant_at]);
	ch->grants[ch->grant_at] = g;
	ch->grant_at = (uint8_t)((ch->grant_at + 1) % GRANTS);
}

bool v091_grant_check(struct channel *ch, uint32_t method, enum access_verb verb, enum resource kind,
		 struct view name)
{
	struct conn *c = ch->conn;

	if (kind == RESOURCE_EXCHANGE && !name.n)
		name = VIEW("amq.default");
	if (remembered(ch, verb, name))
		return true;
	if (access_may(c->env->access, c->user, c->vhost, verb, name)) {
		remember(ch, verb, name);
		return true;
	}
	v091_channel_fail(ch, AMQP_ACCESS_REFUSED, method,
		     "access to %s '%.*s' in vhost '%.*s' refused for user '%.*s'",
		     kind == RESOURCE_QUEUE ? "queue" : "exchange", VIEW_ARG(name), VIEW_ARG(c->vhost),
		     VIEW_ARG(c->user));
	return false;
}

void v091_grants_free(struct channel *ch)
{
	for (size_t i = 0; i < GRANTS; i++) {
		free(ch->grants[i]);
		ch->grants[i] = NULL;
	}
}
