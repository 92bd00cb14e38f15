/* SPDX-License-Identifier: Apache-2.0 */
/* May this user do that to this name? (rabbitmq.md 5.1) Expressions are PCRE2,
 * searched unanchored, compiled at their first question, bounded in steps and
 * memory: one that runs into a bound does not match. Answers are kept in a
 * direct-mapped table of exact questions. */
#include "access/access_priv.h"

#include <stdlib.h>

#include "base/log.h"

struct decision {
	const struct permission *of; /* NULL: free */
	uint8_t verb, name_n;
	bool allowed;
	uint8_t name[TEXT_MAX];
};

struct decision *decisions_new(uint32_t n)
{
	return mem_zalloc(n * sizeof(struct decision));
}

void decisions_flush(struct access *a)
{
	for (uint32_t i = 0; i < a->o.decisions_max; i++)
		a->decisions[i].of = NULL;
}

/* NULL and *e: does not compile. */
static pcre2_code *pattern_compile(struct view text, const char *what, struct error *e)
{
	PCRE2_UCHAR message[128];
	PCRE2_SIZE at;
	int failed;
	pcre2_code *code = pcre2_compile(text.p, text.n, 0, &failed, &at, NULL);

	if (!code) {
		pcre2_get_error_message(failed, message, sizeof message);
		error_set(e, CODE_INVALID, "%s: %s at offset %zu", what, (const char *)message, at);
	}
	return code;
}

enum code pattern_check(const struct access *a, struct view text, const char *what, struct error *e)
{
	pcre2_code *code;

	if (text.n > a->o.pattern_max)
		return error_set(e, CODE_INVALID, "%s: longer than %u bytes", what, a->o.pattern_max);
	if (memchr(text.n ? text.p : (const uint8_t *)"-", 0, text.n))
		return error_set(e, CODE_INVALID, "%s: holds a NUL", what);
	code = pattern_compile(text, what, e);
	if (!code)
		return CODE_INVALID;
	pcre2_code_free(code);
	return CODE_OK;
}

void pattern_init(struct pattern *p, struct view text)
{
	p->text = text_dup(text);
	p->kind = text.n == 0 ? PATTERN_NOTHING : view_is(text, ".*") ? PATTERN_ALL : PATTERN_REGEX;
	p->code = NULL;
}

void pattern_fini(struct pattern *p)
{
	text_free(p->text);
	pcre2_code_free(p->code);
}

struct view permission_key(struct view user, struct view vhost, uint8_t bytes[2 * TEXT_MAX + 1])
{
	if (!user.n || !vhost.n || user.n > TEXT_MAX || vhost.n > TEXT_MAX || memchr(user.p, 0, user.n))
		return VIEW_NONE;
	memcpy(bytes, user.p, user.n);
	bytes[user.n] = 0;
	memcpy(bytes + user.n + 1, vhost.p, vhost.n);
	return view_of(bytes, user.n + 1 + vhost.n);
}

struct permission *permission_find(const struct access *a, struct view user, struct view vhost)
{
	uint8_t bytes[2 * TEXT_MAX + 1];
	struct view key = permission_key(user, vhost, bytes);

	return key.n ? mapv_find(&a->permissions, key) : NULL;
}

static bool pattern_matches(struct access *a, const struct permission *p, struct pattern *pattern,
			    struct view name)
{
	static const uint8_t none[1];
	struct error e;
	int n;

	if (!pattern->code) {
		pattern->code = pattern_compile(pattern->text, "permission", &e);
		if (!pattern->code) {
			log_warn("access.pattern", "user=\"%.*s\" vhost=\"%.*s\" reason=\"%s\"",
				 VIEW_ARG(p->user), VIEW_ARG(p->vhost), e.text);
			pattern->kind = PATTERN_NOTHING;
			return false;
		}
	}
	n = pcre2_match(pattern->code, name.n ? name.p : none, name.n, 0, 0, a->match, a->match_limits);
	if (n < 0 && n != PCRE2_ERROR_NOMATCH)
		log_warn("access.pattern_limit", "user=\"%.*s\" vhost=\"%.*s\" pcre2=%d", VIEW_ARG(p->user),
			 VIEW_ARG(p->vhost), n);
	return n >= 0;
}

static bool decide(struct access *a, struct permission *p, enum access_verb verb, struct view name)
{
	struct decision *d;
	uint64_t hash;

	if (name.n > TEXT_MAX)
		return pattern_matches(a, p, &p->of[verb], name);
	hash = hash_view(name) ^ ((uint64_t)(uintptr_t)p >> 4) ^ (uint64_t)verb << 20;
	d = &a->decisions[hash % a->o.decisions_max];
	if (d->of == p && d->verb == (uint8_t)verb && view_eq(view_of(d->name, d->name_n), name))
		return d->allowed;
	d->allowed = pattern_matches(a, p, &p->of[verb], name);
	d->of = p;
	d->verb = (uint8_t)verb;
	d->name_n = (uint8_t)name.n;
	if (name.n)
		memcpy(d->name, name.p, name.n);
	return d->allowed;
}

bool access_may(struct access *a, struct view user, struct view vhost, enum access_verb verb,
		struct view name)
{
	struct permission *p = permission_find(a, user, vhost);

	if (!p)
		return false;
	switch (p->of[verb].kind) {
	case PATTERN_NOTHING:
		return false;
	case PATTERN_ALL:
		return true;
	case PATTERN_REGEX:
		return decide(a, p, verb, name);
	}
	return false;
}

bool access_may_enter(const struct access *a, struct view user, struct view vhost)
{
	return permission_find(a, user, vhost) != NULL;
}
