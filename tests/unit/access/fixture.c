/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdio.h>

#include "store/store_memory.h"

static void offload(void *ctx, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	struct fixture *f = ctx;

	assert_true(f->n_work < WORK_MAX);
	f->work[f->n_work++] = (struct offloaded){work, done, arg};
}

void fixture_work(struct fixture *f)
{
	int n = f->n_work;
	struct offloaded work[WORK_MAX];

	memcpy(work, f->work, sizeof work);
	f->n_work = 0;
	for (int i = 0; i < n; i++) {
		work[i].work(work[i].arg);
		work[i].done(work[i].arg);
		f->n_hashed++;
	}
}

static void account_of(struct view vhost, char out[13])
{
	memcpy(out, view_is(vhost, "/") ? "000000000000" : "000000000777", 13);
}

static void vhost_added(void *ctx, struct view vhost)
{
	struct fixture *f = ctx;

	f->n_vhosts++;
	snprintf(f->last_vhost, sizeof f->last_vhost, "%.*s", VIEW_ARG(vhost));
}

struct access_options fixture_options(void)
{
	return (struct access_options){
		.default_user = VIEW("guest"),
		.default_pass = VIEW("guest"),
		.key_id = VIEW("guest"),
		.key_secret = VIEW("guest"),
		.master_key = {1, 2, 3},
		.account_of = account_of,
		.vhost_added = vhost_added,
	};
}

static void access_open(struct fixture *f)
{
	struct error e = {0};

	f->access = access_new(&f->options, f->store, &e);
	if (!f->access)
		fail_msg("access_new: %s", e.text);
}

void fixture_open(struct fixture *f, bool with_offload)
{
	*f = (struct fixture){.store = store_memory_open(), .options = fixture_options(), .now = {1000, 1000}};
	f->options.ctx = f->options.offload_ctx = f;
	f->options.offload = with_offload ? offload : NULL;
	access_open(f);
}

void fixture_restart(struct fixture *f)
{
	access_free(f->access);
	access_open(f);
}

void fixture_close(struct fixture *f)
{
	access_free(f->access);
	fixture_work(f);
	f->store->ops->close(f->store);
}

void fixture_run(struct fixture *f)
{
	int happened;

	do {
		happened = f->store->ops->poll(f->store);
		happened += access_poll(f->access, f->now);
	} while (happened || !f->store->ops->idle(f->store));
}

void answer_take(void *ctx, enum code code, const char *text)
{
	struct answer *a = ctx;

	a->n++;
	a->code = code;
	snprintf(a->text, sizeof a->text, "%s", text);
}

void answer_is(const struct answer *a, enum code code)
{
	assert_int_equal(a->n, 1);
	if (a->code != code)
		fail_msg("%s instead of %s: %s", code_name(a->code), code_name(code), a->text);
}

static enum code answered(struct fixture *f, const struct answer *a)
{
	assert_int_equal(a->n, 0); /* never from inside the call */
	for (int i = 0; i < 4 && a->n == 0; i++) {
		fixture_run(f);
		fixture_work(f);
	}
	fixture_run(f);
	assert_int_equal(a->n, 1);
	return a->code;
}

enum code login(struct fixture *f, const char *user, const char *password, bool loopback)
{
	struct answer a = {0};

	access_authenticate(f->access, view_str(user), view_str(password), loopback, answer_take, &a);
	return answered(f, &a);
}

enum code user_put(struct fixture *f, const char *name, const char *password, const char *tags)
{
	struct answer a = {0};

	access_user_put(f->access, view_str(name), view_str(password), view_str(tags), answer_take, &a);
	return answered(f, &a);
}

enum code permission_put(struct fixture *f, const char *user, const char *vhost, const char *pattern)
{
	struct answer a = {0};
	struct view text = view_str(pattern);
	struct access_permission p = {view_str(user), view_str(vhost), text, text, text};

	access_permission_put(f->access, &p, answer_take, &a);
	return answered(f, &a);
}
