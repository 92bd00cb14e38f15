/* SPDX-License-Identifier: Apache-2.0 */
/* Start, end, turns and look-ups of the access room (access_priv.h). */
#include "access/access_priv.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/rng.h"

enum { MATCH_HEAP_KIB = 1024, MATCH_DEPTH = 2000 };

void access_offload(const struct access *a, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	if (a->o.offload) {
		a->o.offload(a->o.offload_ctx, work, done, arg);
		return;
	}
	work(arg);
	done(arg);
}

static void limit_default(uint32_t *limit, uint32_t value)
{
	if (*limit == 0)
		*limit = value;
}

static void options_take(struct access *a, const struct access_options *o)
{
	a->o = *o;
	a->o.default_user = a->o.default_pass = a->o.key_id = a->o.key_secret = VIEW_NONE;
	if (a->o.remember_ms == 0)
		a->o.remember_ms = 5 * 60 * 1000;
	limit_default(&a->o.remember_max, 4096);
	limit_default(&a->o.hashing_max, 1024);
	limit_default(&a->o.decisions_max, 1024);
	limit_default(&a->o.pattern_max, 4096);
	limit_default(&a->o.match_steps_max, 100000);
}

static void match_new(struct access *a)
{
	a->match_limits = pcre2_match_context_create(NULL);
	a->match = pcre2_match_data_create(1, NULL);
	must(a->match_limits && a->match);
	pcre2_set_match_limit(a->match_limits, a->o.match_steps_max);
	pcre2_set_depth_limit(a->match_limits, MATCH_DEPTH);
	pcre2_set_heap_limit(a->match_limits, MATCH_HEAP_KIB);
}

struct reading {
	struct access *a;
	enum kind kind;
	struct error *e;
	enum code code; /* the first failure */
};

static void definition_read(void *ctx, struct view key, struct view value, uint64_t version)
{
	struct reading *r = ctx;

	(void)version;
	if (r->code == CODE_OK)
		r->code = definition_load(r->a, r->kind, key, value, r->e);
}

static enum code definitions_read(struct access *a, struct error *e)
{
	struct reading r = {a, KIND_USER, e, CODE_OK};

	for (int kind = 0; kind < KINDS && r.code == CODE_OK; kind++) {
		r.kind = (enum kind)kind;
		if (!a->store->ops->defs(a->store, kind_name(r.kind), definition_read, &r))
			return error_set(e, CODE_UNAVAILABLE, "the store's definitions cannot be read");
	}
	return r.code;
}

struct access *access_new(const struct access_options *o, struct store *store, struct error *e)
{
	struct access *a = mem_zalloc(sizeof *a);

	options_take(a, o);
	a->store = store;
	list_init(&a->asked);
	list_init(&a->hashed);
	list_init(&a->changes);
	match_new(a);
	random_secret(a->digest_key, sizeof a->digest_key);
	a->decisions = decisions_new(a->o.decisions_max);
	a->remembered = remembered_new(a->o.remember_max);
	if (definitions_read(a, e) != CODE_OK || (a->users.n == 0 && first_start(a, o, e) != CODE_OK)) {
		access_free(a);
		return NULL;
	}
	return a;
}

void access_free(struct access *a)
{
	if (!a)
		return;
	questions_free(a);
	changes_free(a);
	definitions_free(a);
	pcre2_match_data_free(a->match);
	pcre2_match_context_free(a->match_limits);
	free(a->decisions);
	free(a->remembered);
	explicit_bzero(a, sizeof *a);
	free(a);
}

int access_poll(struct access *a, struct now now)
{
	a->now = now;
	return changes_poll(a) + questions_poll(a);
}

bool access_idle(const struct access *a)
{
	return a->tickets.n == 0 && a->jobs.n == 0 && list_empty(&a->changes);
}
