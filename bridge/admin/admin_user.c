/* SPDX-License-Identifier: Apache-2.0 */
/* Users and their permissions (rabbitmq.md 6.7). */
#include "admin/admin_priv.h"

/* ---- users ---- */

static json_t *user_json(const struct access_user *u)
{
	return json_pack("{s:o, s:o, s:b}", "name", json_lossy(u->name), "tags", json_tags(u->tags),
			 "loopback_only", (int)u->loopback_only);
}

static void user_each(void *list, const struct access_user *u)
{
	json_array_append_new(list, user_json(u));
}

void get_users(struct call *c)
{
	json_t *list = json_array();

	access_users_each(c->admin->access, user_each, list);
	call_answer(c, 200, list);
}

void get_user(struct call *c)
{
	struct access_user u;

	if (access_user_find(c->admin->access, c->parts[0], &u))
		call_answer(c, 200, user_json(&u));
	else
		call_not_found(c);
}

enum { TAGS_MAX = 255 };

/* A comma-separated string, or a list of strings (rabbitmq.md 6.7). */
static bool field_tags(struct call *c, const json_t *o, struct view *out)
{
	const json_t *list = json_object_get(o, "tags"), *tag;
	size_t i;

	if (!json_is_array(list))
		return field_string(c, o, "tags", out);
	*out = VIEW("");
	json_array_foreach((json_t *)(uintptr_t)list, i, tag) {
		if (!json_is_string(tag) || strchr(json_string_value(tag), ',') || out->n > TAGS_MAX)
			return false;
		*out = view_str(arena_printf(c->r->arena, "%.*s%s%s", VIEW_ARG(*out), i ? "," : "",
					     json_string_value(tag)));
	}
	return true;
}

void put_user(struct call *c)
{
	struct view password, tags;
	struct access_user u;
	json_t *o = call_object(c, false);

	if (!o)
		return;
	if (json_object_get(o, "password_hash")) {
		call_bad_request(c, "password_hash: not supported, give password");
	} else if (!field_string(c, o, "password", &password)) {
		call_bad_request(c, "password: not a string");
	} else if (!field_tags(c, o, &tags)) {
		call_bad_request(c, "tags: a string or a list of strings, 255 bytes together");
	} else {
		call_changing(c, access_user_find(c->admin->access, c->parts[0], &u) ? 204 : 201);
		access_user_put(c->admin->access, c->parts[0], password, tags, call_changed, c);
		if (password.n)
			explicit_bzero((void *)(uintptr_t)password.p, password.n);
	}
	json_decref(o);
}

void delete_user(struct call *c)
{
	call_changing(c, 204);
	access_user_delete(c->admin->access, c->parts[0], call_changed, c);
}

/* ---- permissions: parts are vhost, user ---- */

static json_t *permission_json(const struct access_permission *p)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "user", json_lossy(p->user), "vhost", json_lossy(p->vhost),
			 "configure", json_lossy(p->configure), "write", json_lossy(p->write), "read",
			 json_lossy(p->read));
}

static void permission_each(void *list, const struct access_permission *p)
{
	json_array_append_new(list, permission_json(p));
}

void get_permissions(struct call *c)
{
	json_t *list = json_array();

	access_permissions_each(c->admin->access, permission_each, list);
	call_answer(c, 200, list);
}

void get_permission(struct call *c)
{
	struct access_permission p;

	if (access_permission_find(c->admin->access, c->parts[1], c->parts[0], &p))
		call_answer(c, 200, permission_json(&p));
	else
		call_not_found(c);
}

void put_permission(struct call *c)
{
	struct access_permission old, p = {.user = c->parts[1], .vhost = c->parts[0]};
	json_t *o = call_object(c, false);

	if (!o)
		return;
	if (!field_string(c, o, "configure", &p.configure) || !field_string(c, o, "write", &p.write) ||
	    !field_string(c, o, "read", &p.read) || !p.configure.p || !p.write.p || !p.read.p) {
		call_bad_request(c, "configure, write and read are needed, as strings");
	} else {
		call_changing(c, access_permission_find(c->admin->access, p.user, p.vhost, &old) ? 204 : 201);
		access_permission_put(c->admin->access, &p, call_changed, c);
	}
	json_decref(o);
}

void delete_permission(struct call *c)
{
	call_changing(c, 204);
	access_permission_delete(c->admin->access, c->parts[1], c->parts[0], call_changed, c);
}
