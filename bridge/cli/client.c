/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_priv.h"

#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/http_client.h"

enum { ANSWER_BYTES_MAX = 256 * 1024 * 1024, PATH_BYTES_MAX = 8192, TIMEOUT_MS = 30000 };

const char *client_url(const struct client *c)
{
	const char *env = getenv("MQBRIDGE_URL");
	return c->url ? c->url : env && *env ? env : "http://127.0.0.1:15672";
}

/* Splits --user NAME:PASSWORD, else the environment, else guest. user is the caller's room. */
static void who_asks(const struct client *c, char *user, size_t room, const char **password)
{
	const char *env_user = getenv("MQBRIDGE_USER"), *env_password = getenv("MQBRIDGE_PASSWORD");
	if (c->user) {
		size_t n = strcspn(c->user, ":");
		snprintf(user, room, "%.*s", (int)n, c->user);
		*password = c->user[n] ? c->user + n + 1 : env_password ? env_password : "";
		return;
	}
	snprintf(user, room, "%s", env_user && *env_user ? env_user : "guest");
	*password = env_password ? env_password : "guest";
}

static enum exit_code exit_of_status(long status)
{
	if (status >= 200 && status < 300)
		return EXIT_OK;
	return status == 401 || status == 403 || status == 429 ? EXIT_DENIED : EXIT_FAILED;
}

static void refusal_tell(const struct client_answer *a, const char *user)
{
	const char *reason = json_string_value(json_object_get(a->json, "reason"));
	if (a->status == 401)
		fprintf(stderr, "mqbridge: the daemon does not accept user '%s' with this password\n", user);
	else if (a->status == 404)
		fprintf(stderr, "mqbridge: not found\n");
	else
		fprintf(stderr, "mqbridge: the daemon answered %ld%s%s\n", a->status, reason ? ": " : "",
			reason ? reason : "");
}

struct client_answer client_call(const struct client *c, const char *method, const char *path,
				 const json_t *body)
{
	struct client_answer a = {.code = EXIT_UNREACHED};
	struct error e = {0};
	char user[512], url[PATH_BYTES_MAX];
	const char *password;
	who_asks(c, user, sizeof user, &password);
	const char *base = client_url(c);
	size_t n = strlen(base);
	while (n && base[n - 1] == '/')
		n--;
	if (snprintf(url, sizeof url, "%.*s%s", (int)n, base, path) >= (int)sizeof url) {
		fprintf(stderr, "mqbridge: the name is too long\n");
		a.code = EXIT_USAGE;
		return a;
	}
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct buf out;
	buf_init(&out, ANSWER_BYTES_MAX);
	struct http_call call = {method, url, user, password, view_str(text), TIMEOUT_MS};
	a.status = http_client_call(&call, &out, &e);
	if (a.status < 0) {
		fprintf(stderr, "mqbridge: no daemon answers at %.*s: %s\n", (int)n, base, e.text);
	} else {
		if (out.n)
			a.json = json_loadb((const char *)out.p, out.n, JSON_DECODE_ANY, NULL);
		a.code = exit_of_status(a.status);
		if (a.code != EXIT_OK)
			refusal_tell(&a, user);
	}
	buf_fini(&out);
	free(text);
	return a;
}

void path_part_add(struct buf *path, const char *s)
{
	static const char free_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
	for (; *s; s++)
		if (strchr(free_bytes, *s))
			buf_add(path, view_of(s, 1));
		else
			buf_printf(path, "%%%02X", (unsigned char)*s);
}

bool password_ask(const char *prompt, char *out, size_t room)
{
	struct termios before, quiet;
	bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
	if (terminal) {
		fprintf(stderr, "%s: ", prompt);
		quiet = before;
		quiet.c_lflag &= (tcflag_t)~ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	bool good = fgets(out, (int)room, stdin) != NULL;
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		fputc('\n', stderr);
	}
	if (good)
		out[strcspn(out, "\r\n")] = 0;
	if (!good || !*out)
		fprintf(stderr, "mqbridge: no password given\n");
	return good && *out;
}
