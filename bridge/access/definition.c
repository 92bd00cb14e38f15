/* SPDX-License-Identifier: Apache-2.0 */
/* Users, vhosts, permissions and keys as definitions: JSON objects with a
 * version "v". One function a kind reads one into the maps, used by start-up and
 * by committed changes alike; fields that are not known are ignored. */
#include "access/access_priv.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "base/log.h"

enum { SECRET_MAX = 4096 };

static struct view json_view(const json_t *object, const char *field)
{
	const json_t *v = json_object_get(object, field);

	return json_is_string(v) ? view_of(json_string_value(v), json_string_length(v)) : VIEW_NONE;
}

static bool json_bytes(const json_t *object, const char *field, uint8_t *out, size_t max, uint8_t *n)
{
	struct buf b;
	bool ok;

	buf_init(&b, max);
	ok = base64_decode(&b, json_view(object, field));
	if (ok && b.n)
		memcpy(out, b.p, b.n);
	*n = (uint8_t)b.n;
	buf_fini(&b);
	return ok;
}

static void json_put(json_t *object, const char *field, struct view v)
{
	json_t *s = json_stringn(v.p ? (const char *)v.p : "", v.n);

	must(s); /* texts were checked to be UTF-8 when they came in */
	json_object_set_new(object, field, s);
}

static void json_put_base64(json_t *object, const char *field, struct view bytes)
{
	struct buf b;

	buf_init(&b, 2 * SECRET_MAX);
	must(base64_add(&b, bytes));
	json_put(object, field, buf_view(&b));
	buf_fini(&b);
}

static char *json_text(json_t *object)
{
	char *text;

	json_object_set_new(object, "v", json_integer(DEFINITION_VERSION));
	text = json_dumps(object, JSON_COMPACT);
	must(text);
	json_decref(object);
	return text;
}

/* ---- user ---- */

char *user_json(const struct user *u)
{
	const struct password *p = &u->password;
	json_t *o = json_object(), *password;

	json_put(o, "name", u->name);
	json_put(o, "tags", u->tags);
	json_object_set_new(o, "loopback_only", json_boolean(u->loopback_only));
	if (p->algorithm[0]) {
		password = json_object();
		json_put(password, "algorithm", view_str(p->algorithm));
		json_put_base64(password, "salt", view_of(p->salt, p->salt_n));
		json_put_base64(password, "hash", view_of(p->hash, p->hash_n));
		json_object_set_new(o, "password", password);
	}
	return json_text(o);
}

static bool password_load(const json_t *o, struct password *p)
{
	struct view algorithm = json_view(o, "algorithm");

	if (!o)
		return true;
	if (algorithm.n >= sizeof p->algorithm)
		return false;
	if (algorithm.n)
		memcpy(p->algorithm, algorithm.p, algorithm.n);
	return json_bytes(o, "salt", p->salt, sizeof p->salt, &p->salt_n) &&
	       json_bytes(o, "hash", p->hash, sizeof p->hash, &p->hash_n) &&
	       password_known(p->algorithm, p->hash_n);
}

static void user_drop(struct access *a, struct view key)
{
	struct user *u = mapv_remove(&a->users, key);

	if (!u)
		return;
	a->administrators -= tags_have(u->tags, "administrator");
	text_free(u->name);
	text_free(u->tags);
	explicit_bzero(&u->password, sizeof u->password);
	free(u);
}

static bool user_load(struct access *a, struct view key, const json_t *o)
{
	struct password password = {0};
	struct user *u;

	if (!text_is_name(key) || !password_load(json_object_get(o, "password"), &password))
		return false;
	user_drop(a, key);
	u = mem_zalloc(sizeof *u);
	u->name = text_dup(key);
	u->tags = tags_normal(json_view(o, "tags"));
	u->loopback_only = json_is_true(json_object_get(o, "loopback_only"));
	u->password = password;
	u->stamp = ++a->stamps;
	a->administrators += tags_have(u->tags, "administrator");
	mapv_put(&a->users, u->name, u);
	return true;
}

/* ---- vhost ---- */

char *vhost_json(const struct vhost *v)
{
	json_t *o = json_object();

	json_put(o, "name", v->name);
	json_put(o, "account", view_str(v->account));
	return json_text(o);
}

static void vhost_drop(struct access *a, struct view key)
{
	struct vhost *v = mapv_remove(&a->vhosts, key);

	if (!v)
		return;
	mapv_remove(&a->accounts, view_str(v->account));
	text_free(v->name);
	free(v);
}

static bool vhost_load(struct access *a, struct view key, const json_t *o)
{
	struct view account = json_view(o, "account");
	struct vhost *v;

	if (!text_is_name(key) || !vhost_account_valid(account))
		return false;
	vhost_drop(a, key);
	if (mapv_find(&a->accounts, account))
		return false;
	v = mem_zalloc(sizeof *v);
	v->name = text_dup(key);
	memcpy(v->account, account.p, account.n);
	mapv_put(&a->vhosts, v->name, v);
	mapv_put(&a->accounts, view_str(v->account), v);
	return true;
}

/* ---- permission ---- */

static const char *const verb_fields[VERBS] = {"configure", "write", "read"};

char *permission_json(const struct access_permission *p)
{
	const struct view of[VERBS] = {p->configure, p->write, p->read};
	json_t *o = json_object();

	json_put(o, "user", p->user);
	json_put(o, "vhost", p->vhost);
	for (int i = 0; i < VERBS; i++)
		json_put(o, verb_fields[i], of[i]);
	return json_text(o);
}

static void permission_drop(struct access *a, struct view key)
{
	struct permission *p = mapv_remove(&a->permissions, key);

	if (!p)
		return;
	decisions_flush(a);
	for (int i = 0; i < VERBS; i++)
		pattern_fini(&p->of[i]);
	text_free(p->key);
	text_free(p->user);
	text_free(p->vhost);
	free(p);
}

static bool permission_load(struct access *a, struct view key, const json_t *o)
{
	struct view user = json_view(o, "user"), vhost = json_view(o, "vhost");
	uint8_t bytes[2 * TEXT_MAX + 1];
	struct permission *p;

	if (!view_eq(permission_key(user, vhost, bytes), key) || !key.n)
		return false;
	permission_drop(a, key);
	p = mem_zalloc(sizeof *p);
	p->key = text_dup(key);
	p->user = text_dup(user);
	p->vhost = text_dup(vhost);
	for (int i = 0; i < VERBS; i++)
		pattern_init(&p->of[i], json_view(o, verb_fields[i]));
	mapv_put(&a->permissions, p->key, p);
	return true;
}

/* ---- key ---- */

char *key_json(const struct access *a, const struct access_key *k)
{
	json_t *o = json_object();
	struct buf sealed;
	bool ok;

	json_put(o, "id", k->id);
	json_put(o, "user", k->user);
	json_put(o, "vhost", k->vhost);
	buf_init(&sealed, SECRET_MAX);
	ok = crypto_seal(a->o.master_key, k->secret, &sealed);
	if (ok)
		json_put_base64(o, "sealed", buf_view(&sealed));
	buf_fini(&sealed);
	if (ok)
		return json_text(o);
	json_decref(o);
	return NULL;
}

static void key_drop(struct access *a, struct view id)
{
	struct key *k = mapv_remove(&a->keys, id);

	if (!k)
		return;
	text_free(k->id);
	text_free(k->user);
	text_free(k->vhost);
	text_burn(k->secret);
	free(k);
}

/* Empty, p NULL, when the master key is not the one that sealed it. */
static struct view secret_open(struct access *a, const json_t *o)
{
	struct view secret = VIEW_NONE;
	struct buf sealed, plain;

	buf_init(&sealed, SECRET_MAX);
	buf_init(&plain, SECRET_MAX);
	if (base64_decode(&sealed, json_view(o, "sealed")) &&
	    crypto_open(a->o.master_key, buf_view(&sealed), &plain)) {
		secret = text_dup(buf_view(&plain));
		if (plain.p)
			explicit_bzero(plain.p, plain.n);
	}
	buf_fini(&sealed);
	buf_fini(&plain);
	return secret;
}

static bool key_load(struct access *a, struct view id, const json_t *o)
{
	struct view user = json_view(o, "user"), vhost = json_view(o, "vhost");
	struct key *k;

	if (!text_is_name(id) || !text_is_name(user) || !text_is_name(vhost))
		return false;
	key_drop(a, id);
	k = mem_zalloc(sizeof *k);
	k->id = text_dup(id);
	k->user = text_dup(user);
	k->vhost = text_dup(vhost);
	k->secret = secret_open(a, o);
	if (!k->secret.p)
		log_warn("access.key_sealed", "key=\"%.*s\" reason=\"not sealed with this master key\"",
			 VIEW_ARG(id));
	mapv_put(&a->keys, k->id, k);
	return true;
}

/* ---- all kinds ---- */

static const struct {
	const char *name; /* on disk */
	bool (*load)(struct access *a, struct view key, const json_t *o);
	void (*drop)(struct access *a, struct view key);
} kinds[KINDS] = {
	[KIND_USER] = {"user", user_load, user_drop},
	[KIND_VHOST] = {"vhost", vhost_load, vhost_drop},
	[KIND_PERMISSION] = {"permission", permission_load, permission_drop},
	[KIND_KEY] = {"key", key_load, key_drop},
};

struct view kind_name(enum kind kind)
{
	return view_str(kinds[kind].name);
}

enum code definition_load(struct access *a, enum kind kind, struct view key, struct view value,
			  struct error *e)
{
	json_t *o = json_loadb((const char *)value.p, value.n, 0, NULL);
	json_int_t version = json_integer_value(json_object_get(o, "v"));
	enum code code = CODE_OK;

	if (version > DEFINITION_VERSION)
		code = error_set(e, CODE_UNSUPPORTED, "definition of %s \"%.*s\" has version %lld, newer than this program",
				 kinds[kind].name, VIEW_ARG(key), (long long)version);
	else if (version < 1 || !kinds[kind].load(a, key, o))
		code = error_set(e, CODE_INVALID, "definition of %s \"%.*s\" is damaged", kinds[kind].name,
				 VIEW_ARG(key));
	json_decref(o);
	return code;
}

void definition_drop(struct access *a, enum kind kind, struct view key)
{
	kinds[kind].drop(a, key);
}

/* Each object begins with the view that is its key. */
static void all_drop(struct access *a, struct mapv *map, void (*drop)(struct access *, struct view))
{
	size_t n = 0, at = 0;
	struct view *keys = mem_alloc((map->n + 1) * sizeof *keys);
	void *object;

	while ((object = mapv_next(map, &at)))
		keys[n++] = *(struct view *)object;
	for (size_t i = 0; i < n; i++)
		drop(a, keys[i]);
	free(keys);
	mapv_fini(map);
}

void definitions_free(struct access *a)
{
	all_drop(a, &a->keys, key_drop);
	all_drop(a, &a->permissions, permission_drop);
	all_drop(a, &a->vhosts, vhost_drop);
	all_drop(a, &a->users, user_drop);
	mapv_fini(&a->accounts);
}
