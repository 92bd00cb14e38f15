/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of the catalogue, one after another:
 *
 *   HASHING ──► WAITING ──prepare──► STORING ──store's done──► STORED ──► answered
 *   (passwords)    └── refused, or nothing to do: answered
 *
 * `prepare` judges the change by what is committed and turns it into definition
 * operations, one group; after the commit the maps load exactly those. A change
 * that is HASHING or STORING while access is freed stays, with `access` NULL,
 * until its work comes back, and frees itself. */
#include "access/change_priv.h"

#include <stdlib.h>
#include <time.h>

#include "base/log.h"

enum { FIRST_START_WAIT_MS = 30000 };

static void change_enter(struct change *c, enum change_state state)
{
	must(c->state + 1 == state);
	c->state = state;
}

struct change *change_new(struct access *a, const struct change_type *type, access_done done, void *ctx)
{
	struct change *c = mem_zalloc(sizeof *c);

	c->access = a;
	c->type = type;
	c->done = done;
	c->ctx = ctx;
	list_init(&c->link);
	return c;
}

static void change_free(struct change *c)
{
	for (size_t i = 0; i < c->batch.n; i++) {
		text_free(c->batch.ops[i].def.key);
		text_burn(c->batch.ops[i].def.value);
	}
	free(c->batch.ops);
	text_free(c->name);
	text_free(c->vhost);
	text_free(c->account);
	text_free(c->key_id);
	text_free(c->tags);
	for (int i = 0; i < VERBS; i++)
		text_free(c->patterns[i]);
	text_burn(c->secret);
	explicit_bzero(&c->password, sizeof c->password);
	free(c);
}

/* ---- its operations ---- */

static struct store_op *op_add(struct change *c, enum store_op_kind op_kind, enum kind kind, struct view key)
{
	struct store_batch *b = &c->batch;
	struct store_op *op;

	if (b->n == b->cap)
		b->ops = mem_grow(b->ops, &b->cap, b->n + 1, sizeof *b->ops);
	if (b->n)
		b->ops[b->n - 1].group_end = false;
	op = &b->ops[b->n++];
	memset(op, 0, sizeof *op);
	op->kind = (uint8_t)op_kind;
	op->group_end = true;
	op->def.kind = kind_name(kind);
	op->def.key = text_dup(key);
	op->def.expected = DEF_ANY;
	op->ctx = (void *)(uintptr_t)kind;
	b->bytes += key.n;
	return op;
}

void change_add_put(struct change *c, enum kind kind, struct view key, char *json)
{
	struct store_op *op = op_add(c, OP_DEF_PUT, kind, key);

	op->def.value = view_str(json);
	c->batch.bytes += op->def.value.n;
}

void change_add_delete(struct change *c, enum kind kind, struct view key)
{
	op_add(c, OP_DEF_DELETE, kind, key);
}

/* ---- hashing ---- */

/* Off the loop: touches secret and password of this change only. */
static void hash_work(void *arg)
{
	struct change *c = arg;

	c->hashed = password_make(&c->password, c->secret);
}

static void hash_done(void *arg)
{
	struct change *c = arg;

	if (!c->access)
		change_free(c);
	else
		change_enter(c, CHANGE_WAITING);
}

void change_start(struct change *c, bool hash)
{
	list_push_back(&c->access->changes, &c->link);
	c->state = CHANGE_HASHING;
	if (hash)
		access_offload(c->access, hash_work, hash_done, c);
	else
		change_enter(c, CHANGE_WAITING);
}

/* ---- storing ---- */

static void change_stored(struct store_batch *b, void *ctx)
{
	struct change *c = ctx;

	(void)b;
	if (!c->access)
		change_free(c);
	else
		change_enter(c, CHANGE_STORED);
}

static void change_submit(struct access *a, struct change *c)
{
	change_enter(c, CHANGE_STORING);
	c->batch.done = change_stored;
	c->batch.ctx = c;
	a->store->ops->submit(a->store, &c->batch);
}

/* The store's verdict; the maps take over what it has committed. */
static enum code change_apply(struct access *a, struct change *c, struct error *e)
{
	for (size_t i = 0; i < c->batch.n; i++) {
		enum store_result result = (enum store_result)c->batch.ops[i].result;

		if (result == STORE_REFUSED)
			return error_set(e, CODE_INVALID, "the store refuses it");
		if (result != STORE_OK)
			return error_set(e, CODE_UNAVAILABLE, "it could not be stored");
	}
	for (size_t i = 0; i < c->batch.n; i++) {
		const struct store_op *op = &c->batch.ops[i];
		enum kind kind = (enum kind)(uintptr_t)op->ctx;

		if (op->kind == OP_DEF_DELETE)
			definition_drop(a, kind, op->def.key);
		else
			must(definition_load(a, kind, op->def.key, op->def.value, e) == CODE_OK);
	}
	return CODE_OK;
}

/* ---- the row of changes ---- */

static void change_answer(struct change *c, enum code code, const struct error *e)
{
	if (code == CODE_OK)
		log_info("access.change", "what=%s user=\"%.*s\" vhost=\"%.*s\" key=\"%.*s\"", c->type->name,
			 VIEW_ARG(c->name), VIEW_ARG(c->vhost), VIEW_ARG(c->key_id));
	list_remove(&c->link);
	if (c->done)
		c->done(c->ctx, code, code == CODE_OK ? "" : e->text);
	change_free(c);
}

static void change_finish(struct access *a, struct change *c)
{
	struct error e = {0};
	enum code code = change_apply(a, c, &e);

	if (code == CODE_OK && c->type->committed)
		c->type->committed(a, c);
	change_answer(c, code, &e);
}

static void change_prepare(struct access *a, struct change *c)
{
	struct error e = {0};
	enum code code = c->type->prepare(a, c, &e);

	if (code != CODE_OK || c->batch.n == 0)
		change_answer(c, code, &e);
	else
		change_submit(a, c);
}

int changes_poll(struct access *a)
{
	struct link *first;
	int n = 0;

	for (; (first = list_first(&a->changes)); n++) {
		struct change *c = LIST_ENTRY(first, struct change, link);

		if (c->state == CHANGE_STORED)
			change_finish(a, c);
		else if (c->state == CHANGE_WAITING)
			change_prepare(a, c);
		else
			break;
	}
	return n;
}

void changes_free(struct access *a)
{
	struct link *first;

	while ((first = list_first(&a->changes))) {
		struct change *c = LIST_ENTRY(first, struct change, link);

		list_remove(first);
		c->access = NULL;
		if (c->state == CHANGE_WAITING || c->state == CHANGE_STORED)
			change_free(c);
	}
}

/* ---- first start ---- */

static enum code first_user_add(struct change *c, const struct access_options *o, struct error *e)
{
	struct user u = {.name = o->default_user, .tags = VIEW("administrator"),
			 .loopback_only = !o->default_user_anywhere};
	struct access_permission all = {o->default_user, VIEW("/"), VIEW(".*"), VIEW(".*"), VIEW(".*")};
	struct access_key key = {o->key_id, o->default_user, VIEW("/"), o->key_secret};
	uint8_t bytes[2 * TEXT_MAX + 1];
	char *json;

	if (!text_is_name(u.name) || (key.id.n && !text_is_name(key.id)))
		return error_set(e, CODE_INVALID, "default user or its access key: not a name");
	if (o->default_pass.n && !password_make(&u.password, o->default_pass))
		return error_set(e, CODE_UNAVAILABLE, "no memory to hash a password");
	change_add_put(c, KIND_USER, u.name, user_json(&u));
	change_add_put(c, KIND_PERMISSION, permission_key(u.name, all.vhost, bytes), permission_json(&all));
	if (!key.id.n)
		return CODE_OK;
	json = key_json(c->access, &key);
	if (!json)
		return error_set(e, CODE_INVALID, "default access key: secret cannot be sealed");
	change_add_put(c, KIND_KEY, key.id, json);
	return CODE_OK;
}

/* The only place that waits: nothing else runs yet. */
static bool change_wait(struct access *a, const struct change *c)
{
	const struct timespec ms = {0, 1000000};

	for (int i = 0; i < FIRST_START_WAIT_MS; i++) {
		a->store->ops->poll(a->store);
		if (c->state == CHANGE_STORED)
			return true;
		nanosleep(&ms, NULL);
	}
	return false;
}

enum code first_start(struct access *a, const struct access_options *o, struct error *e)
{
	struct change *c = change_new(a, NULL, NULL, NULL);
	struct vhost root = {.name = VIEW("/")};
	enum code code = CODE_OK;

	list_push_back(&a->changes, &c->link); /* so that access_free knows it */
	c->state = CHANGE_WAITING;
	if (!mapv_find(&a->vhosts, root.name)) {
		vhost_account_new(a, root.name, root.account);
		change_add_put(c, KIND_VHOST, root.name, vhost_json(&root));
	}
	if (o->default_user.n)
		code = first_user_add(c, o, e);
	if (code == CODE_OK && c->batch.n) {
		change_submit(a, c);
		code = change_wait(a, c) ? change_apply(a, c, e)
					 : error_set(e, CODE_UNAVAILABLE, "the store does not answer");
	}
	if (code != CODE_OK)
		return code;
	list_remove(&c->link);
	change_free(c);
	log_info("access.first_start", "user=\"%.*s\"", VIEW_ARG(o->default_user));
	return CODE_OK;
}
