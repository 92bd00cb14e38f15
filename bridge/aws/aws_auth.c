/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls: the user and vhost of the access key named in the request, the
 * region of its scope (sqs-sns.md §9). Any region is accepted. The key id names
 * the caller; its secret is not asked for here. */
#include "aws/aws_priv.h"

#include <ctype.h>

#include "mapping/names.h"

enum { REGION_CHARS_MAX = 64 };

/* Cuts what is behind the last slash off *v. */
static bool cut(struct view *v, struct view *part)
{
	const uint8_t *slash = v->n ? memrchr(v->p, '/', v->n) : NULL;

	if (!slash)
		return false;
	size_t at = (size_t)(slash - v->p);
	*part = view_skip(*v, at + 1);
	v->n = at;
	return true;
}

/* KEY/DATE/REGION/SERVICE/aws4_request; a key id may hold slashes itself. */
static bool credential_split(struct view credential, struct view *key, struct view *region,
			     struct view *service)
{
	struct view end, date;

	if (!cut(&credential, &end) || !view_is(end, "aws4_request") || !cut(&credential, service) ||
	    !cut(&credential, region) || !cut(&credential, &date) || credential.n == 0)
		return false;
	*key = credential;
	return true;
}

static struct view credential_of_header(struct view header)
{
	const uint8_t *at = memmem(header.p, header.n, "Credential=", 11);

	if (!at)
		return VIEW_NONE;
	struct view v = view_skip(header, (size_t)(at - header.p) + 11);
	size_t n = 0;
	while (n < v.n && v.p[n] != ',' && !isspace(v.p[n]))
		n++;
	return view_head(v, n);
}

static struct view credential_of_query(const struct aws_call *c)
{
	for (size_t i = 0; i < c->n_pairs; i++)
		if (view_is(c->pairs[i].name, "X-Amz-Credential"))
			return c->pairs[i].value;
	return VIEW_NONE;
}

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

bool aws_auth(struct aws_call *c, struct refusal *f)
{
	struct view header = http_header_find(c->r, "Authorization");
	struct view credential = header.n ? credential_of_header(header) : credential_of_query(c);
	struct view key, region, service;
	struct access_key found;

	if (header.n == 0 && credential.n == 0)
		return anonymous(c, f);
	if (!credential_split(credential, &key, &region, &service))
		return refuse(c, f, FAULT_SIGNATURE_INCOMPLETE, NULL);
	if (view_is(service, "sns"))
		c->service = AWS_SNS;
	if (!access_key_find(c->aws->access, key, &found) || !may_come_from_there(c, found.user))
		return refuse(c, f, FAULT_TOKEN_ID, NULL);
	c->user = arena_copy(c->arena, found.user);
	c->vhost = arena_copy(c->arena, found.vhost);
	c->region = region.n && region.n <= REGION_CHARS_MAX ? region : c->aws->o.region;
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
