/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions that come and go between the messages. Their policies look at the
 * attribute n of a message: its number modulo three. */
#include "sim.h"

enum { POLICIES = 4, RESIDUES = 3 };

static const struct {
	const char *text;
	bool matches[RESIDUES];
} POLICY[POLICIES] = {
	{"", {true, true, true}},
	{"{\"n\":[0]}", {true, false, false}},
	{"{\"n\":[1,2]}", {false, true, true}},
	{"{\"n\":[{\"numeric\":[\">=\",2]}]}", {false, false, true}},
};

/* One that could not be written is undone before its answer, in its session's order, is seen. */
static enum bound now(const struct sim *s, const struct subscribed *x)
{
	return x->is == BOUND_YES && x->asking && (s->o.faults || sim_remote(s)) ? BOUND_UNKNOWN : x->is;
}

enum bound subscription_of(const struct sim *s, int topic, int message, int queue, enum form *form)
{
	const struct subscribed *x = &s->subscribed[topic][queue];
	enum bound is = now(s, x);
	*form = is == BOUND_UNKNOWN ? FORM_ANY : x->raw ? FORM_RAW : FORM_WRAPPED;
	if (!s->exists[queue] || (is == BOUND_YES && !POLICY[x->policy].matches[message % RESIDUES]))
		return BOUND_NO;
	return is;
}

void form_check(struct sim *s, const struct copy *c, const struct seen *e, int queue)
{
	const char *in = strstr(e->body, " in ");
	sim_must(s, !in || strcmp(in + 4, QUEUE[queue]) == 0);
	sim_must(s, c->form == FORM_ANY || (c->form == FORM_WRAPPED) == (in != NULL)); /* S11 */
}

/* ---- what they are listed as ---- */

struct listed {
	struct sim *sim;
	bool seen[BIND_TOPICS][QUEUES];
	char id[BIND_TOPICS][QUEUES][40];
};

static int index_of(const char *const *names, int n, struct view name)
{
	for (int i = 0; i < n; i++)
		if (view_is(name, names[i]))
			return i;
	return -1;
}

static bool attributes_are(const struct subscription_stat *st, const struct subscribed *x)
{
	size_t n = 0;
	for (size_t i = 0; i < st->n_attributes; i++) {
		const struct attribute *a = &st->attributes[i];
		bool policy = view_is(a->name, "FilterPolicy");
		n += view_is(a->value, policy ? POLICY[x->policy].text : x->raw ? "true" : "false");
	}
	return n == st->n_attributes && n == (x->policy ? 2u : 1u);
}

static bool note_listed(void *ctx, const struct subscription_stat *st)
{
	struct listed *l = ctx;
	struct sim *s = l->sim;
	if (st->bound)
		return true;
	int t = index_of(TOPIC, BIND_TOPICS, st->topic), q = index_of(QUEUE, QUEUES, st->queue);
	sim_must(s, t >= 0 && q >= 0 && !l->seen[t][q]);
	const struct subscribed *x = &s->subscribed[t][q];
	l->seen[t][q] = true;
	snprintf(l->id[t][q], sizeof(l->id[t][q]), "%.*s", VIEW_ARG(st->id));
	if (x->is == BOUND_YES && !x->asking) {
		sim_must(s, strcmp(x->id, l->id[t][q]) == 0); /* S14 */
		sim_must(s, attributes_are(st, x));           /* S14 */
	}
	return true;
}

static void list(struct sim *s, struct listed *l)
{
	*l = (struct listed){.sim = s};
	engine_subscriptions_each(s->rig.engine, VIEW("/"), VIEW_NONE, VIEW_NONE, note_listed, l);
}

void subscriptions_check(struct sim *s)
{
	struct listed l;
	list(s, &l);
	for (int t = 0; t < BIND_TOPICS; t++)
		for (int q = 0; q < QUEUES; q++) {
			const struct subscribed *x = &s->subscribed[t][q];
			sim_must(s, x->asking || x->is == BOUND_UNKNOWN || l.seen[t][q] == (x->is == BOUND_YES)); /* S14 */
		}
}

/* ---- verbs ---- */

static size_t attributes_of(const struct subscribed *x, struct attribute v[2])
{
	v[0] = (struct attribute){VIEW("RawMessageDelivery"), x->raw ? VIEW("true") : VIEW("false")};
	v[1] = (struct attribute){VIEW("FilterPolicy"), view_str(POLICY[x->policy].text)};
	return 2;
}

static void subscribe(struct sim *s, struct sim_peer *p, const struct asked *a, struct subscribed *x)
{
	struct attribute v[2];
	*x = (struct subscribed){
		.is = BOUND_YES, .asking = true, .policy = (int)pick(s, POLICIES), .raw = chance(s, 50)};
	struct subscription_spec spec = {
		.topic = view_str(TOPIC[a->topic]), .queue = view_str(QUEUE[a->queue]), .topic_arn = VIEW("arn"),
		.attributes = v, .n_attributes = attributes_of(x, v)};
	sim_trace(s, "subscribe %s to %s, policy %d%s", QUEUE[a->queue], TOPIC[a->topic], x->policy, x->raw ? " raw" : "");
	engine_subscribe(s->rig.engine, p->p.session, a->cmd, &spec);
}

static void unsubscribe(struct sim *s, struct sim_peer *p, const struct asked *a, struct subscribed *x, const char *id)
{
	sim_trace(s, "unsubscribe %s from %s", QUEUE[a->queue], TOPIC[a->topic]);
	engine_unsubscribe(s->rig.engine, p->p.session, a->cmd, view_str(id));
	*x = (struct subscribed){.is = BOUND_NO, .asking = true};
}

static void change(struct sim *s, struct sim_peer *p, const struct asked *a, struct subscribed *x)
{
	struct attribute v[2];
	x->policy = (int)pick(s, POLICIES);
	x->raw = chance(s, 50);
	x->asking = true;
	sim_trace(s, "change %s at %s, policy %d%s", QUEUE[a->queue], TOPIC[a->topic], x->policy, x->raw ? " raw" : "");
	engine_subscription_attributes_set(s->rig.engine, p->p.session, a->cmd, view_str(x->id), v, attributes_of(x, v));
}

void subscription_step(struct sim *s, struct sim_peer *p)
{
	int t = (int)pick(s, BIND_TOPICS), q = (int)pick(s, QUEUES);
	struct subscribed *x = &s->subscribed[t][q];
	struct listed l;
	if (s->o.wide)
		settle(s); /* what waits for its turn is passed over when its subscription goes */
	struct asked *a = x->asking ? NULL : ask(s, p, ASK_SUBSCRIBE);
	if (!a)
		return;
	a->topic = t;
	a->queue = q;
	list(s, &l);
	if (!l.seen[t][q])
		subscribe(s, p, a, x);
	else if (x->is == BOUND_UNKNOWN || chance(s, 40))
		unsubscribe(s, p, a, x, l.id[t][q]);
	else
		change(s, p, a, x);
}

void subscription_answered(struct sim *s, const struct asked *a, const struct seen *e)
{
	struct subscribed *x = &s->subscribed[a->topic][a->queue];
	x->asking = false;
	sim_must(s, e->code == CODE_OK || e->code == CODE_UNAVAILABLE);
	if (e->code == CODE_UNAVAILABLE)
		x->is = BOUND_UNKNOWN;
	else if (e->name[0])
		snprintf(x->id, sizeof(x->id), "%.36s", e->name);
}

void subscriptions_unsure(struct sim *s)
{
	for (int t = 0; t < BIND_TOPICS; t++)
		for (int q = 0; q < QUEUES; q++) {
			struct subscribed *x = &s->subscribed[t][q];
			if (x->asking)
				x->is = BOUND_UNKNOWN;
			x->asking = false;
		}
}
