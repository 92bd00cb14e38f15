/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the access room. One loop thread owns everything here; work that
 * runs off the loop (hash_job, change) carries copies of what it needs.
 *
 * Invariants
 *  1. What the maps hold is what the store has committed: a change loads its own
 *     definitions with the function that start-up uses, after the commit.
 *  2. At most one change is in the store; changes answer in the order they came.
 *  3. Every question has one ticket: in `asked`, or waiting at one hash_job.
 *  4. A cached decision belongs to a permission that exists; any change of a
 *     permission empties the cache.
 *  5. A remembered success names the stamp of its user, which every change of
 *     the user renews.
 *
 * Ownership: an object owns its texts (text_dup) and is owned by its map. */
#ifndef MQB_ACCESS_PRIV_H
#define MQB_ACCESS_PRIV_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "access/access.h"
#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"

enum { TEXT_MAX = 255, VERBS = ACCESS_READ + 1, ACCOUNT_MAX = 13, DEFINITION_VERSION = 1 };

/* ---- text.c ---- */
struct view text_dup(struct view v); /* owned; never NULL bytes, NUL-terminated */
void text_free(struct view v);
void text_burn(struct view v); /* overwritten, then freed */
/* 1..255 bytes of UTF-8 without control characters. */
bool text_is_name(struct view v);
/* Trims the items of a comma-separated list; owned. */
struct view tags_normal(struct view tags);
bool tags_have(struct view tags, const char *tag);

/* ---- password.c ---- */
struct password {
	char algorithm[24]; /* empty: no login by password */
	uint8_t salt[32], hash[64];
	uint8_t salt_n, hash_n;
};
/* New hash with the current algorithm. Slow. false: no memory for it. */
bool password_make(struct password *p, struct view plain);
/* Slow; takes as long for one that has no hash. */
bool password_matches(const struct password *p, struct view plain);
bool password_known(const char *algorithm, size_t hash_n);

/* ---- permission.c ---- */
enum pattern_kind { PATTERN_NOTHING, PATTERN_ALL, PATTERN_REGEX };
struct pattern {
	struct view text;
	enum pattern_kind kind;
	pcre2_code *code; /* compiled at the first question */
};
void pattern_init(struct pattern *p, struct view text);
void pattern_fini(struct pattern *p);
enum code pattern_check(const struct access *a, struct view text, const char *what, struct error *e);

struct permission {
	struct view key, user, vhost; /* key: permission_key */
	struct pattern of[VERBS];
};
/* user NUL vhost; names hold no NUL. Returns an empty view when one is too long. */
struct view permission_key(struct view user, struct view vhost, uint8_t bytes[2 * TEXT_MAX + 1]);
struct permission *permission_find(const struct access *a, struct view user, struct view vhost);

struct decision; /* one cached answer of access_may */
struct decision *decisions_new(uint32_t n);
void decisions_flush(struct access *a);

/* ---- definition.c: objects ⇄ JSON. Each object begins with its key in its map. ---- */
struct user {
	struct view name, tags;
	bool loopback_only;
	struct password password;
	uint64_t stamp; /* new with every change */
};
struct vhost {
	struct view name;
	char account[ACCOUNT_MAX];
};
struct key {
	struct view id, user, vhost;
	struct view secret; /* p NULL: could not be opened */
};

/* The definition kinds; names on disk are in definition.c. */
enum kind { KIND_USER, KIND_VHOST, KIND_PERMISSION, KIND_KEY, KINDS };
struct view kind_name(enum kind kind);
/* Puts one into the maps, replacing. */
enum code definition_load(struct access *a, enum kind kind, struct view key, struct view value,
			  struct error *e);
void definition_drop(struct access *a, enum kind kind, struct view key);
void definitions_free(struct access *a);
/* JSON texts, malloc'ed. */
char *user_json(const struct user *u);
char *vhost_json(const struct vhost *v);
char *permission_json(const struct access_permission *p);
/* NULL when sealing fails. */
char *key_json(const struct access *a, const struct access_key *k);

/* ---- vhost.c ---- */
bool vhost_account_valid(struct view account);
/* An account id that no vhost has. */
void vhost_account_new(const struct access *a, struct view vhost, char out[ACCOUNT_MAX]);

/* ---- change.c ---- */
struct change;
/* Advances the first change as far as it goes. Returns how much happened. */
int changes_poll(struct access *a);
void changes_free(struct access *a);
/* What a new data directory lacks; waits for the commit. */
enum code first_start(struct access *a, const struct access_options *o, struct error *e);

/* ---- authenticate.c ---- */
struct remembered;
struct remembered *remembered_new(uint32_t n);
int questions_poll(struct access *a);
void questions_free(struct access *a);

struct access {
	struct access_options o; /* its views are not kept */
	struct store *store;
	struct now now;
	struct mapv users, vhosts, accounts, permissions, keys; /* accounts: the vhosts by account */
	size_t administrators;
	uint64_t stamps;

	pcre2_match_context *match_limits;
	pcre2_match_data *match;
	struct decision *decisions; /* o.decisions_max slots */

	uint8_t digest_key[32];        /* of this process */
	struct remembered *remembered; /* o.remember_max slots */
	struct map64 tickets;
	uint64_t last_ticket;
	struct link asked;  /* tickets that the next poll looks at */
	struct mapv jobs;   /* hash_job by digest of user and password */
	struct link hashed; /* jobs with a result */

	struct link changes; /* in the order they came */
};

/* Runs work off the loop, then done on it; inline when there is no pool. */
void access_offload(const struct access *a, void (*work)(void *arg), void (*done)(void *arg), void *arg);

#endif
