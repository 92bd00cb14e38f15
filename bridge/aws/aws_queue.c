/* SPDX-License-Identifier: Apache-2.0 */
/* Queues of a request: URLs in and out, ARNs, numbers among their attributes. */
#include "aws/aws_priv.h"

#include "mapping/names.h"

bool aws_queue_named(struct aws_call *c, struct view vhost, struct view name, struct aws_queue *out)
{
	struct queue_stat stat;
	struct view true_name = name;

	engine_queue_by_wire(c->aws->engine, vhost, name, &true_name);
	if (!engine_queue_stat(c->aws->engine, vhost, true_name, &stat))
		return false;
	out->name = arena_copy(c->arena, stat.name);
	out->vhost = vhost;
	out->uid = stat.uid;
	return true;
}

/* The vhost behind the account of a URL. What is no account id (a bare name,
 * /queue/NAME) means the caller's own. */
static bool vhost_of(struct aws_call *c, struct view account, struct view *vhost)
{
	*vhost = c->vhost;
	if (account.n != ACCOUNT_DIGITS)
		return true;
	for (size_t i = 0; i < account.n; i++)
		if (account.p[i] < '0' || account.p[i] > '9')
			return true;
	if (!access_vhost_of_account(c->aws->access, account, vhost))
		return false;
	*vhost = arena_copy(c->arena, *vhost);
	return true;
}

bool aws_queue_resolve(struct aws_call *c, struct view url, struct aws_queue *out, struct refusal *f)
{
	struct view account = VIEW_NONE, vhost, name = url;
	struct buf *decoded = &c->aws->scratch;

	/* sqs-sns.md 1.5; a bare queue name is taken as one */
	if (memchr(url.p, '/', url.n)) {
		if (!name_from_queue_url(url, &account, decoded))
			return refuse(c, f, FAULT_QUEUE_MISSING, NULL);
		name = buf_view(decoded);
	}
	if (!vhost_of(c, account, &vhost) || !aws_queue_named(c, vhost, name, out))
		return refuse(c, f, FAULT_QUEUE_MISSING, NULL);
	return true;
}

struct view aws_queue_url(struct aws_call *c, struct view vhost, struct view true_name)
{
	char wire[NAME_TOPIC_MAX + 1];
	const char *account = access_vhost_account(c->aws->access, vhost);
	struct view host = http_header_find(c->r, "Host");

	name_to_wire(NAME_QUEUE, true_name, false, wire);
	if (!account)
		account = "000000000000";
	if (c->aws->o.public_url.n)
		return view_str(arena_printf(c->arena, "%.*s/%s/%s", VIEW_ARG(c->aws->o.public_url), account,
					     wire));
	if (host.n == 0)
		host = VIEW("localhost");
	return view_str(arena_printf(c->arena, "http://%.*s/%s/%s", VIEW_ARG(host), account, wire));
}

struct view aws_queue_arn(struct aws_call *c, struct view vhost, struct view true_name)
{
	char wire[NAME_TOPIC_MAX + 1];
	const char *account = access_vhost_account(c->aws->access, vhost);
	struct buf *out = &c->aws->scratch;

	name_to_wire(NAME_QUEUE, true_name, false, wire);
	buf_clear(out);
	name_arn(out, NAME_QUEUE, c->region, view_str(account ? account : "000000000000"), view_str(wire));
	return arena_copy(c->arena, buf_view(out));
}

int64_t aws_queue_number(struct aws_call *c, const struct aws_queue *q, const char *name, int64_t fallback)
{
	struct view text;
	int64_t v;

	if (engine_queue_attribute(c->aws->engine, q->vhost, q->name, view_str(name), &text) &&
	    arg_int_parse(text, &v))
		return v;
	return fallback;
}
