/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and listing users, keys, vhosts and permissions. */
#include "access/access_priv.h"

#include <stdlib.h>

static int by_key(const void *a, const void *b)
{
	const struct view *const *x = a, *const *y = b;

	return view_cmp(**x, **y);
}

/* The objects of a map by key, NULL at the end; the array is the caller's.
 * Each object begins with its key. */
static void **sorted(const struct mapv *map)
{
	void **all = mem_alloc((map->n + 1) * sizeof *all);
	size_t n = 0, at = 0;

	while ((all[n] = mapv_next(map, &at)))
		n++;
	qsort(all, n, sizeof *all, by_key);
	return all;
}

static struct access_user user_shown(const struct user *u)
{
	return (struct access_user){u->name, u->tags, u->loopback_only};
}

bool access_user_find(const struct access *a, struct view name, struct access_user *out)
{
	const struct user *u = mapv_find(&a->users, name);

	if (u)
		*out = user_shown(u);
	return u != NULL;
}

bool access_user_has_tag(const struct access *a, struct view user, const char *tag)
{
	const struct user *u = mapv_find(&a->users, user);

	return u && tags_have(u->tags, tag);
}

void access_users_each(const struct access *a, void (*each)(void *ctx, const struct access_user *u), void *ctx)
{
	void **all = sorted(&a->users);

	for (void **p = all; *p; p++) {
		struct access_user shown = user_shown(*p);

		each(ctx, &shown);
	}
	free(all);
}

bool access_key_find(struct access *a, struct view id, struct access_key *out)
{
	const struct key *k = mapv_find(&a->keys, id);

	if (!k || !k->secret.p)
		return false;
	*out = (struct access_key){k->id, k->user, k->vhost, k->secret};
	return true;
}

void access_keys_each(const struct access *a, void (*each)(void *ctx, const struct access_key *k), void *ctx)
{
	void **all = sorted(&a->keys);

	for (void **p = all; *p; p++) {
		const struct key *k = *p;
		struct access_key shown = {k->id, k->user, k->vhost, VIEW_NONE};

		each(ctx, &shown);
	}
	free(all);
}

void access_vhosts_each(const struct access *a, void (*each)(void *ctx, struct view vhost), void *ctx)
{
	void **all = sorted(&a->vhosts);

	for (void **p = all; *p; p++)
		each(ctx, ((const struct vhost *)*p)->name);
	free(all);
}

static struct access_permission permission_shown(const struct permission *p)
{
	return (struct access_permission){p->user, p->vhost, p->of[ACCESS_CONFIGURE].text,
					  p->of[ACCESS_WRITE].text, p->of[ACCESS_READ].text};
}

bool access_permission_find(const struct access *a, struct view user, struct view vhost,
			    struct access_permission *out)
{
	const struct permission *p = permission_find(a, user, vhost);

	if (p)
		*out = permission_shown(p);
	return p != NULL;
}

void access_permissions_each(const struct access *a,
			     void (*each)(void *ctx, const struct access_permission *p), void *ctx)
{
	void **all = sorted(&a->permissions);

	for (void **p = all; *p; p++) {
		struct access_permission shown = permission_shown(*p);

		each(ctx, &shown);
	}
	free(all);
}
