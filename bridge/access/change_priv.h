/* SPDX-License-Identifier: Apache-2.0 */
/* A change of the catalogue while it is under way: change.c moves it along,
 * change_kinds.c knows what each kind of change asks for and does. */
#ifndef MQB_ACCESS_CHANGE_PRIV_H
#define MQB_ACCESS_CHANGE_PRIV_H

#include "access/access_priv.h"

enum change_state { CHANGE_HASHING, CHANGE_WAITING, CHANGE_STORING, CHANGE_STORED };

struct change_type {
	const char *name;
	/* Judges it and adds operations; none: nothing to do. */
	enum code (*prepare)(struct access *a, struct change *c, struct error *e);
	void (*committed)(struct access *a, struct change *c); /* may be NULL */
};

struct change {
	struct access *access; /* NULL: gone */
	const struct change_type *type;
	struct link link; /* in access->changes */
	enum change_state state;
	access_done done;
	void *ctx;
	/* What is asked, owned; which ones, depends on the type. p NULL: not given. */
	struct view name /* of a user */, vhost, account, key_id, tags, secret, patterns[VERBS];
	struct password password; /* of secret */
	bool hashed;
	struct store_batch batch; /* its ops own key and value */
};

struct change *change_new(struct access *a, const struct change_type *type, access_done done, void *ctx);
/* Takes its place in the row; `hash`: after a hash of its secret. */
void change_start(struct change *c, bool hash);
/* Takes json (malloc'ed). */
void change_add_put(struct change *c, enum kind kind, struct view key, char *json);
void change_add_delete(struct change *c, enum kind kind, struct view key);

#endif
