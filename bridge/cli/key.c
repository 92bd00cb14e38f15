/* SPDX-License-Identifier: Apache-2.0 */
/* mqbridge key create | delete | list */
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/client_priv.h"

struct key_args {
	struct client client;
	const char *vhost;
};

/* Whom the credentials name; owned. */
static char *own_name(const struct client *c)
{
	struct client_answer a = client_call(c, "GET", "/api/whoami", NULL);
	const char *name = json_string_value(json_object_get(a.json, "name"));
	char *copy = a.code == EXIT_OK && name ? strdup(name) : NULL;
	json_decref(a.json);
	return copy;
}

static const char *text(const json_t *row, const char *key)
{
	const char *s = json_string_value(json_object_get(row, key));
	return s ? s : "";
}

static enum exit_code key_create(const struct key_args *k, const char *user)
{
	char *self = user ? NULL : own_name(&k->client);
	if (!user && !self)
		return EXIT_DENIED;
	json_t *body = json_pack("{s:s,s:s}", "user", user ? user : self, "vhost", k->vhost ? k->vhost : "/");
	struct client_answer a = client_call(&k->client, "POST", "/api/keys", body);
	if (a.code == EXIT_OK)
		printf("aws_access_key_id = %s\naws_secret_access_key = %s\n", text(a.json, "id"),
		       text(a.json, "secret"));
	if (a.code == EXIT_OK)
		fprintf(stderr, "mqbridge: the secret is not shown again\n");
	json_decref(a.json);
	json_decref(body);
	free(self);
	return a.code;
}

static enum exit_code key_delete(const struct key_args *k, const char *id)
{
	struct buf path;
	buf_init(&path, 4096);
	buf_add_str(&path, "/api/keys/");
	path_part_add(&path, id);
	const char *p = buf_cstr(&path);
	struct client_answer a = client_call(&k->client, "DELETE", p ? p : "/", NULL);
	json_decref(a.json);
	buf_fini(&path);
	if (a.code == EXIT_OK)
		printf("key %s deleted\n", id);
	return a.code;
}

static enum exit_code key_list(const struct key_args *k, const char *none)
{
	(void)none;
	struct client_answer a = client_call(&k->client, "GET", "/api/keys", NULL);
	size_t i;
	json_t *row;
	if (a.code == EXIT_OK)
		printf("%-32s %-24s %s\n", "KEY", "USER", "VHOST");
	json_array_foreach(a.json, i, row)
		printf("%-32s %-24s %s\n", text(row, "id"), text(row, "user"), text(row, "vhost"));
	json_decref(a.json);
	return a.code;
}

struct verb {
	const char *name;
	int words_min, words_max; /* behind the verb */
	enum exit_code (*run)(const struct key_args *k, const char *word);
};

static const struct verb verbs[] = {
	{"create", 0, 1, key_create},
	{"delete", 1, 1, key_delete},
	{"list", 0, 0, key_list},
};

enum exit_code key_main(int argc, char **argv)
{
	struct key_args k = {0};
	const struct arg_flag flags[] = {CLIENT_FLAGS(k.client), {"--vhost", &k.vhost, NULL, NULL, NULL}};
	const char *words[2] = {0};
	int n = args_take(argc, argv, flags, sizeof flags / sizeof *flags, words, 2);
	for (size_t i = 0; n > 0 && i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(words[0], verbs[i].name) == 0 && n - 1 >= verbs[i].words_min &&
		    n - 1 <= verbs[i].words_max)
			return verbs[i].run(&k, words[1]);
	if (n >= 0)
		fprintf(stderr, "mqbridge: key create [USER] | delete ID | list\n");
	return EXIT_USAGE;
}
