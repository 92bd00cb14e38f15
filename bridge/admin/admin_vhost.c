/* SPDX-License-Identifier: Apache-2.0 */
/* Vhosts and the access keys that belong to a user in one of them. */
#include "admin/admin_priv.h"

/* ---- vhosts ---- */

struct vhosts {
	struct call *call;
	json_t *list;
};

static json_t *vhost_json(const struct call *c, struct view vhost)
{
	return json_pack("{s:o, s:s}", "name", json_lossy(vhost), "account_id",
			 access_vhost_account(c->admin->access, vhost));
}

static void vhost_each(void *ctx, struct view vhost)
{
	struct vhosts *v = ctx;

	if (call_may_see(v->call, vhost))
		json_array_append_new(v->list, vhost_json(v->call, vhost));
}

void get_vhosts(struct call *c)
{
	struct vhosts v = {c, json_array()};

	access_vhosts_each(c->admin->access, vhost_each, &v);
	call_answer(c, 200, v.list);
}

void get_vhost(struct call *c)
{
	if (!access_vhost_has(c->admin->access, c->parts[0]))
		call_not_found(c);
	else if (!call_may_see(c, c->parts[0]))
		call_refuse(c, 403, "not_authorised", "no permission in this vhost");
	else
		call_answer(c, 200, vhost_json(c, c->parts[0]));
}

void put_vhost(struct call *c)
{
	json_t *o = call_object(c, true);
	struct view account;

	if (!o)
		return;
	if (!field_string(c, o, "account_id", &account)) {
		call_bad_request(c, "account_id is a string");
	} else {
		call_changing(c, access_vhost_has(c->admin->access, c->parts[0]) ? 204 : 201);
		access_vhost_put(c->admin->access, c->parts[0], account, call_changed, c);
	}
	json_decref(o);
}

/* ---- keys ---- */

static void key_each(void *list, const struct access_key *k)
{
	json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "id", json_lossy(k->id), "user",
					      json_lossy(k->user), "vhost", json_lossy(k->vhost)));
}

void get_keys(struct call *c)
{
	json_t *list = json_array();

	access_keys_each(c->admin->access, key_each, list);
	call_answer(c, 200, list);
}

/* Nobody sees the secret again: it is in the body that waits for the commit. */
void post_key(struct call *c)
{
	struct view user, vhost;
	struct access_key_made made;
	json_t *o = call_object(c, false);

	if (!o)
		return;
	if (!field_string(c, o, "user", &user) || !user.n || !field_string(c, o, "vhost", &vhost)) {
		call_bad_request(c, "user is needed; user and vhost are strings");
	} else {
		if (!vhost.p)
			vhost = VIEW("/");
		call_changing(c, 201);
		access_key_create(c->admin->access, user, vhost, &made, call_changed, c);
		c->body = json_pack("{s:s, s:s, s:o, s:o}", "id", made.id, "secret", made.secret, "user", json_lossy(user),
				    "vhost", json_lossy(vhost));
		explicit_bzero(&made, sizeof made);
	}
	json_decref(o);
}

void delete_key(struct call *c)
{
	call_changing(c, 204);
	access_key_delete(c->admin->access, c->parts[0], call_changed, c);
}
