/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of subscriptions: SNS's own and bindings in one order, page by page, true
 * after every change (DESIGN §6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "rig/rig.h"

enum { LIST_MAX = 64 };

struct list {
	struct {
		char id[40], topic[32], queue[32];
		bool bound;
	} v[LIST_MAX];
	size_t n, max;
};

static bool note(void *ctx, const struct subscription_stat *s)
{
	struct list *l = ctx;
	assert_true(l->n < LIST_MAX);
	assert_true(view_is(s->vhost, "/"));
	snprintf(l->v[l->n].id, sizeof(l->v[0].id), "%.*s", VIEW_ARG(s->id));
	snprintf(l->v[l->n].topic, sizeof(l->v[0].topic), "%.*s", VIEW_ARG(s->topic));
	snprintf(l->v[l->n].queue, sizeof(l->v[0].queue), "%.*s", VIEW_ARG(s->queue));
	l->v[l->n].bound = s->bound;
	assert_int_equal(s->topic_arn.n != 0, !s->bound);
	return ++l->n < l->max;
}

/* Page by page; the order is that of the ids. */
static void list(struct rig *r, const char *topic, size_t page, struct list *l)
{
	size_t before;
	*l = (struct list){.n = 0};
	do {
		before = l->n;
		l->max = l->n + page;
		engine_subscriptions_each(r->engine, VIEW("/"), view_str(topic),
					  before ? view_str(l->v[before - 1].id) : VIEW_NONE, note, l);
		for (size_t i = before ? before : 1; i < l->n; i++)
			assert_true(strcmp(l->v[i - 1].id, l->v[i].id) < 0);
	} while (l->n == before + page);
}

static const char *id_of(const struct list *l, const char *topic, const char *queue, bool bound)
{
	const char *id = NULL;
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].bound == bound && !strcmp(l->v[i].topic, topic) && !strcmp(l->v[i].queue, queue)) {
			assert_null(id);
			id = l->v[i].id;
		}
	return id;
}

static size_t count(struct rig *r, const char *topic)
{
	struct list l;
	list(r, topic, 3, &l);
	return l.n;
}

static struct seen *subscribe(struct peer *p, const char *topic, const char *queue)
{
	engine_subscribe(p->rig->engine, p->session, ++p->cmd,
			 &(struct subscription_spec){
				 .topic = view_str(topic), .queue = view_str(queue), .topic_arn = VIEW("arn")});
	return peer_next(p);
}

static void queue(struct peer *p, struct queue_spec spec)
{
	engine_queue_declare(p->rig->engine, p->session, ++p->cmd, &spec);
	assert_int_equal(peer_next(p)->code, CODE_OK);
}

static void scene(struct peer *p, struct rig *r)
{
	static const char *const queues[] = {"q0", "q1", "q2", "q3", "q4"};
	peer_open(p, r, SESSION_AMQP091);
	peer_topic(p, "t", TOPIC_DIRECT);
	peer_topic(p, "u", TOPIC_DIRECT);
	for (size_t i = 0; i < sizeof(queues) / sizeof(*queues); i++) {
		peer_queue(p, queues[i], true);
		peer_bind(p, "t", queues[i], "a");
		peer_bind(p, "t", queues[i], "b");
		peer_bind(p, "u", queues[i], "a");
		assert_int_equal(subscribe(p, "t", queues[i])->code, CODE_OK);
	}
	queue(p, (struct queue_spec){.name = VIEW("mine"), .exclusive = true});
	peer_bind(p, "t", "mine", "a");
	engine_bind(r->engine, p->session, ++p->cmd,
		    &(struct binding_spec){.source = VIEW("t"), .destination = VIEW("u"), .to_topic = true});
	assert_int_equal(peer_next(p)->code, CODE_OK);
}

static void pages(struct rig *r)
{
	struct peer p;
	struct list l, other;
	char bound[40];
	scene(&p, r);
	for (size_t page = 1; page < 20; page++) {
		list(r, "", page, &l);
		assert_int_equal(l.n, 15);
		list(r, "t", page, &l);
		assert_int_equal(l.n, 10);
		list(r, "u", page, &l);
		assert_int_equal(l.n, 5);
	}
	list(r, "t", 100, &l);
	assert_non_null(id_of(&l, "t", "q0", true));
	assert_non_null(id_of(&l, "t", "q4", false));
	snprintf(bound, sizeof(bound), "%s", id_of(&l, "t", "q0", true));
	list(r, "", 100, &other);
	assert_string_equal(id_of(&other, "t", "q0", true), bound);
	list(r, "none", 100, &l);
	assert_int_equal(l.n, 0);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_pages(void **state)
{
	(void)state;
	rig_over(0, NULL, pages);
}

static void changes(struct rig *r)
{
	struct peer p;
	struct list l;
	scene(&p, r);
	list(r, "t", 4, &l);
	engine_unsubscribe(r->engine, p.session, ++p.cmd, view_str(id_of(&l, "t", "q1", false)));
	assert_int_equal(count(r, "t"), 9);
	for (int i = 0; i < 2; i++) {
		struct binding_spec b = {.source = VIEW("t"), .destination = VIEW("q1"), .key = i ? VIEW("b") : VIEW("a")};
		engine_unbind(r->engine, p.session, ++p.cmd, &b);
		assert_int_equal(count(r, "t"), i ? 8 : 9);
	}
	assert_int_equal(count(r, ""), 13);
	engine_queue_delete(r->engine, p.session, ++p.cmd, VIEW("q2"), false, false);
	assert_int_equal(count(r, "t"), 7); /* its subscription stays */
	assert_int_equal(count(r, "u"), 4);
	engine_topic_delete(r->engine, p.session, ++p.cmd, VIEW("t"), false);
	assert_int_equal(count(r, "t"), 0);
	assert_int_equal(count(r, ""), 4);
	rig_settle(r);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_changes(void **state)
{
	(void)state;
	rig_over(0, NULL, changes);
}

static void found(void *ctx, const struct subscription_stat *s)
{
	note(ctx, s);
}

static void ids(struct rig *r)
{
	struct peer p;
	struct list l, one = {.max = LIST_MAX};
	char bound[40], own[40];
	scene(&p, r);
	list(r, "u", 100, &l);
	snprintf(bound, sizeof(bound), "%s", id_of(&l, "u", "q3", true));
	list(r, "t", 100, &l);
	snprintf(own, sizeof(own), "%s", id_of(&l, "t", "q3", false));
	assert_true(engine_subscription_find(r->engine, VIEW("/"), view_str(bound), found, &one));
	assert_true(engine_subscription_find(r->engine, VIEW("/"), view_str(own), found, &one));
	assert_string_equal(id_of(&one, "u", "q3", true), bound);
	assert_string_equal(id_of(&one, "t", "q3", false), own);
	assert_false(engine_subscription_find(r->engine, VIEW("/"), VIEW("none"), found, &one));
	assert_false(engine_subscription_find(r->engine, VIEW("no vhost"), view_str(own), found, &one));
	/* Read-only over SNS. */
	engine_unsubscribe(r->engine, p.session, ++p.cmd, view_str(bound));
	while (p.at < p.n - 1)
		peer_next(&p);
	assert_int_equal(peer_next(&p)->code, CODE_REFUSED);
	engine_subscription_attributes_set(r->engine, p.session, ++p.cmd, view_str(bound), NULL, 0);
	assert_int_equal(peer_next(&p)->code, CODE_REFUSED);
	if (rig_has(r->kind, STORE_SURVIVES)) {
		peer_free(&p);
		rig_restart(r);
		peer_open(&p, r, SESSION_AMQP091);
		list(r, "", 7, &l);
		assert_int_equal(l.n, 15);
		assert_string_equal(id_of(&l, "u", "q3", true), bound);
		assert_string_equal(id_of(&l, "t", "q3", false), own);
	}
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_ids(void **state)
{
	(void)state;
	rig_over(0, NULL, ids);
}

struct keys {
	char v[4][8];
	size_t n;
};

static void note_key(void *ctx, struct view key, const struct table *arguments)
{
	struct keys *k = ctx;
	(void)arguments;
	assert_true(k->n < 4);
	snprintf(k->v[k->n++], sizeof(k->v[0]), "%.*s", VIEW_ARG(key));
}

static void bindings(struct rig *r)
{
	struct peer p;
	struct keys k = {.n = 0};
	scene(&p, r);
	engine_bindings_each(r->engine, VIEW("/"), VIEW("t"), VIEW("q0"), note_key, &k);
	assert_int_equal(k.n, 2);
	assert_int_equal(k.v[0][0] + k.v[1][0], 'a' + 'b');
	engine_bindings_each(r->engine, VIEW("/"), VIEW("amq.topic"), VIEW("q0"), note_key, &k);
	engine_bindings_each(r->engine, VIEW("/"), VIEW("t"), VIEW("none"), note_key, &k);
	engine_bindings_each(r->engine, VIEW("none"), VIEW("t"), VIEW("q0"), note_key, &k);
	assert_int_equal(k.n, 2);
	peer_close(&p, CLOSE_ORDERLY);
}

static void test_bindings(void **state)
{
	(void)state;
	rig_over(0, NULL, bindings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_bindings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
