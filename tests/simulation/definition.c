/* SPDX-License-Identifier: Apache-2.0 */
/* Queues and bindings that come and go between the messages. */
#include "sim.h"

const char *const TOPIC[BIND_TOPICS] = {"direct", "topic"};
const char *const ROUTING_KEY[BIND_TOPICS][PATTERNS] = {{"k0", "k1", "k2"}, {"a.b", "a.x.c", "b"}};
static const char *const PATTERN[BIND_TOPICS][PATTERNS] = {{"k0", "k1", "k2"}, {"a.*", "#.b", "a.#.c"}};
static const bool MATCHES[BIND_TOPICS][PATTERNS][PATTERNS] = {
	/* pattern × key */
	{{true, false, false}, {false, true, false}, {false, false, true}},
	{{true, false, false}, {true, false, true}, {false, true, false}},
};

enum bound route_of(const struct sim *s, int topic, int key, int queue)
{
	enum bound b = BOUND_NO;
	for (int i = 0; i < PATTERNS; i++) {
		enum bound one = s->bound[topic][i][queue];
		if (MATCHES[topic][i][key] && one != BOUND_NO && b != BOUND_YES)
			b = one;
	}
	return b;
}

static void bindings_set(struct sim *s, int queue, enum bound b)
{
	for (int t = 0; t < BIND_TOPICS; t++)
		for (int i = 0; i < PATTERNS; i++)
			s->bound[t][i][queue] = b;
}

static void queue_spec_of(int q, struct queue_spec *spec)
{
	static struct field single[] = {
		{VIEW("x-single-active-consumer"), {.type = VALUE_BOOL, .boolean = true}}};
	static const struct table arguments = {single, 1};
	*spec = (struct queue_spec){
		.name = view_str(QUEUE[q]), .durable = q < Q_TRANSIENT, .auto_delete = q == Q_AUTO,
		.exclusive = q == Q_MINE, .arguments = q == Q_SINGLE ? &arguments : NULL,
	};
}

/* Tries until the store, whose faults are few, takes it. */
static void declare(struct sim *s, struct peer *p, int q)
{
	struct queue_spec spec;
	struct seen *e;
	queue_spec_of(q, &spec);
	do {
		engine_queue_declare(s->rig.engine, p->session, ++p->cmd, &spec);
		e = peer_next(p);
	} while (e->code == CODE_UNAVAILABLE);
	sim_must(s, e->code == CODE_OK);
	while (q != Q_MINE && peer_bind(p, "all", QUEUE[q], "")->code != CODE_OK)
		;
	s->exists[q] = true;
}

void declare_all(struct sim *s)
{
	static const enum topic_type types[BIND_TOPICS] = {TOPIC_DIRECT, TOPIC_TOPIC};
	struct peer p;
	peer_open(&p, &s->rig, SESSION_AMQP091);
	while (peer_topic(&p, "all", TOPIC_FANOUT)->code != CODE_OK)
		;
	for (int t = 0; t < BIND_TOPICS; t++)
		while (peer_topic(&p, TOPIC[t], types[t])->code != CODE_OK)
			;
	for (int q = 0; q < Q_MINE; q++)
		declare(s, &p, q);
	peer_close(&p, CLOSE_ORDERLY);
}

/* All of its messages are gone; `key` (0: nobody) is told when that is on disk. */
static void queue_gone(struct sim *s, int q, uint64_t key)
{
	sim_trace(s, "%s is gone", QUEUE[q]);
	s->exists[q] = false;
	bindings_set(s, q, BOUND_NO);
	for (int m = 0; m < s->n_messages; m++) {
		s->copies[m][q].settled_in = 0;
		if (s->copies[m][q].sent && !s->copies[m][q].settled)
			copy_removed(s, &s->copies[m][q], key);
	}
	for (int i = 0; i < PEERS; i++)
		first_forget_queue(&s->peers[i], q);
}

void queues_look(struct sim *s)
{
	struct queue_stat st;
	static const int fleeting[] = {Q_AUTO, Q_MINE};
	for (size_t i = 0; i < sizeof(fleeting) / sizeof(*fleeting); i++)
		if (s->exists[fleeting[i]] &&
		    !engine_queue_stat(s->rig.engine, VIEW("/"), view_str(QUEUE[fleeting[i]]), &st))
			queue_gone(s, fleeting[i], 0);
}

/* On a connection of its own, so that its answers are its own. */
static void redeclare(struct sim *s, int q)
{
	struct peer p;
	peer_open(&p, &s->rig, SESSION_AMQP091);
	declare(s, &p, q);
	peer_close(&p, CLOSE_ORDERLY);
	look(s);
}

static void do_delete(struct sim *s, struct sim_peer *p)
{
	int q = (int)pick(s, Q_MINE);
	settle(s);
	struct asked *a = s->exists[q] ? ask(s, p, ASK_REMOVAL) : NULL;
	if (!a)
		return;
	uint64_t key = a->key;
	engine_queue_delete(s->rig.engine, p->p.session, a->cmd, view_str(QUEUE[q]), false, false);
	queue_gone(s, q, key);
	settle(s);
	redeclare(s, q);
}

/* AMQP's purge leaves what is leased or delayed, SQS's leaves nothing. */
static void do_purge(struct sim *s, struct sim_peer *p)
{
	int q = (int)pick(s, Q_MINE);
	settle(s);
	struct asked *a = s->exists[q] ? ask(s, p, ASK_REMOVAL) : NULL;
	if (!a)
		return;
	bool all = p->aws || sim_owned(s, q);
	engine_queue_purge(s->rig.engine, p->p.session, a->cmd, view_str(QUEUE[q]), p->aws);
	sim_trace(s, "purge %s%s", QUEUE[q], all ? " of all" : "");
	for (int m = 0; m < s->n_messages; m++) {
		struct copy *c = &s->copies[m][q];
		bool kept = c->due_ms > s->rig.now.wall_ms || c->held == HELD_CONSUMER ||
			    (c->held == HELD_RECEIVE && c->until_ms > s->rig.now.mono_ms);
		c->settled_in = 0;
		if (!c->sent || c->settled || (kept && !all))
			continue;
		if (!sim_owned(s, q)) {
			copy_removed(s, c, a->key);
			continue;
		}
		c->unsure = true; /* what is loaded before it is done may still come */
		if (p->aws)
			c->held = HELD_NOBODY; /* a ghost, also when the store does not do it */
	}
	settle(s);
}

static void do_bind(struct sim *s, struct sim_peer *p)
{
	int t = (int)pick(s, BIND_TOPICS), i = (int)pick(s, PATTERNS), q = (int)pick(s, QUEUES);
	bool bind = chance(s, 60);
	if (!s->exists[q] || q == Q_MINE || s->binding[t][i][q])
		return;
	struct asked *a = ask(s, p, ASK_BIND);
	if (!a)
		return;
	struct binding_spec spec = {
		.source = view_str(TOPIC[t]), .destination = view_str(QUEUE[q]), .key = view_str(PATTERN[t][i])};
	a->topic = t;
	a->pattern = i;
	a->queue = q;
	s->bound[t][i][q] = bind ? BOUND_YES : BOUND_NO;
	s->binding[t][i][q] = true;
	(bind ? engine_bind : engine_unbind)(s->rig.engine, p->p.session, a->cmd, &spec);
}

static void do_mine(struct sim *s, struct sim_peer *p)
{
	struct queue_spec spec;
	struct asked *a = p->aws || s->exists[Q_MINE] ? NULL : ask(s, p, ASK_OTHER);
	if (!a)
		return;
	queue_spec_of(Q_MINE, &spec);
	engine_queue_declare(s->rig.engine, p->p.session, a->cmd, &spec);
	s->exists[Q_MINE] = true;
}

void definition_step(struct sim *s, struct sim_peer *p)
{
	uint64_t what = pick(s, 100);
	if (what < 30)
		do_bind(s, p);
	else if (what < 65)
		subscription_step(s, p);
	else if (what < 78)
		do_purge(s, p);
	else if (what < 85)
		do_delete(s, p);
	else if (what < 93)
		do_mine(s, p);
	else if (!s->exists[Q_AUTO])
		redeclare(s, Q_AUTO);
}
