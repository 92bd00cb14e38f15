/* SPDX-License-Identifier: Apache-2.0 */
/* What each kind of change asks for, when it is refused, and which definitions
 * it writes. Judged when its turn comes, by what is committed then. */
#include "access/change_priv.h"

#include "base/crypto.h"
#include "base/rng.h"

enum { KEY_ID_RANDOM = 17, KEY_SECRET_BYTES = 30 };

static struct view dup_given(struct view v)
{
	return v.p ? text_dup(v) : VIEW_NONE;
}

static enum code not_a_name(struct error *e, const char *what)
{
	return error_set(e, CODE_INVALID, "%s: 1 to %d bytes of UTF-8 without control characters", what, TEXT_MAX);
}

/* ---- user ---- */

/* The change would leave nobody who can change anything. */
static bool is_last_administrator(const struct access *a, const struct user *u)
{
	return tags_have(u->tags, "administrator") && a->administrators == 1;
}

static enum code user_put_check(const struct access *a, const struct change *c, const struct user *old,
				struct error *e)
{
	if (!text_is_name(c->name))
		return not_a_name(e, "user");
	if (c->tags.n && !text_is_name(c->tags))
		return not_a_name(e, "tags");
	if (c->secret.p && c->secret.n == 0)
		return error_set(e, CODE_INVALID, "password: must not be empty");
	if (c->secret.p && !c->hashed)
		return error_set(e, CODE_UNAVAILABLE, "no memory to hash a password");
	if (old && c->tags.p && is_last_administrator(a, old) && !tags_have(c->tags, "administrator"))
		return error_set(e, CODE_INVALID, "the last administrator keeps this tag");
	return CODE_OK;
}

static enum code user_put(struct access *a, struct change *c, struct error *e)
{
	const struct user *old = mapv_find(&a->users, c->name);
	struct user u = {.name = c->name};

	if (user_put_check(a, c, old, e) != CODE_OK)
		return e->code;
	if (old) {
		u.tags = old->tags;
		u.password = old->password;
		/* A password of its own opens the default user to other machines. */
		u.loopback_only = old->loopback_only && (!c->secret.p || view_eq(c->secret, c->name));
	}
	if (c->tags.p)
		u.tags = c->tags;
	if (c->secret.p)
		u.password = c->password;
	change_add_put(c, KIND_USER, c->name, user_json(&u));
	explicit_bzero(&u.password, sizeof u.password);
	return CODE_OK;
}

static enum code user_delete(struct access *a, struct change *c, struct error *e)
{
	const struct user *u = mapv_find(&a->users, c->name);
	const struct permission *p;
	const struct key *k;
	size_t at;

	if (!u)
		return error_set(e, CODE_NOT_FOUND, "no such user");
	if (is_last_administrator(a, u))
		return error_set(e, CODE_INVALID, "the last administrator cannot be deleted");
	for (at = 0; (p = mapv_next(&a->permissions, &at));)
		if (view_eq(p->user, c->name))
			change_add_delete(c, KIND_PERMISSION, p->key);
	for (at = 0; (k = mapv_next(&a->keys, &at));)
		if (view_eq(k->user, c->name))
			change_add_delete(c, KIND_KEY, k->id);
	change_add_delete(c, KIND_USER, c->name);
	return CODE_OK;
}

static const struct change_type type_user_put = {"user_put", user_put, NULL};
static const struct change_type type_user_delete = {"user_delete", user_delete, NULL};

void access_user_put(struct access *a, struct view name, struct view password, struct view tags,
		     access_done done, void *ctx)
{
	struct change *c = change_new(a, &type_user_put, done, ctx);

	c->name = text_dup(name);
	c->secret = dup_given(password);
	c->tags = tags.p ? tags_normal(tags) : VIEW_NONE;
	change_start(c, password.n != 0);
}

void access_user_delete(struct access *a, struct view name, access_done done, void *ctx)
{
	struct change *c = change_new(a, &type_user_delete, done, ctx);

	c->name = text_dup(name);
	change_start(c, false);
}

/* ---- permission ---- */

static enum code user_and_vhost_check(const struct access *a, const struct change *c, struct error *e)
{
	if (!mapv_find(&a->users, c->name))
		return error_set(e, CODE_NOT_FOUND, "no such user");
	if (!mapv_find(&a->vhosts, c->vhost))
		return error_set(e, CODE_NOT_FOUND, "no such vhost");
	return CODE_OK;
}

static enum code permission_put(struct access *a, struct change *c, struct error *e)
{
	static const char *const verbs[VERBS] = {"configure", "write", "read"};
	struct access_permission p = {c->name, c->vhost, c->patterns[ACCESS_CONFIGURE],
				      c->patterns[ACCESS_WRITE], c->patterns[ACCESS_READ]};
	uint8_t bytes[2 * TEXT_MAX + 1];

	if (user_and_vhost_check(a, c, e) != CODE_OK)
		return e->code;
	for (int i = 0; i < VERBS; i++)
		if (pattern_check(a, c->patterns[i], verbs[i], e) != CODE_OK)
			return e->code;
	change_add_put(c, KIND_PERMISSION, permission_key(p.user, p.vhost, bytes), permission_json(&p));
	return CODE_OK;
}

static enum code permission_delete(struct access *a, struct change *c, struct error *e)
{
	const struct permission *p = permission_find(a, c->name, c->vhost);

	if (!p)
		return error_set(e, CODE_NOT_FOUND, "no such permission");
	change_add_delete(c, KIND_PERMISSION, p->key);
	return CODE_OK;
}

static const struct change_type type_permission_put = {"permission_put", permission_put, NULL};
static const struct change_type type_permission_delete = {"permission_delete", permission_delete, NULL};

void access_permission_put(struct access *a, const struct access_permission *p, access_done done, void *ctx)
{
	struct change *c = change_new(a, &type_permission_put, done, ctx);

	c->name = text_dup(p->user);
	c->vhost = text_dup(p->vhost);
	c->patterns[ACCESS_CONFIGURE] = text_dup(p->configure);
	c->patterns[ACCESS_WRITE] = text_dup(p->write);
	c->patterns[ACCESS_READ] = text_dup(p->read);
	change_start(c, false);
}

void access_permission_delete(struct access *a, struct view user, struct view vhost, access_done done,
			      void *ctx)
{
	struct change *c = change_new(a, &type_permission_delete, done, ctx);

	c->name = text_dup(user);
	c->vhost = text_dup(vhost);
	change_start(c, false);
}

/* ---- vhost ---- */

static enum code vhost_put(struct access *a, struct change *c, struct error *e)
{
	struct vhost v = {.name = c->vhost};

	const struct vhost *there = mapv_find(&a->vhosts, c->vhost);
	const struct vhost *other = c->account.p ? mapv_find(&a->accounts, c->account) : NULL;

	if (!text_is_name(c->vhost))
		return not_a_name(e, "vhost");
	if (c->account.p && !vhost_account_valid(c->account))
		return error_set(e, CODE_INVALID, "an account id has 12 digits");
	if (other && other != there)
		return error_set(e, CODE_EXISTS, "another vhost has this account id");
	if (there && (!c->account.p || other))
		return CODE_OK;
	if (c->account.p)
		memcpy(v.account, c->account.p, c->account.n);
	else
		vhost_account_new(a, c->vhost, v.account);
	change_add_put(c, KIND_VHOST, c->vhost, vhost_json(&v));
	return CODE_OK;
}

static void vhost_committed(struct access *a, struct change *c)
{
	if (a->o.vhost_added)
		a->o.vhost_added(a->o.ctx, c->vhost);
}

static const struct change_type type_vhost_put = {"vhost_put", vhost_put, vhost_committed};

void access_vhost_put(struct access *a, struct view vhost, struct view account, access_done done, void *ctx)
{
	struct change *c = change_new(a, &type_vhost_put, done, ctx);

	c->vhost = text_dup(vhost);
	if (account.p)
		c->account = text_dup(account);
	change_start(c, false);
}

/* ---- key ---- */

static enum code key_create(struct access *a, struct change *c, struct error *e)
{
	struct access_key k = {c->key_id, c->name, c->vhost, c->secret};
	char *json;

	if (user_and_vhost_check(a, c, e) != CODE_OK)
		return e->code;
	json = key_json(a, &k);
	if (!json)
		return error_set(e, CODE_UNAVAILABLE, "the secret cannot be sealed");
	change_add_put(c, KIND_KEY, k.id, json);
	return CODE_OK;
}

static enum code key_delete(struct access *a, struct change *c, struct error *e)
{
	if (!mapv_find(&a->keys, c->key_id))
		return error_set(e, CODE_NOT_FOUND, "no such key");
	change_add_delete(c, KIND_KEY, c->key_id);
	return CODE_OK;
}

static const struct change_type type_key_create = {"key_create", key_create, NULL};
static const struct change_type type_key_delete = {"key_delete", key_delete, NULL};

/* "MQB" and 17 upper-case base32 characters: the length that AWS's have. */
static void key_id_make(char id[33])
{
	uint8_t random[16];
	size_t n;

	random_secret(random, sizeof random);
	memcpy(id, "MQB", 3);
	n = base32_encode(view_of(random, sizeof random), id + 3, KEY_ID_RANDOM);
	for (size_t i = 3; i < 3 + n; i++)
		if (id[i] >= 'a' && id[i] <= 'z')
			id[i] = (char)(id[i] - 'a' + 'A');
	id[3 + n] = 0;
}

static void key_secret_make(char secret[65])
{
	uint8_t random[KEY_SECRET_BYTES];
	struct buf b;

	random_secret(random, sizeof random);
	buf_init(&b, 64);
	base64url_add(&b, view_of(random, sizeof random));
	memcpy(secret, b.p, b.n);
	secret[b.n] = 0;
	explicit_bzero(b.p, b.n);
	explicit_bzero(random, sizeof random);
	buf_fini(&b);
}

void access_key_create(struct access *a, struct view user, struct view vhost, struct access_key_made *made,
		       access_done done, void *ctx)
{
	struct change *c = change_new(a, &type_key_create, done, ctx);

	do
		key_id_make(made->id);
	while (mapv_find(&a->keys, view_str(made->id)));
	key_secret_make(made->secret);
	c->key_id = text_dup(view_str(made->id));
	c->name = text_dup(user);
	c->vhost = text_dup(vhost);
	c->secret = text_dup(view_str(made->secret));
	change_start(c, false);
}

void access_key_delete(struct access *a, struct view id, access_done done, void *ctx)
{
	struct change *c = change_new(a, &type_key_delete, done, ctx);

	c->key_id = text_dup(id);
	change_start(c, false);
}
