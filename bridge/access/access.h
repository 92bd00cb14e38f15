/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what: users, access keys, vhosts and permissions, kept in the
 * catalogue as definitions of the kinds "user", "key", "vhost", "permission".
 * Authentication is asynchronous (hashes are slow by design and run off the
 * loop); `access_may` is a look-up. All answers come from memory; changes are
 * on disk before their `done` says so. */
#ifndef MQB_ACCESS_ACCESS_H
#define MQB_ACCESS_ACCESS_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "store/store.h"

struct access;

struct access_options {
	struct view default_user, default_pass; /* made at the first start only */
	bool default_user_anywhere;             /* not loopback only (its password is not a default) */
	struct view key_id, key_secret;         /* access key of the default user */
	bool anonymous_aws;
	/* Runs work(arg) off the loop, then done(arg) on it. NULL: inline. */
	void (*offload)(void *ctx, void (*work)(void *arg), void (*done)(void *arg), void *arg);
	void *offload_ctx;
};

struct access *access_new(const struct access_options *o, struct store *store, struct error *e);
void access_free(struct access *a);

typedef void (*access_done)(void *ctx, enum code code, const char *text);

/* user/password → done(CODE_OK | CODE_REFUSED). Returns a ticket for access_forget; done is
 * never called from inside this function. */
uint64_t access_authenticate(struct access *a, struct view user, struct view password, bool loopback,
			     access_done done, void *ctx);
/* The asker is gone: done does not come any more. */
void access_forget(struct access *a, uint64_t ticket);

enum access_verb { ACCESS_CONFIGURE, ACCESS_WRITE, ACCESS_READ };
/* Permissions of the user in the vhost (PCRE, unanchored; rabbitmq.md 5.1). An
 * empty topic name counts as "amq.default": the caller passes that. */
bool access_may(struct access *a, struct view user, struct view vhost, enum access_verb verb,
		struct view name);
/* The user has any permission row in the vhost (rabbitmq.md 1.15). */
bool access_may_enter(const struct access *a, struct view user, struct view vhost);

struct access_key {
	struct view id, user, vhost, secret; /* valid until the next change */
};
bool access_key_find(struct access *a, struct view id, struct access_key *out);

bool access_vhost_has(const struct access *a, struct view vhost);
/* 12 digits; NULL: no such vhost. */
const char *access_vhost_account(const struct access *a, struct view vhost);
bool access_vhost_of_account(const struct access *a, struct view account, struct view *vhost);
void access_vhosts_each(const struct access *a, void (*each)(void *ctx, struct view vhost), void *ctx);

struct access_user {
	struct view name;
	struct view tags; /* comma separated */
	bool loopback_only;
};
void access_users_each(const struct access *a, void (*each)(void *ctx, const struct access_user *u), void *ctx);
void access_keys_each(const struct access *a, void (*each)(void *ctx, const struct access_key *k), void *ctx);
bool access_user_has_tag(const struct access *a, struct view user, const char *tag);

/* Changes; done once they are on disk (or refused). */
void access_user_put(struct access *a, struct view name, struct view password, struct view tags,
		     access_done done, void *ctx);
void access_user_delete(struct access *a, struct view name, access_done done, void *ctx);
void access_permission_put(struct access *a, struct view user, struct view vhost, struct view configure,
			   struct view write, struct view read, access_done done, void *ctx);
void access_vhost_put(struct access *a, struct view vhost, access_done done, void *ctx);
/* Makes a key; its id and secret are in *id and *secret at once, shown this one time. */
void access_key_create(struct access *a, struct view user, struct view vhost, char id[33], char secret[65],
		       access_done done, void *ctx);
void access_key_delete(struct access *a, struct view id, access_done done, void *ctx);

#endif
