/* SPDX-License-Identifier: Apache-2.0 */
/* The table as data, and how one value is read and kept. */
#include "daemon/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>

#include "base/log.h"

const struct option_row option_rows[OPTIONS] = {
#define SECTION(title)
#define OPTION(field, name, type, def, min, max, doc)                                                      \
	[OPT_##field] = {name, OPTION_##type, offsetof(struct options, field), def, min, max, NULL, doc},
#define CHOICE(field, name, def, words, doc)                                                               \
	[OPT_##field] = {name, OPTION_CHOICE, offsetof(struct options, field), def, 0, 0, words, doc},
#include "daemon/options_table.h"
#undef SECTION
#undef OPTION
#undef CHOICE
};

const struct option_row *option_find(const char *name)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (strcmp(option_rows[i].name, name) == 0)
			return &option_rows[i];
	return NULL;
}

static void *field_of(struct options *o, const struct option_row *row)
{
	return (char *)o + row->offset;
}

static bool number_parse(const char *s, int64_t *v, const char **rest)
{
	char *end;
	errno = 0;
	long long n = strtoll(s, &end, 10);
	if (end == s || errno || (*s != '-' && (*s < '0' || *s > '9')))
		return false;
	*v = n;
	*rest = end;
	return true;
}

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit sizes[] = {
	{"", 1},
	{"b", 1},
	{"k", 1 << 10},
	{"kib", 1 << 10},
	{"m", 1 << 20},
	{"mib", 1 << 20},
	{"g", 1 << 30},
	{"gib", 1 << 30},
	{NULL, 0},
};

static const struct unit times[] = {
	{"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {NULL, 0},
};

static const struct unit ones[] = {{"", 1}, {NULL, 0}};

static bool units_parse(const char *s, const struct unit *units, int64_t *v)
{
	const char *rest;
	if (!number_parse(s, v, &rest))
		return false;
	while (*rest == ' ')
		rest++;
	for (; units->name; units++)
		if (strcasecmp(rest, units->name) == 0)
			return !__builtin_mul_overflow(*v, units->factor, v);
	return false;
}

static bool bool_parse(const char *s, bool *v)
{
	static const char *const words[] = {"no", "yes", "off", "on", "false", "true"};
	for (unsigned i = 0; i < 6; i++)
		if (strcasecmp(s, words[i]) == 0) {
			*v = i & 1;
			return true;
		}
	return false;
}

static int choice_parse(const char *words, const char *s)
{
	size_t n = strlen(s);
	int at = 0;
	for (const char *w = words; *w; at++) {
		size_t wn = strcspn(w, " ");
		if (wn == n && strncmp(w, s, n) == 0)
			return at;
		w += wn;
		w += strspn(w, " ");
	}
	return -1;
}

static bool scalar_assign(struct options *o, const struct option_row *row, const char *value, struct error *e)
{
	const struct unit *units = row->type == OPTION_SIZE ? sizes : row->type == OPTION_TIME ? times : ones;
	int64_t v;
	if (!units_parse(value, units, &v)) {
		error_set(e, CODE_INVALID, "%s: '%s' is not a %s", row->name, value,
			  row->type == OPTION_TIME   ? "time (ms, s, m or h)"
			  : row->type == OPTION_SIZE ? "size (bytes, K, M or G)"
						     : "number");
		return false;
	}
	if (v < row->min || v > row->max) {
		error_set(e, CODE_INVALID, "%s: %s is outside %lld to %lld", row->name, value, (long long)row->min,
			  (long long)row->max);
		return false;
	}
	if (row->type == OPTION_PORT)
		*(int *)field_of(o, row) = (int)v;
	else
		*(int64_t *)field_of(o, row) = v;
	return true;
}

static bool text_assign(struct options *o, const struct option_row *row, const char *value, struct error *e)
{
	size_t n = strlen(value);
	if ((int64_t)n < row->min || (int64_t)n > row->max) {
		error_set(e, CODE_INVALID, "%s: takes %lld to %lld characters, not %zu", row->name,
			  (long long)row->min, (long long)row->max, n);
		return false;
	}
	char **p = field_of(o, row);
	char *copy = strdup(value);
	must(copy);
	free(*p);
	*p = copy;
	return true;
}

static bool is_address(const char *s)
{
	uint8_t room[16];
	return inet_pton(AF_INET, s, room) == 1 || inet_pton(AF_INET6, s, room) == 1;
}

bool option_assign(struct options *o, const struct option_row *row, const char *value, struct error *e)
{
	switch (row->type) {
	case OPTION_ADDRESS:
		if (*value && !is_address(value)) {
			error_set(e, CODE_INVALID, "%s: '%s' is not a numeric address", row->name, value);
			return false;
		}
		/* fall through */
	case OPTION_TEXT:
		if (!text_assign(o, row, value, e))
			return false;
		break;
	case OPTION_BOOL:
		if (!bool_parse(value, field_of(o, row))) {
			error_set(e, CODE_INVALID, "%s: '%s' is not yes or no", row->name, value);
			return false;
		}
		break;
	case OPTION_CHOICE: {
		int at = choice_parse(row->words, value);
		if (at < 0) {
			error_set(e, CODE_INVALID, "%s: '%s' is none of: %s", row->name, value, row->words);
			return false;
		}
		*(int *)field_of(o, row) = at;
		break;
	}
	case OPTION_PORT:
		if (!*value || strcmp(value, "off") == 0 || strcmp(value, "none") == 0) {
			*(int *)field_of(o, row) = PORT_OFF;
			break;
		}
		/* fall through */
	case OPTION_NUMBER:
	case OPTION_SIZE:
	case OPTION_TIME:
		if (!scalar_assign(o, row, value, e))
			return false;
		break;
	}
	o->given[row - option_rows] = true;
	return true;
}

void options_init(struct options *o)
{
	memset(o, 0, sizeof *o);
	for (size_t i = 0; i < OPTIONS; i++) {
		struct error e;
		must(option_assign(o, &option_rows[i], option_rows[i].def, &e));
		o->given[i] = false;
	}
}

void options_fini(struct options *o)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (option_rows[i].type == OPTION_TEXT || option_rows[i].type == OPTION_ADDRESS) {
			char **p = field_of(o, &option_rows[i]);
			free(*p);
			*p = NULL;
		}
}

static bool same_value(const struct options *a, const struct options *b, const struct option_row *row)
{
	const char *x = (const char *)a + row->offset, *y = (const char *)b + row->offset;
	switch (row->type) {
	case OPTION_TEXT:
	case OPTION_ADDRESS:
		return strcmp(*(char *const *)(const void *)x, *(char *const *)(const void *)y) == 0;
	case OPTION_BOOL:
		return *(const bool *)x == *(const bool *)y;
	case OPTION_PORT:
	case OPTION_CHOICE:
		return memcmp(x, y, sizeof(int)) == 0;
	default:
		return memcmp(x, y, sizeof(int64_t)) == 0;
	}
}

size_t options_compare(const struct options *a, const struct options *b, bool differs[OPTIONS])
{
	size_t n = 0;
	for (size_t i = 0; i < OPTIONS; i++) {
		differs[i] = !same_value(a, b, &option_rows[i]);
		n += differs[i];
	}
	return n;
}

static int follow(const struct options *o, enum option_id id, int own, int leader)
{
	return !o->given[id] && leader <= 0 ? leader : own;
}

int options_stomp_ws_port(const struct options *o)
{
	return follow(o, OPT_stomp_ws_port, o->stomp_ws_port, o->stomp_port);
}

int options_metrics_port(const struct options *o)
{
	return follow(o, OPT_metrics_port, o->metrics_port, o->admin_port);
}

const char *options_host(const struct options *o, const char *own)
{
	return *own ? own : o->host;
}

bool options_loopback_user(const struct options *o, const char *name)
{
	size_t n = strlen(name);
	for (const char *p = o->loopback_users; *p;) {
		size_t len = strcspn(p, ",");
		if (len == n && strncmp(p, name, n) == 0)
			return true;
		p += len;
		p += strspn(p, ", ");
	}
	return false;
}

void options_warn(struct options *o, struct option_origin origin, const char *fmt, ...)
{
	char text[512], line[32] = "", whole[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (origin.line)
		snprintf(line, sizeof line, ":%d", origin.line);
	snprintf(whole, sizeof whole, "%s%s: %s", origin.file, line, text);
	if (o->warn)
		o->warn(o->warn_ctx, whole);
	else
		fprintf(stderr, "mqbridge: warning: %s\n", whole);
}
