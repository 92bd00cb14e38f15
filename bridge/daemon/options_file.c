/* SPDX-License-Identifier: Apache-2.0 */
/* The sources of settings: files, environment, --set.
 *
 * A file is RabbitMQ's "sysctl" form, so that a rabbitmq.conf can be given as it
 * is: `key = value`, `#` to the end of the line is a comment, a value in single
 * quotes may hold `#` (rabbitmq.md §7). */
#include "daemon/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

enum { LINE_MAX_BYTES = 8192 };

/* Puts "file:line: " before the text of *e. */
static void error_place(struct error *e, struct option_origin origin)
{
	struct error inner = *e;
	if (origin.line)
		error_set(e, inner.code, "%s:%d: %s", origin.file, origin.line, inner.text);
	else
		error_set(e, inner.code, "%s: %s", origin.file, inner.text);
}

bool options_set(struct options *o, const char *key, const char *value, struct option_origin origin,
		 struct error *e)
{
	const struct option_row *row = option_find(key);
	if (row) {
		if (option_assign(o, row, value, e))
			return true;
		error_place(e, origin);
		return false;
	}
	switch (options_set_rabbitmq(o, key, value, e)) {
	case RABBITMQ_ACTED:
		return true;
	case RABBITMQ_IGNORED:
		options_warn(o, origin, "'%s' of RabbitMQ has no counterpart here: ignored", key);
		return true;
	case RABBITMQ_BAD:
		break;
	case RABBITMQ_UNKNOWN:
		error_set(e, CODE_INVALID, "unknown key '%s'", key);
		break;
	}
	error_place(e, origin);
	return false;
}

static char *trim(char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	size_t n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = 0;
	return s;
}

/* The value behind '=': quoted, or up to a comment. false: junk behind the quote. */
static bool value_cut(char **value)
{
	char *s = *value;
	while (isspace((unsigned char)*s))
		s++;
	if (*s == '\'') {
		char *end = strchr(s + 1, '\'');
		if (!end)
			return false;
		*end = 0;
		*value = s + 1;
		char *rest = trim(end + 1);
		return !*rest || *rest == '#';
	}
	s[strcspn(s, "#")] = 0;
	*value = trim(s);
	return true;
}

static bool line_take(struct options *o, char *line, struct option_origin origin, struct error *e)
{
	char *key = trim(line);
	if (!*key || *key == '#')
		return true;
	char *value = strchr(key, '=');
	if (!value) {
		error_set(e, CODE_INVALID, "%s:%d: not of the form key = value", origin.file, origin.line);
		return false;
	}
	*value++ = 0;
	key = trim(key);
	if (!*key || !value_cut(&value)) {
		error_set(e, CODE_INVALID, "%s:%d: not of the form key = value", origin.file, origin.line);
		return false;
	}
	return options_set(o, key, value, origin, e);
}

bool options_read_file(struct options *o, const char *path, struct error *e)
{
	FILE *f = fopen(path, "re");
	if (!f) {
		error_set(e, CODE_NOT_FOUND, "%s: %s", path, strerror(errno));
		return false;
	}
	char line[LINE_MAX_BYTES];
	struct option_origin origin = {path, 0};
	bool good = true;
	while (good && fgets(line, sizeof line, f)) {
		origin.line++;
		if (!strchr(line, '\n') && !feof(f)) {
			error_set(e, CODE_LIMIT, "%s:%d: line longer than %d bytes", path, origin.line,
				  LINE_MAX_BYTES - 2);
			good = false;
			break;
		}
		good = line_take(o, line, origin, e);
	}
	if (good && ferror(f)) {
		error_set(e, CODE_UNAVAILABLE, "%s: %s", path, strerror(errno));
		good = false;
	}
	fclose(f);
	return good;
}

/* MQBRIDGE_AMQP_FRAME_MAX is amqp.frame_max: dots and underscores are one. */
static const struct option_row *row_of_variable(const char *name, size_t n)
{
	for (size_t i = 0; i < OPTIONS; i++) {
		const char *own = option_rows[i].name;
		if (strlen(own) != n)
			continue;
		size_t at = 0;
		while (at < n && (own[at] == '.' ? '_' : toupper((unsigned char)own[at])) == name[at])
			at++;
		if (at == n)
			return &option_rows[i];
	}
	return NULL;
}

/* Read by other parts of the program, not settings of the daemon. */
static bool variable_is_other(const char *name, size_t n)
{
	static const char *const others[] = {"URL", "USER", "PASSWORD", "CONFIG"};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (strlen(others[i]) == n && strncmp(others[i], name, n) == 0)
			return true;
	return false;
}

static bool variable_take(struct options *o, const char *variable, struct error *e)
{
	const char *eq = strchr(variable, '=');
	const char *name = variable + strlen("MQBRIDGE_");
	if (!eq || eq <= name)
		return true;
	size_t n = (size_t)(eq - name);
	char whole[128];
	snprintf(whole, sizeof whole, "%.*s", (int)(eq - variable), variable);
	struct option_origin origin = {whole, 0};
	const struct option_row *row = row_of_variable(name, n);
	if (!row) {
		if (!variable_is_other(name, n))
			options_warn(o, origin, "names no setting: ignored");
		return true;
	}
	/* Kubernetes puts MQBRIDGE_AMQP_PORT=tcp://10.0.0.1:5672 there for a service called mqbridge-amqp. */
	if (row->type == OPTION_PORT && strstr(eq + 1, "://")) {
		options_warn(o, origin, "'%s' is a service link, not a port: ignored", eq + 1);
		return true;
	}
	return options_set(o, row->name, eq + 1, origin, e);
}

struct rabbitmq_variable {
	const char *name, *key;
};

static const struct rabbitmq_variable rabbitmq_variables[] = {
	{"RABBITMQ_DEFAULT_USER=", "default_user"},
	{"RABBITMQ_DEFAULT_PASS=", "default_pass"},
	{"RABBITMQ_DEFAULT_VHOST=", "default_vhost"},
	{"RABBITMQ_NODE_PORT=", "amqp.port"},
};

static bool rabbitmq_variable_take(struct options *o, const char *variable, struct error *e)
{
	for (size_t i = 0; i < sizeof rabbitmq_variables / sizeof *rabbitmq_variables; i++) {
		const struct rabbitmq_variable *v = &rabbitmq_variables[i];
		size_t n = strlen(v->name);
		if (strncmp(variable, v->name, n) != 0)
			continue;
		char name[64];
		snprintf(name, sizeof name, "%.*s", (int)n - 1, v->name);
		return options_set(o, v->key, variable + n, (struct option_origin){name, 0}, e);
	}
	return true;
}

static bool environment_read(struct options *o, char *const *environment, struct error *e)
{
	for (char *const *p = environment; *p; p++)
		if (strncmp(*p, "RABBITMQ_", 9) == 0 && !rabbitmq_variable_take(o, *p, e))
			return false;
	for (char *const *p = environment; *p; p++)
		if (strncmp(*p, "MQBRIDGE_", 9) == 0 && !variable_take(o, *p, e))
			return false;
	return true;
}

static bool set_take(struct options *o, const char *text, struct error *e)
{
	const char *eq = strchr(text, '=');
	char key[128];
	if (!eq || eq == text || (size_t)(eq - text) >= sizeof key) {
		error_set(e, CODE_INVALID, "--set %s: not of the form key=value", text);
		return false;
	}
	memcpy(key, text, (size_t)(eq - text));
	key[eq - text] = 0;
	return options_set(o, key, eq + 1, (struct option_origin){"--set", 0}, e);
}

/* What a range of one setting cannot say. */
static bool options_check(const struct options *o, struct error *e)
{
	const char *why = NULL;
	if (o->out_low > o->out_high)
		why = "connection.out_low is above connection.out_high";
	else if (o->out_high > o->out_max)
		why = "connection.out_high is above connection.out_max";
	else if (o->store_low_bytes > o->store_high_bytes)
		why = "engine.store_low_bytes is above engine.store_high_bytes";
	else if (*o->default_key && !*o->default_secret)
		why = "default_key needs default_secret";
	else if (!*o->default_key && *o->default_secret)
		why = "default_secret needs default_key";
	if (why)
		error_set(e, CODE_INVALID, "%s", why);
	return !why;
}

bool options_load(struct options *o, const struct options_sources *s, struct error *e)
{
	for (size_t i = 0; i < s->n_files; i++)
		if (!options_read_file(o, s->files[i], e))
			return false;
	if (s->environment && !environment_read(o, s->environment, e))
		return false;
	for (size_t i = 0; i < s->n_sets; i++)
		if (!set_take(o, s->sets[i], e))
			return false;
	return options_check(o, e);
}
