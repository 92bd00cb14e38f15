/* SPDX-License-Identifier: Apache-2.0 */
/* mqbridge user add | delete | list | passwd */
#include "cli/cli.h"
#include "cli/client_priv.h"

enum { PASSWORD_MAX = 1024, PATH_MAX_BYTES = 4096 };

struct user_args {
	struct client client;
	const char *password, *tags, *vhost, *configure, *write, *read;
};

static void user_path(struct buf *path, const char *name)
{
	buf_init(path, PATH_MAX_BYTES);
	buf_add_str(path, "/api/users/");
	path_part_add(path, name);
}

static const char *path_end(struct buf *path)
{
	const char *s = buf_cstr(path);
	return s ? s : "/";
}

/* PUT of a user; password NULL: asked for. */
static enum exit_code user_put(const struct user_args *u, const char *name)
{
	char asked[PASSWORD_MAX];
	const char *password = u->password;
	if (!password) {
		if (!password_ask("password", asked, sizeof asked))
			return EXIT_USAGE;
		password = asked;
	}
	json_t *body = json_pack("{s:s}", "password", password);
	if (body && u->tags)
		json_object_set_new(body, "tags", json_string(u->tags));
	if (!body) {
		fprintf(stderr, "mqbridge: the password is not UTF-8\n");
		return EXIT_USAGE;
	}
	struct buf path;
	user_path(&path, name);
	struct client_answer a = client_call(&u->client, "PUT", path_end(&path), body);
	json_decref(a.json);
	json_decref(body);
	buf_fini(&path);
	return a.code;
}

static enum exit_code permission_put(const struct user_args *u, const char *name)
{
	const char *vhost = u->vhost ? u->vhost : "/";
	struct buf path;
	buf_init(&path, PATH_MAX_BYTES);
	buf_add_str(&path, "/api/permissions/");
	path_part_add(&path, vhost);
	buf_add_str(&path, "/");
	path_part_add(&path, name);
	json_t *body = json_pack("{s:s,s:s,s:s}", "configure", u->configure ? u->configure : ".*", "write",
				 u->write ? u->write : ".*", "read", u->read ? u->read : ".*");
	struct client_answer a = client_call(&u->client, "PUT", path_end(&path), body);
	json_decref(a.json);
	json_decref(body);
	buf_fini(&path);
	return a.code;
}

static enum exit_code user_add(const struct user_args *u, const char *name)
{
	enum exit_code code = user_put(u, name);
	bool permit = u->vhost || u->configure || u->write || u->read;
	if (code == EXIT_OK && permit)
		code = permission_put(u, name);
	if (code == EXIT_OK)
		printf("user %s is there%s\n", name, permit ? "" : ", without permissions (give --vhost)");
	return code;
}

static enum exit_code user_passwd(const struct user_args *u, const char *name)
{
	struct buf path;
	user_path(&path, name);
	struct client_answer a = client_call(&u->client, "GET", path_end(&path), NULL);
	json_decref(a.json);
	buf_fini(&path);
	enum exit_code code = a.code == EXIT_OK ? user_put(u, name) : a.code;
	if (code == EXIT_OK)
		printf("password of user %s changed\n", name);
	return code;
}

static enum exit_code user_delete(const struct user_args *u, const char *name)
{
	struct buf path;
	user_path(&path, name);
	struct client_answer a = client_call(&u->client, "DELETE", path_end(&path), NULL);
	json_decref(a.json);
	buf_fini(&path);
	if (a.code == EXIT_OK)
		printf("user %s deleted\n", name);
	return a.code;
}

static enum exit_code user_list(const struct user_args *u, const char *name)
{
	(void)name;
	struct client_answer a = client_call(&u->client, "GET", "/api/users", NULL);
	size_t i;
	json_t *row;
	if (a.code == EXIT_OK)
		printf("%-24s %-32s %s\n", "USER", "TAGS", "MAY COME FROM");
	json_array_foreach(a.json, i, row) {
		struct buf tags;
		size_t k;
		json_t *tag;
		buf_init(&tags, 4096);
		json_array_foreach(json_object_get(row, "tags"), k, tag)
			buf_printf(&tags, "%s%s", k ? "," : "", json_string_value(tag));
		printf("%-24s %-32.*s %s\n", json_string_value(json_object_get(row, "name")),
		       VIEW_ARG(buf_view(&tags)),
		       json_is_true(json_object_get(row, "loopback_only")) ? "this machine" : "anywhere");
		buf_fini(&tags);
	}
	json_decref(a.json);
	return a.code;
}

struct verb {
	const char *name;
	int words; /* behind the verb */
	enum exit_code (*run)(const struct user_args *u, const char *name);
};

static const struct verb verbs[] = {
	{"add", 1, user_add},
	{"delete", 1, user_delete},
	{"list", 0, user_list},
	{"passwd", 1, user_passwd},
};

enum exit_code user_main(int argc, char **argv)
{
	struct user_args u = {0};
	const struct arg_flag flags[] = {
		CLIENT_FLAGS(u.client),
		{"--password", &u.password, NULL, NULL, NULL},
		{"--tags", &u.tags, NULL, NULL, NULL},
		{"--vhost", &u.vhost, NULL, NULL, NULL},
		{"--configure", &u.configure, NULL, NULL, NULL},
		{"--write", &u.write, NULL, NULL, NULL},
		{"--read", &u.read, NULL, NULL, NULL},
	};
	const char *words[2] = {0};
	int n = args_take(argc, argv, flags, sizeof flags / sizeof *flags, words, 2);
	for (size_t i = 0; n > 0 && i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(words[0], verbs[i].name) == 0 && n == verbs[i].words + 1)
			return verbs[i].run(&u, words[1]);
	if (n >= 0)
		fprintf(stderr, "mqbridge: user add NAME | delete NAME | list | passwd NAME\n");
	return EXIT_USAGE;
}
