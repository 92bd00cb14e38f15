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

/* Every number is a limit; 0 takes the default of its comment. */
struct access_options {
	struct view default_user, default_pass; /* made at the first start only */
	bool default_user_anywhere;             /* not loopback only (its password is not a default) */
	struct view key_id, key_secret;         /* access key of the default user; empty id: none */
	bool anonymous_aws;
	uint8_t master_key[32]; /* seals the secrets of access keys (access_master_key_load) */
	/* Proposes a vhost's account id (mapping/names.h); NULL: the first free number. */
	void (*account_of)(struct view vhost, char out[13]);
	/* A vhost was made (not called by access_new); raised before its `done`. May be NULL. */
	void (*vhost_added)(void *ctx, struct view vhost);
	void *ctx;
	/* Runs work(arg) off the loop, then done(arg) on it. NULL: inline. */
	void (*offload)(void *ctx, void (*work)(void *arg), void (*done)(void *arg), void *arg);
	void *offload_ctx;
	int64_t remember_ms;      /* a success is remembered so long; 5 min, negative: not at all */
	uint32_t remember_max;    /* successes remembered; 4096 */
	uint32_t hashing_max;     /* different credentials being hashed at once; 1024 */
	uint32_t decisions_max;   /* results of access_may kept; 1024 */
	uint32_t pattern_max;     /* bytes of a permission's expression; 4096 */
	uint32_t match_steps_max; /* PCRE2 match limit of one question; 100000 */
};

/* The 32 bytes in DIR/master.key (mode 0600); makes the file, whole or not at
 * all, when there is none. false and *e when it cannot be read, written or is damaged. */
bool access_master_key_load(const char *dir, uint8_t key[32], struct error *e);

/* Reads the definitions; at the first start (no user) makes the default vhost,
 * user, permissions and key and waits until they are stored. Borrows the store;
 * copies the options. NULL and *e on failure. */
struct access *access_new(const struct access_options *o, struct store *store, struct error *e);
/* No `done` comes any more; the store must still be open or already closed, not in between. */
void access_free(struct access *a);
/* ENGINE phase, after engine_run: raises every finished answer. Returns how much
 * happened; not 0: run the engine's phase again at once, as answers call its verbs. */
int access_poll(struct access *a, struct now now);
/* No question open, no change under way. */
bool access_idle(const struct access *a);

typedef void (*access_done)(void *ctx, enum code code, const char *text);

/* user/password → done(CODE_OK | CODE_REFUSED; CODE_LIMIT when too many are being hashed).
 * Returns a ticket for access_forget. done is called by access_poll only. With offload NULL
 * the hash is computed in access_poll, which then takes as long as a hash. */
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
/* false also when the secret cannot be opened with this master key. */
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
/* Lists come in name order; nothing may change inside `each`. */
void access_users_each(const struct access *a, void (*each)(void *ctx, const struct access_user *u), void *ctx);
void access_keys_each(const struct access *a, void (*each)(void *ctx, const struct access_key *k), void *ctx);
bool access_user_has_tag(const struct access *a, struct view user, const char *tag);

struct access_permission {
	struct view user, vhost, configure, write, read; /* valid until the next change */
};
bool access_user_find(const struct access *a, struct view name, struct access_user *out);
bool access_permission_find(const struct access *a, struct view user, struct view vhost,
			    struct access_permission *out);
void access_permissions_each(const struct access *a,
			     void (*each)(void *ctx, const struct access_permission *p), void *ctx);

/* Changes; done, by access_poll, once they are on disk (or refused). They take effect one
 * after another in the order of the calls, each judged by what the one before left. Names of
 * users and vhosts: 1 to 255 bytes of UTF-8 without control characters, else CODE_INVALID. */

/* password.p NULL: keeps the one that is there (a new user cannot log in with one); empty:
 * CODE_INVALID. tags.p NULL: keeps them (a new user has none). The last user with the tag
 * administrator keeps it: CODE_INVALID. */
void access_user_put(struct access *a, struct view name, struct view password, struct view tags,
		     access_done done, void *ctx);
/* Its permissions and keys go with it, in one group. CODE_NOT_FOUND, CODE_INVALID (last administrator). */
void access_user_delete(struct access *a, struct view name, access_done done, void *ctx);
/* CODE_INVALID: a pattern does not compile or is too long; CODE_NOT_FOUND: no such user or vhost. */
void access_permission_put(struct access *a, const struct access_permission *p, access_done done, void *ctx);
void access_permission_delete(struct access *a, struct view user, struct view vhost, access_done done,
			      void *ctx);
/* CODE_OK also when it is there. account.p NULL: keeps its account id (a new one gets the one proposed
 * for it); else 12 digits: CODE_INVALID, CODE_EXISTS when another vhost has it. */
void access_vhost_put(struct access *a, struct view vhost, struct view account, access_done done, void *ctx);
/* Makes a key; its id and secret are in *made at once, shown this one time. */
struct access_key_made {
	char id[33], secret[65];
};
void access_key_create(struct access *a, struct view user, struct view vhost, struct access_key_made *made,
		       access_done done, void *ctx);
void access_key_delete(struct access *a, struct view id, access_done done, void *ctx);

#endif
