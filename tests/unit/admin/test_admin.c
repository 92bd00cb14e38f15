/* SPDX-License-Identifier: Apache-2.0 */
/* Every call of docs/administration.md, who may make it, and bad input. */
#include "admin_rig.h"

#include <stdio.h>
#include <stdlib.h>

#define ROOT "guest:guest"

static int setup(void **state)
{
	struct rig *g = malloc(sizeof *g);

	rig_open(g);
	*state = g;
	return 0;
}

static int teardown(void **state)
{
	rig_close(*state);
	free(*state);
	return 0;
}

static void test_health(void **state)
{
	struct rig *g = *state;

	assert_int_equal(ask(g, "GET", "/health/live", NULL, NULL), 200);
	assert_string_equal(g->body, "{\"status\":\"ok\"}");
	assert_int_equal(ask(g, "GET", "/health/ready", NULL, NULL), 200);
	assert_string_equal(text(g, "status"), "ok");
	g->not_ready = "the disk is full";
	assert_int_equal(ask(g, "GET", "/health/ready", NULL, NULL), 503);
	assert_string_equal(g->body, "{\"status\":\"failed\",\"reason\":\"the disk is full\"}");
	assert_int_equal(ask(g, "GET", "/health/live", NULL, NULL), 200);
	assert_int_equal(ask(g, "HEAD", "/health/live", NULL, NULL), 200);
	assert_string_equal(g->body, "");
}

/* rabbitmq.md 6.1 */
static void test_paths_methods_credentials(void **state)
{
	static const struct {
		const char *method, *path, *auth, *body;
		int status;
		const char *header, *value;
	} rows[] = {
		{"GET", "/api/whoami", NULL, NULL, 401, "WWW-Authenticate", "Basic realm=\"mqbridge\""},
		{"GET", "/api/whoami", "guest", NULL, 401, "WWW-Authenticate", "Basic realm=\"mqbridge\""},
		{"GET", "/api/whoami", "guest:wrong", NULL, 401, "WWW-Authenticate", "Basic realm=\"mqbridge\""},
		{"GET", "/api/whoami", "nobody:guest", NULL, 401, NULL, NULL},
		{"GET", "/api/whoami", ROOT, NULL, 200, "Cache-Control", "no-store"},
		{"GET", "/api/queues?columns=name&sort=x&page=%zz", ROOT, NULL, 200, NULL, NULL},
		{"GET", "/", NULL, NULL, 404, NULL, NULL},
		{"GET", "/api", ROOT, NULL, 404, NULL, NULL},
		{"GET", "/api/users/", ROOT, NULL, 404, NULL, NULL},
		{"GET", "/api/users/a/b", ROOT, NULL, 404, NULL, NULL},
		{"GET", "/api/users/%4", ROOT, NULL, 404, NULL, NULL},
		{"GET", "/api/users/%zz", ROOT, NULL, 404, NULL, NULL},
		{"GET", "/api/users/nobody", ROOT, NULL, 404, NULL, NULL},
		{"GET", "/api/users/gue%73t", ROOT, NULL, 200, NULL, NULL},
		{"GET", "/api/vhosts/%2F", ROOT, NULL, 200, NULL, NULL},
		{"GET", "/api/vhosts/%2f", ROOT, NULL, 200, NULL, NULL},
		{"GET", "/api/permissions/%2F/guest", ROOT, NULL, 200, NULL, NULL},
		{"GET", "/api/permissions/%2F/nobody", ROOT, NULL, 404, NULL, NULL},
		{"GET", "/api/queues/nowhere", ROOT, NULL, 404, NULL, NULL},
		{"GET", "/api/queues/%2F/none", ROOT, NULL, 404, NULL, NULL},
		{"GET", "/api/topics/nowhere", ROOT, NULL, 404, NULL, NULL},
		{"DELETE", "/api/keys/none", ROOT, NULL, 404, NULL, NULL},
		{"DELETE", "/api/users/none", ROOT, NULL, 404, NULL, NULL},
		{"DELETE", "/api/permissions/%2F/none", ROOT, NULL, 404, NULL, NULL},
		{"POST", "/health/live", NULL, "", 405, "Allow", "GET, HEAD"},
		{"POST", "/api/users/u", NULL, "{}", 405, "Allow", "GET, HEAD, PUT, DELETE"},
		{"PATCH", "/api/keys", ROOT, "{}", 405, "Allow", "GET, HEAD, POST"},
		{"DELETE", "/api/vhosts/%2F", ROOT, NULL, 405, "Allow", "GET, HEAD, PUT"},
	};
	struct rig *g = *state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (ask(g, rows[i].method, rows[i].path, rows[i].auth, rows[i].body) != rows[i].status)
			fail_msg("row %zu %s: %s", i, rows[i].path, g->answer);
		if (rows[i].header)
			assert_string_equal(header(g, rows[i].header), rows[i].value);
		if (g->status == 401 || g->status == 405)
			assert_string_equal(g->body, "");
		if (g->status == 404)
			assert_string_equal(g->body, "{\"error\":\"Object Not Found\",\"reason\":\"Not Found\"}");
	}
}

static void test_users(void **state)
{
	struct rig *g = *state;

	assert_int_equal(ask(g, "PUT", "/api/users/ann%20e", ROOT, "{\"password\":\"p:w\",\"tags\":\"management, x\"}"),
			 201);
	assert_string_equal(g->body, "");
	assert_int_equal(ask(g, "GET", "/api/users/ann%20e", ROOT, NULL), 200);
	assert_string_equal(g->body, "{\"name\":\"ann e\",\"tags\":[\"management\",\"x\"],\"loopback_only\":false}");
	assert_int_equal(ask(g, "GET", "/api/whoami", "ann e:p:w", NULL), 200);
	assert_string_equal(text(g, "name"), "ann e");
	assert_int_equal(ask(g, "PUT", "/api/users/ann%20e", ROOT, "{\"tags\":[\"monitoring\",\"y\"]}"), 204);
	assert_int_equal(ask(g, "GET", "/api/whoami", "ann e:p:w", NULL), 200);
	assert_string_equal(g->body, "{\"name\":\"ann e\",\"tags\":[\"monitoring\",\"y\"]}");
	assert_int_equal(ask(g, "PUT", "/api/users/ann%20e", ROOT, "{\"password\":\"q\"}"), 204);
	assert_int_equal(ask(g, "GET", "/api/whoami", "ann e:p:w", NULL), 401);
	assert_int_equal(ask(g, "GET", "/api/whoami", "ann e:q", NULL), 200);
	assert_int_equal(ask(g, "GET", "/api/users", ROOT, NULL), 200);
	assert_int_equal(json_array_size(g->json), 2);
	assert_int_equal(ask(g, "DELETE", "/api/users/ann%20e", ROOT, NULL), 204);
	assert_int_equal(ask(g, "GET", "/api/whoami", "ann e:q", NULL), 401);
	assert_int_equal(ask(g, "DELETE", "/api/users/guest", ROOT, NULL), 400);
}

static void test_bad_bodies(void **state)
{
	static const struct {
		const char *method, *path, *body;
		int status;
	} rows[] = {
		{"PUT", "/api/users/u", "", 400},
		{"PUT", "/api/users/u", "{", 400},
		{"PUT", "/api/users/u", "[]", 400},
		{"PUT", "/api/users/u", "7", 400},
		{"PUT", "/api/users/u", "\xff", 400},
		{"PUT", "/api/users/u", "{\"password\":7}", 400},
		{"PUT", "/api/users/u", "{\"password\":\"\"}", 400},
		{"PUT", "/api/users/u", "{\"password\":\"a\\u0000b\"}", 400},
		{"PUT", "/api/users/u", "{\"password\":\"p\",\"password\":\"q\"}", 400},
		{"PUT", "/api/users/u", "{\"password_hash\":\"x\"}", 400},
		{"PUT", "/api/users/u", "{\"password\":\"p\",\"tags\":7}", 400},
		{"PUT", "/api/users/u", "{\"password\":\"p\",\"tags\":[7]}", 400},
		{"PUT", "/api/users/u", "{\"password\":\"p\",\"tags\":[\"a,b\"]}", 400},
		{"PUT", "/api/users/u%00", "{\"password\":\"p\"}", 400},
		{"PUT", "/api/users/%ff", "{\"password\":\"p\"}", 400},
		{"PUT", "/api/users/u", "{\"password\":\"p\",\"tags\":null,\"unknown\":1}", 201},
		{"PUT", "/api/permissions/%2F/u", "{\"configure\":\".*\",\"write\":\".*\"}", 400},
		{"PUT", "/api/permissions/%2F/u", "{\"configure\":\".*\",\"write\":\".*\",\"read\":1}", 400},
		{"PUT", "/api/permissions/%2F/u", "{\"configure\":\".*\",\"write\":\".*\",\"read\":\"(\"}", 400},
		{"PUT", "/api/permissions/%2F/nobody", "{\"configure\":\"\",\"write\":\"\",\"read\":\"\"}", 404},
		{"PUT", "/api/permissions/no/u", "{\"configure\":\"\",\"write\":\"\",\"read\":\"\"}", 404},
		{"PUT", "/api/permissions/%2F/u", "{\"configure\":\"\",\"write\":\"\",\"read\":\"\"}", 201},
		{"PUT", "/api/vhosts/v", "nonsense", 400},
		{"PUT", "/api/vhosts/%0a", "", 400},
		{"PUT", "/api/users/guest", "{\"tags\":\"\"}", 400},
		{"POST", "/api/keys", "{}", 400},
		{"POST", "/api/keys", "{\"user\":7}", 400},
		{"POST", "/api/keys", "{\"user\":\"u\",\"vhost\":7}", 400},
		{"POST", "/api/keys", "{\"user\":\"nobody\"}", 404},
		{"POST", "/api/keys", "{\"user\":\"u\",\"vhost\":\"no\"}", 404},
	};
	struct rig *g = *state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (ask(g, rows[i].method, rows[i].path, ROOT, rows[i].body) != rows[i].status)
			fail_msg("row %zu: %s", i, g->answer);
		if (g->status == 400) {
			assert_string_equal(text(g, "error"), "bad_request");
			assert_true(strlen(text(g, "reason")) > 6);
		}
	}
	/* a body that is not JSON is not quoted: it may hold a password */
	assert_int_equal(ask(g, "PUT", "/api/users/u", ROOT, "{\"password\":\"hunter2\" \"x"), 400);
	assert_null(strstr(g->answer, "hunter2"));
}

static void test_permissions(void **state)
{
	struct rig *g = *state;

	assert_int_equal(ask(g, "PUT", "/api/users/u", ROOT, "{\"password\":\"p\"}"), 201);
	assert_int_equal(ask(g, "PUT", "/api/permissions/%2F/u", ROOT,
			     "{\"configure\":\"^c\",\"write\":\"\",\"read\":\"\\\"\"}"),
			 201);
	assert_int_equal(ask(g, "PUT", "/api/permissions/%2F/u", ROOT,
			     "{\"configure\":\"^c\",\"write\":\"\",\"read\":\"r\"}"),
			 204);
	assert_int_equal(ask(g, "GET", "/api/permissions/%2F/u", ROOT, NULL), 200);
	assert_string_equal(g->body,
			    "{\"user\":\"u\",\"vhost\":\"/\",\"configure\":\"^c\",\"write\":\"\",\"read\":\"r\"}");
	assert_int_equal(ask(g, "GET", "/api/permissions", ROOT, NULL), 200);
	assert_int_equal(json_array_size(g->json), 2);
	assert_true(access_may(g->access, VIEW("u"), VIEW("/"), ACCESS_CONFIGURE, VIEW("c1")));
	assert_int_equal(ask(g, "DELETE", "/api/permissions/%2F/u", ROOT, NULL), 204);
	assert_false(access_may_enter(g->access, VIEW("u"), VIEW("/")));
}

static void test_keys(void **state)
{
	struct rig *g = *state;
	char id[64], secret[64], path[128];
	struct access_key k;

	assert_int_equal(ask(g, "POST", "/api/keys", ROOT, "{\"user\":\"guest\"}"), 201);
	assert_string_equal(text(g, "user"), "guest");
	assert_string_equal(text(g, "vhost"), "/");
	snprintf(id, sizeof id, "%s", text(g, "id"));
	snprintf(secret, sizeof secret, "%s", text(g, "secret"));
	assert_true(access_key_find(g->access, view_str(id), &k));
	assert_true(view_is(k.secret, secret));
	assert_int_equal(ask(g, "GET", "/api/keys", ROOT, NULL), 200);
	assert_int_equal(json_array_size(g->json), 2);
	assert_null(strstr(g->body, secret));
	assert_null(strstr(g->body, "secret"));
	snprintf(path, sizeof path, "/api/keys/%s", id);
	assert_int_equal(ask(g, "DELETE", path, ROOT, NULL), 204);
	assert_int_equal(ask(g, "DELETE", path, ROOT, NULL), 404);
	assert_false(access_key_find(g->access, view_str(id), &k));
}

static void test_vhosts(void **state)
{
	struct rig *g = *state;

	assert_false(engine_vhost_has(g->engine, VIEW("a/b")));
	assert_int_equal(ask(g, "PUT", "/api/vhosts/a%2Fb", ROOT, NULL), 201);
	assert_true(engine_vhost_has(g->engine, VIEW("a/b")));
	assert_int_equal(ask(g, "PUT", "/api/vhosts/a%2Fb", ROOT, "{\"description\":\"x\"}"), 204);
	assert_int_equal(ask(g, "PUT", "/api/vhosts/c", ROOT, "{\"account_id\":\"123456789012\"}"), 201);
	assert_string_equal(access_vhost_account(g->access, VIEW("c")), "123456789012");
	assert_int_equal(ask(g, "PUT", "/api/vhosts/c", ROOT, "{\"account_id\":\"000000000000\"}"), 400);
	assert_int_equal(ask(g, "PUT", "/api/vhosts/c", ROOT, "{\"account_id\":7}"), 400);
	assert_int_equal(ask(g, "GET", "/api/vhosts", ROOT, NULL), 200);
	assert_string_equal(g->body, "[{\"name\":\"/\",\"account_id\":\"000000000000\"},"
				     "{\"name\":\"a/b\",\"account_id\":\"000000000001\"},"
				     "{\"name\":\"c\",\"account_id\":\"123456789012\"}]");
}

/* Who may do what: by tag. */
static void test_rights(void **state)
{
	static const char *const users[] = {"admin", "monitor", "manager", "plain"};
	static const char *const tags[] = {"administrator", "monitoring", "management", "something"};
	static const struct {
		const char *method, *path, *body;
		int status[4];
	} rows[] = {
		{"GET", "/api/whoami", NULL, {200, 200, 200, 200}},
		{"GET", "/api/status", NULL, {200, 200, 200, 403}},
		{"GET", "/api/queues", NULL, {200, 200, 200, 403}},
		{"GET", "/api/queues/%2F", NULL, {200, 200, 403, 403}},
		{"GET", "/api/queues/%2F/q", NULL, {404, 404, 403, 403}},
		{"GET", "/api/queues/own", NULL, {200, 200, 200, 403}},
		{"GET", "/api/topics/%2F", NULL, {200, 200, 403, 403}},
		{"GET", "/api/topics/own", NULL, {200, 200, 200, 403}},
		{"GET", "/api/vhosts/%2F", NULL, {200, 200, 403, 403}},
		{"GET", "/api/users", NULL, {200, 403, 403, 403}},
		{"GET", "/api/permissions", NULL, {200, 403, 403, 403}},
		{"GET", "/api/keys", NULL, {200, 403, 403, 403}},
		{"PUT", "/api/users/x", "{\"password\":\"x\"}", {201, 403, 403, 403}},
		{"DELETE", "/api/users/x", NULL, {204, 403, 403, 403}},
		{"PUT", "/api/vhosts/new", NULL, {201, 403, 403, 403}},
		{"POST", "/api/keys", "{\"user\":\"plain\",\"vhost\":\"own\"}", {201, 403, 403, 403}},
	};
	struct rig *g = *state;
	char path[64], body[128], auth[64];

	assert_int_equal(ask(g, "PUT", "/api/vhosts/own", ROOT, NULL), 201);
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "/api/users/%s", users[i]);
		snprintf(body, sizeof body, "{\"password\":\"p\",\"tags\":\"%s\"}", tags[i]);
		assert_int_equal(ask(g, "PUT", path, ROOT, body), 201);
		snprintf(path, sizeof path, "/api/permissions/own/%s", users[i]);
		assert_int_equal(ask(g, "PUT", path, ROOT, "{\"configure\":\"\",\"write\":\"\",\"read\":\"\"}"), 201);
	}
	for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
		for (int i = 0; i < 4; i++) {
			snprintf(auth, sizeof auth, "%s:p", users[i]);
			if (ask(g, rows[row].method, rows[row].path, auth, rows[row].body) != rows[row].status[i])
				fail_msg("row %zu user %s: %s", row, users[i], g->answer);
			if (g->status == 403)
				assert_string_equal(text(g, "error"), "not_authorised");
		}
	/* a manager's lists hold his vhosts only */
	assert_int_equal(ask(g, "GET", "/api/vhosts", "manager:p", NULL), 200);
	assert_int_equal(json_array_size(g->json), 1);
	assert_int_equal(ask(g, "GET", "/api/vhosts", "monitor:p", NULL), 200);
	assert_int_equal(json_array_size(g->json), 3);
}

static void event(void *ctx, const struct event *ev)
{
	assert_int_equal(ev->kind, EVENT_DONE);
	assert_int_equal(ev->done.error ? (int)ev->done.error->code : 0, CODE_OK);
	++*(int *)ctx;
}

static void test_queues_topics_status(void **state)
{
	struct rig *g = *state;
	int done = 0;
	struct connection_spec spec = {SESSION_ADMIN, VIEW("/"), VIEW("guest"), event, &done};
	uint64_t conn = engine_connection_open(g->engine, &spec);
	uint64_t session = engine_session_open(g->engine, conn, NULL);
	struct queue_spec q = {.name = VIEW("orders/eu"), .durable = true};
	struct queue_spec bytes = {.name = VIEW("a\xff\xc3\xa4\xc3z"), .exclusive = true};
	json_t *o;

	engine_queue_declare(g->engine, session, 1, &q);
	engine_queue_declare(g->engine, session, 2, &bytes);
	rig_run(g);
	assert_int_equal(done, 2);
	assert_int_equal(ask(g, "GET", "/api/queues/%2F/orders%2Feu", ROOT, NULL), 200);
	assert_string_equal(text(g, "name"), "orders/eu");
	assert_string_equal(text(g, "vhost"), "/");
	assert_string_equal(text(g, "wire_name"), "orders-eu-dvgo7aalax");
	assert_true(json_is_true(json_object_get(g->json, "durable")));
	assert_true(json_is_false(json_object_get(g->json, "exclusive")));
	assert_int_equal(json_integer_value(json_object_get(g->json, "messages_ready")), 0);
	assert_true(json_is_integer(json_object_get(g->json, "messages_delayed")));
	assert_int_equal(ask(g, "GET", "/api/queues", ROOT, NULL), 200);
	assert_int_equal(json_array_size(g->json), 2);
	o = json_array_get(g->json, 0);
	assert_string_equal(json_string_value(json_object_get(o, "name")),
			    "a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbdz");
	assert_int_equal(ask(g, "GET", "/api/topics/%2F", ROOT, NULL), 200);
	assert_true(json_array_size(g->json) >= 3); /* rabbitmq.md 2.1 */
	assert_non_null(strstr(g->body, "{\"name\":\"amq.topic\",\"vhost\":\"/\",\"wire_name\":"
					"\"amq-topic-nvmbfa4l7r\",\"type\":\"topic\",\"durable\":true,"));
	assert_int_equal(ask(g, "GET", "/api/status", ROOT, NULL), 200);
	assert_string_equal(text(g, "product"), "mqbridge");
	assert_string_equal(text(g, "version"), MQB_VERSION);
	assert_int_equal(json_integer_value(json_object_get(g->json, "uptime_ms")), 10000);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(g->json, "listeners"), "amqp")), 5672);
	assert_true(json_is_null(json_object_get(json_object_get(g->json, "listeners"), "stomp")));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(g->json, "counters"), "queues")), 2);
	assert_string_equal(json_string_value(json_object_get(json_object_get(g->json, "store"), "name")), "memory");
	engine_connection_close(g->engine, conn, CLOSE_ORDERLY);
	rig_run(g);
}

/* From the fourth failure on a pause, for this user from this address only. */
static void test_failed_logins(void **state)
{
	struct rig *g = *state;

	for (int i = 0; i < 4; i++)
		assert_int_equal(ask(g, "GET", "/api/whoami", "guest:no", NULL), 401);
	assert_int_equal(ask(g, "GET", "/api/whoami", "guest:no", NULL), 429);
	assert_string_equal(header(g, "Retry-After"), "1");
	assert_int_equal(ask(g, "GET", "/api/whoami", ROOT, NULL), 429);
	assert_int_equal(ask(g, "GET", "/api/whoami", "other:no", NULL), 401);
	rig_connect(g, "10.0.0.2:4000 -> 127.0.0.1:15672");
	assert_int_equal(ask(g, "GET", "/api/whoami", ROOT, NULL), 200);
	rig_connect(g, "10.0.0.1:4999 -> 127.0.0.1:15672");
	assert_int_equal(ask(g, "GET", "/api/whoami", ROOT, NULL), 429);
	g->now.mono_ms += 249;
	assert_int_equal(ask(g, "GET", "/api/whoami", "guest:no", NULL), 429);
	g->now.mono_ms += 1;
	assert_int_equal(ask(g, "GET", "/api/whoami", "guest:no", NULL), 401);
	g->now.mono_ms += 499;
	assert_int_equal(ask(g, "GET", "/api/whoami", ROOT, NULL), 429);
	for (int i = 0; i < 40; i++) {
		g->now.mono_ms += 8000;
		assert_int_equal(ask(g, "GET", "/api/whoami", "guest:no", NULL), 401);
	}
	g->now.mono_ms += 8000;
	assert_int_equal(ask(g, "GET", "/api/whoami", ROOT, NULL), 200);
	assert_int_equal(ask(g, "GET", "/api/whoami", "guest:no", NULL), 401); /* counted anew */
	assert_int_equal(ask(g, "GET", "/api/whoami", ROOT, NULL), 200);
}

static void test_loopback_user(void **state)
{
	struct rig *g = *state;

	g->wire.loopback = false;
	assert_int_equal(ask(g, "GET", "/api/whoami", ROOT, NULL), 401);
	g->wire.loopback = true;
	assert_int_equal(ask(g, "GET", "/api/whoami", ROOT, NULL), 200);
}

/* The peer goes while the login is being hashed, or while a change is stored. */
static void test_gone_before_the_answer(void **state)
{
	static const char user[] = "{\"password\":\"p\"}";
	struct rig *g = *state;
	struct access_user u;

	g->hold = true;
	rig_send(g, "GET", "/api/whoami", ROOT, NULL);
	rig_run(g);
	rig_connect(g, "10.0.0.1:4001 -> 127.0.0.1:15672");
	rig_hash(g);
	rig_run(g);
	assert_int_equal(g->wire.out.bytes, 0);
	/* the login is remembered by now; the new user's password is hashed */
	rig_send(g, "PUT", "/api/users/u", ROOT, user);
	rig_run(g);
	rig_connect(g, "10.0.0.1:4002 -> 127.0.0.1:15672");
	rig_hash(g);
	rig_run(g);
	assert_int_equal(g->wire.out.bytes, 0);
	assert_true(access_user_find(g->access, VIEW("u"), &u)); /* begun is done */
	/* and with the daemon's end in between (teardown, sanitizer) */
	rig_send(g, "PUT", "/api/users/v", ROOT, user);
	rig_run(g);
}

static void test_too_large(void **state)
{
	struct rig *g = *state;
	char *body = malloc(70000);

	memset(body, ' ', 69999);
	body[69999] = 0;
	rig_send(g, "PUT", "/api/users/u", ROOT, body);
	free(body);
	assert_true(g->wire.out.bytes > 0);
	assert_true(g->wire.closing); /* 413 by the HTTP head */
	rig_connect(g, "10.0.0.1:4001 -> 127.0.0.1:15672");
	assert_int_equal(ask(g, "GET", "/api/whoami", ROOT, NULL), 200);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_health),
		TEST(test_paths_methods_credentials),
		TEST(test_users),
		TEST(test_bad_bodies),
		TEST(test_permissions),
		TEST(test_keys),
		TEST(test_vhosts),
		TEST(test_rights),
		TEST(test_queues_topics_status),
		TEST(test_failed_logins),
		TEST(test_loopback_user),
		TEST(test_gone_before_the_answer),
		TEST(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
