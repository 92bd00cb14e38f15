/* SPDX-License-Identifier: Apache-2.0 */
/* SNS Subscribe (protocol sqs), ConfirmSubscription, Unsubscribe (sqs-sns.md §13). */
#include "aws/sns_priv.h"

struct subscribing {
	struct view queue; /* true name */
	struct attribute *given;
	size_t n; /* without the hidden one behind them */
};

/* ---- the endpoint ---- */

static bool queue_take(struct aws_call *c, struct view endpoint, struct subscribing *s, struct refusal *f)
{
	struct refusal ignored;
	struct aws_queue queue;
	struct sns_arn arn;
	struct view vhost;

	if (!sns_arn_parse(c, "", endpoint, &arn, &ignored) || arn.n != 6 || !view_is(arn.service, "sqs") ||
	    !arn.resource.n)
		return sns_invalid(c, f, "SQS endpoint ARN");
	if (view_ends(arn.resource, VIEW(".fifo")))
		return sns_invalid(c, f,
				   "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard "
				   "SNS topics");
	if (!sns_vhost_of(c, arn.account, &vhost) || !view_eq(vhost, c->topic.vhost))
		return sns_invalid(c, f, "Endpoint Reason: The queue is not of the topic's account");
	/* It may come later: a subscription to no queue delivers nothing until then. */
	s->queue = aws_queue_named(c, vhost, arn.resource, &queue) ? queue.name : arn.resource;
	return true;
}

static bool endpoint_check(struct aws_call *c, struct view protocol, struct view endpoint, struct subscribing *s,
			   struct refusal *f)
{
	static const char *const known[] = {"http", "https", "email", "email-json", "sms", "sqs", "application",
					    "lambda", "firehose"};
	struct view shown_protocol = shown(c, protocol), shown_endpoint = shown(c, endpoint);
	bool is_known = false;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		is_known |= view_is(protocol, known[i]);
	if (!is_known)
		return sns_invalid(c, f, "Amazon SNS does not support this protocol string: %.*s",
				   VIEW_ARG(shown_protocol));
	if (!endpoint.n)
		return sns_invalid(c, f, "Endpoint");
	if ((view_is(protocol, "http") && !view_starts(endpoint, VIEW("http://"))) ||
	    (view_is(protocol, "https") && !view_starts(endpoint, VIEW("https://"))))
		return sns_invalid(c, f, "Endpoint must match the specified protocol");
	if (view_is(protocol, "sms") && !sns_is_telephone(endpoint))
		return refuse(c, f, FAULT_SNS_PARAMETER, "Invalid SMS endpoint: %.*s", VIEW_ARG(shown_endpoint));
	return !view_is(protocol, "sqs") || queue_take(c, endpoint, s, f);
}

/* ---- the attributes ---- */

static struct view given_find(const struct subscribing *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (view_is(s->given[i].name, name))
			return s->given[i].value;
	return VIEW_NONE;
}

static bool attributes_take(struct aws_call *c, struct subscribing *s, struct refusal *f)
{
	static const char prefix[] = "Attributes Reason: ";
	const struct arg *in = args_get(&c->args, "Attributes");

	s->given = arena_alloc(c->arena, (in->n + 1) * sizeof(*s->given));
	for (size_t i = 0; i < in->n; i++) {
		struct attribute at = in->pairs[i];

		if (!sns_subscription_attribute_check(c, prefix, &at, f))
			return false;
		bool none = at.value.n == 0 || (view_is(at.name, "FilterPolicy") && sns_filter_is_none(at.value));
		if (!none)
			s->given[s->n++] = at;
	}
	return sns_filter_check(c, prefix, given_find(s, "FilterPolicy"), given_find(s, "FilterPolicyScope"), f);
}

/* ---- Subscribe ---- */

struct same {
	struct aws_call *c;
	const struct subscribing *s;
	struct sns_subscription found;
	bool any;
};

static bool same_queue(void *ctx, const struct subscription_stat *stat)
{
	struct same *same = ctx;

	if (stat->bound || !view_eq(stat->queue, same->s->queue))
		return true;
	sns_subscription_copy(same->c, stat, &same->found);
	same->any = true;
	return false;
}

static struct view default_of(struct view name)
{
	return view_is(name, "RawMessageDelivery")  ? VIEW("false")
	       : view_is(name, "FilterPolicyScope") ? VIEW("MessageAttributes")
						    : VIEW_NONE;
}

/* Two policies that differ in their blanks only are the same. */
static bool same_value(struct view a, struct view b)
{
	json_t *x, *y;

	if (view_eq(a, b) || !a.n || !b.n)
		return view_eq(a, b);
	x = json_loadb((const char *)a.p, a.n, 0, NULL);
	y = json_loadb((const char *)b.p, b.n, 0, NULL);
	bool same = x && y && json_equal(x, y);
	json_decref(x);
	json_decref(y);
	return same;
}

/* The engine compares bytes; what equals a default is no difference, and what was not
 * given is not compared (recorded). */
static bool same_find(struct aws_call *c, const struct subscribing *s, struct same *same)
{
	*same = (struct same){.c = c, .s = s};
	engine_subscriptions_each(c->aws->engine, c->topic.vhost, c->topic.name, VIEW_NONE, same_queue, same);
	for (size_t i = 0; same->any && i < s->n; i++) {
		struct view name = s->given[i].name;
		struct view now = sns_subscription_attribute(&same->found, arena_cstr(c->arena, name));

		if (!same_value(now.n ? now : default_of(name), s->given[i].value))
			return false;
	}
	return same->any;
}

static void arn_answer(struct aws_call *c, struct view arn)
{
	reply_begin(c);
	reply_text(c, "SubscriptionArn", arn);
	reply_end(c);
}

static void on_subscribed(struct aws_call *c, const struct event *ev)
{
	const struct error *e = ev->done.error;
	struct refusal f;
	struct same same;

	if (e->code == CODE_OK && ev->done.created) {
		arn_answer(c, view_str(arena_printf(c->arena, "%.*s:%.*s", VIEW_ARG(c->topic.arn),
						    VIEW_ARG(ev->done.name))));
		return;
	}
	if ((e->code == CODE_OK || e->code == CODE_DIFFERENT) && same_find(c, c->state, &same)) {
		arn_answer(c, same.found.arn);
		return;
	}
	if (e->code == CODE_OK || e->code == CODE_DIFFERENT)
		sns_invalid(c, &f, "Attributes Reason: Subscription already exists with different attributes");
	else
		sns_refuse_engine(c, &f, e);
	aws_call_refuse(c, &f);
}

static bool subscribe_check(struct aws_call *c, struct subscribing *s, struct refusal *f)
{
	struct view endpoint = args_get(&c->args, "Endpoint")->text, protocol;

	if (!sns_topic_find(c, "TopicArn", ACCESS_READ, f) || !sns_required(c, "Protocol", &protocol, f) ||
	    !endpoint_check(c, protocol, endpoint, s, f) || !attributes_take(c, s, f))
		return false;
	if (!view_is(protocol, "sqs"))
		return sns_invalid(c, f, "Protocol Reason: %.*s is not offered by this version, sqs is",
				   VIEW_ARG(protocol));
	return sns_may(c, ACCESS_WRITE, c->topic.vhost, s->queue, aws_queue_arn(c, c->topic.vhost, s->queue), f);
}

void sns_subscribe(struct aws_call *c)
{
	struct subscribing *s = arena_alloc(c->arena, sizeof(*s));
	struct refusal f;

	c->state = s;
	if (!subscribe_check(c, s, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	if (!aws_call_engage(c, 1))
		return;
	c->event = on_subscribed;
	s->given[s->n] = (struct attribute){VIEW(SUBSCRIBER_ATTRIBUTE), c->user};
	engine_subscribe(c->aws->engine, c->session->id, c->cmd,
			 &(struct subscription_spec){
				 .topic = c->topic.name,
				 .queue = s->queue,
				 .topic_arn = c->topic.arn,
				 .attributes = s->given,
				 .n_attributes = s->n + 1,
			 });
}

/* ---- ConfirmSubscription: queues need none, so no token is ever right ---- */

enum { TOKEN_CHARS_MIN = 64 };

static bool token_well_formed(struct view token)
{
	if (token.n < TOKEN_CHARS_MIN)
		return false;
	for (size_t i = 0; i < token.n; i++)
		if (!((token.p[i] >= '0' && token.p[i] <= '9') || (token.p[i] >= 'a' && token.p[i] <= 'f')))
			return false;
	return true;
}

static bool confirm_check(struct aws_call *c, struct refusal *f)
{
	struct view arn, token;
	struct sns_arn parsed;

	if (!sns_required(c, "TopicArn", &arn, f) || !sns_required(c, "Token", &token, f) ||
	    !sns_arn_parse(c, "TopicArn", arn, &parsed, f))
		return false;
	if (!token_well_formed(token))
		return refuse(c, f, FAULT_SNS_PARAMETER, "Invalid token");
	return sns_invalid(c, f, "Token");
}

void sns_confirm_subscription(struct aws_call *c)
{
	struct refusal f;

	confirm_check(c, &f);
	aws_call_refuse(c, &f);
}

/* ---- Unsubscribe: of what is not there it is done already ---- */

void sns_unsubscribe(struct aws_call *c)
{
	struct sns_subscription s;
	struct refusal f;

	if (!sns_subscription_find(c, &s, &f) || !sns_subscription_may_change(c, &s, &f)) {
		if (f.fault == FAULT_SNS_SUBSCRIPTION_MISSING) {
			reply_begin(c);
			reply_end(c);
		} else {
			aws_call_refuse(c, &f);
		}
		return;
	}
	if (!aws_call_engage(c, 1))
		return;
	c->event = sns_on_done;
	engine_unsubscribe(c->aws->engine, c->session->id, c->cmd, s.id);
}
