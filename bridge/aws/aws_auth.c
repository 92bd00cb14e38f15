/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls: the user and vhost of the access key that signed the request, the
 * region of its scope (sqs-sns.md §9). Any region is accepted. Signing keys of
 * requests that proved right are kept: deriving one costs four hashes more. */
#include "aws/aws_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aws/aws_sigv4.h"
#include "base/crypto.h"
#include "mapping/names.h"

enum {
	REGION_CHARS_MAX = 64,
	SIGNING_KEYS_MAX = 1024,
	SKEW_MS = 15 * 60 * 1000,
};

/* ---- signing keys ---- */

struct signing_key {
	struct view id, secret; /* behind the struct */
	uint8_t key[32];
};

static void signing_key_free(struct signing_key *k)
{
	explicit_bzero(k, sizeof(*k) + k->id.n + k->secret.n);
	free(k);
}

void aws_signing_keys_free(struct aws *a)
{
	struct signing_key *k;
	size_t at = 0;

	while ((k = mapv_next(&a->signing_keys, &at)))
		signing_key_free(k);
	mapv_fini(&a->signing_keys);
	a->signing_keys = (struct mapv){0};
}

static void signing_key_keep(struct aws *a, struct view id, struct view secret, const uint8_t key[32])
{
	struct signing_key *old = mapv_remove(&a->signing_keys, id);
	struct signing_key *k = mem_zalloc(sizeof(*k) + id.n + secret.n);
	uint8_t *behind = (uint8_t *)(k + 1);

	if (old)
		signing_key_free(old);
	if (a->signing_keys.n >= SIGNING_KEYS_MAX)
		aws_signing_keys_free(a);
	k->id = view_of(behind, id.n);
	k->secret = view_of(behind + id.n, secret.n);
	view_put(behind, id);
	view_put(behind + id.n, secret);
	memcpy(k->key, key, sizeof(k->key));
	mapv_put(&a->signing_keys, k->id, k);
}

/* ---- the signature ---- */

static bool matches(struct aws_call *c, const struct sigv4_request *r, const struct sigv4 *s,
		    const uint8_t key[32], bool normalize)
{
	struct buf *b = &c->aws->scratch;
	uint8_t hash[32];
	char hex[SIGV4_HEX + 1];

	buf_clear(b);
	sigv4_canonical(r, s, normalize, c->arena, b);
	if (b->overflow)
		return false;
	crypto_sha256(buf_view(b), hash);
	buf_clear(b);
	sigv4_string_to_sign(s, hash, b);
	sigv4_signature(key, buf_view(b), hex);
	return s->signature.n == SIGV4_HEX && crypto_equal(s->signature.p, (const uint8_t *)hex, SIGV4_HEX);
}

static bool signature_check(struct aws_call *c, const struct sigv4_request *r, const struct sigv4 *s,
			    struct view secret, struct refusal *f)
{
	const struct signing_key *known = mapv_find(&c->aws->signing_keys, s->id);
	uint8_t key[32];
	bool kept = known && view_eq(known->secret, secret);

	if (kept)
		memcpy(key, known->key, sizeof(key));
	else
		sigv4_signing_key(secret, s, key);
	/* Go's signer leaves the path as it is. */
	bool ok = matches(c, r, s, key, true) || (sigv4_path_differs(r) && matches(c, r, s, key, false));
	if (ok && !kept)
		signing_key_keep(c->aws, s->id, secret, key);
	explicit_bzero(key, sizeof(key));
	return ok || refuse(c, f, FAULT_SIGNATURE, NULL);
}

static bool scope_check(struct aws_call *c, const struct sigv4 *s, struct refusal *f)
{
	const char *service = c->service == AWS_SNS ? "sns" : "sqs";
	struct view date = shown(c, s->date), end = shown(c, s->terminator);

	if (!view_is(s->service, service))
		return refuse(c, f, FAULT_SIGNATURE, "Credential should be scoped to correct service: '%s'. ", service);
	if (!view_is(s->terminator, "aws4_request"))
		return refuse(c, f, FAULT_SIGNATURE,
			      "Credential should be scoped with a valid terminator: 'aws4_request', not '%.*s'.",
			      VIEW_ARG(end));
	if (view_eq(s->date, view_of(s->time, 8)))
		return true;
	return refuse(c, f, FAULT_SIGNATURE,
		      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
		      "'%.*s' != '%.8s', from '%s'.",
		      VIEW_ARG(date), s->time, s->time);
}

static bool time_check(struct aws_call *c, const struct sigv4 *s, struct refusal *f)
{
	int64_t now = c->now.wall_ms;
	char wall[SIGV4_TIME + 1], edge[SIGV4_TIME + 1];

	sigv4_time(now, wall);
	if (s->at_ms > now + SKEW_MS) {
		sigv4_time(now + SKEW_MS, edge);
		return refuse(c, f, FAULT_SIGNATURE, "Signature not yet current: %s is still later than %s (%s + 15 min.)",
			      s->time, edge, wall);
	}
	if (s->form == SIGV4_QUERY)
		return now <= s->at_ms + s->expires_s * 1000 || refuse(c, f, FAULT_EXPIRED, NULL);
	if (s->at_ms >= now - SKEW_MS)
		return true;
	sigv4_time(now - SKEW_MS, edge);
	return refuse(c, f, FAULT_SIGNATURE, "Signature expired: %s is now earlier than %s (%s - 15 min.)", s->time, edge,
		      wall);
}

/* ---- who ---- */

/* The default user comes from this machine only. */
static bool may_come_from_there(const struct aws_call *c, struct view user)
{
	struct access_user u;

	return c->r->loopback || (access_user_find(c->aws->access, user, &u) && !u.loopback_only);
}

static bool anonymous(struct aws_call *c, struct refusal *f)
{
	if (!c->aws->o.anonymous)
		return refuse(c, f, FAULT_TOKEN_MISSING, NULL);
	c->user = c->aws->o.anonymous_user;
	c->vhost = c->aws->o.anonymous_vhost;
	c->region = c->aws->o.region;
	return true;
}

/* Without a signature to check: the credential alone, wherever it stands. */
static bool credential_find(struct aws_call *c, const struct sigv4_request *r, struct sigv4 *s)
{
	struct view v = http_header_find(c->r, "Authorization");
	const uint8_t *at = v.n ? memmem(v.p, v.n, "Credential=", 11) : NULL;

	if (v.n && !at)
		return false;
	if (at) {
		v = view_skip(v, (size_t)(at - v.p) + 11);
		for (size_t n = 0; n < v.n; n++)
			if (v.p[n] == ',' || v.p[n] == ' ')
				v.n = n;
		return sigv4_credential(v, s);
	}
	for (size_t i = 0; i < r->n_query; i++)
		if (view_is(r->query[i].name, "X-Amz-Credential"))
			v = r->query[i].value;
	return v.n && sigv4_credential(v, s);
}

/* The form of what was sent; *s filled as far as the settings need it. */
static bool signature_take(struct aws_call *c, const struct sigv4_request *r, struct sigv4 *s, struct refusal *f)
{
	const char *wrong = sigv4_parse(r, s);

	if (s->form == SIGV4_NONE || !wrong)
		return true;
	if (c->aws->o.signatures_unchecked && credential_find(c, r, s))
		return true;
	return refuse(c, f, FAULT_SIGNATURE_INCOMPLETE, "%s", wrong);
}

bool aws_auth(struct aws_call *c, struct refusal *f)
{
	struct sigv4_request r = {c->r->method,	   c->r->path,	c->r->body, c->r->headers,
				  c->r->n_headers, c->pairs, c->n_query};
	bool unchecked = c->aws->o.signatures_unchecked;
	struct access_key found;
	struct sigv4 s;

	if (!signature_take(c, &r, &s, f))
		return false;
	if (s.form == SIGV4_NONE)
		return anonymous(c, f);
	if (view_is(s.service, "sns"))
		c->service = AWS_SNS;
	/* Nobody here hands out session tokens. */
	if (sigv4_session_token(&r).n && !unchecked)
		return refuse(c, f, FAULT_TOKEN_ID, NULL);
	if (!access_key_find(c->aws->access, s.key, &found) || !may_come_from_there(c, found.user))
		return refuse(c, f, FAULT_TOKEN_ID, NULL);
	if (!unchecked && !(scope_check(c, &s, f) && time_check(c, &s, f) && signature_check(c, &r, &s, found.secret, f)))
		return false;
	c->user = arena_copy(c->arena, found.user);
	c->vhost = arena_copy(c->arena, found.vhost);
	c->region = s.region.n && s.region.n <= REGION_CHARS_MAX ? s.region : c->aws->o.region;
	return true;
}

bool aws_may_see(struct aws_call *c, struct view vhost, struct view name)
{
	struct access *a = c->aws->access;

	return access_may(a, c->user, vhost, ACCESS_READ, name) ||
	       access_may(a, c->user, vhost, ACCESS_WRITE, name) ||
	       access_may(a, c->user, vhost, ACCESS_CONFIGURE, name);
}

bool aws_may(struct aws_call *c, enum access_verb verb, struct view vhost, struct view name,
	     enum aws_service service, struct refusal *f)
{
	if (access_may(c->aws->access, c->user, vhost, verb, name))
		return true;

	const char *account = access_vhost_account(c->aws->access, vhost);
	struct view user = shown(c, c->user), arn = aws_queue_arn(c, vhost, name);

	return refuse(c, f, FAULT_ACCESS,
		      "User: arn:aws:iam::%s:user/%.*s is not authorized to perform: %s:%s on resource: %.*s",
		      account ? account : "000000000000", VIEW_ARG(user), service == AWS_SNS ? "sns" : "sqs",
		      c->action->name, VIEW_ARG(arn));
}
