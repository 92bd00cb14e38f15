/* SPDX-License-Identifier: Apache-2.0 */
/* The head itself and the life of a call, from request to answer. */
#include "aws/aws_priv.h"

#include <stdlib.h>
#include <strings.h>

#include "base/log.h"

enum {
	HEAD_BYTES_MAX = 64 * 1024,
	/* 1 MiB of text in its longest escaped forms */
	REQUEST_BYTES_MAX = 8 * 1024 * 1024,
	REPLY_BYTES_KEPT = 4 * 1024 * 1024,
	SCRATCH_BYTES_MAX = 16 * 1024 * 1024,
	IDLE_MS = 60 * 1000,
};
/* More than a body of the broker's largest size, escaped. */
#define REPLY_BYTES_MAX ((size_t)4 << 30)

/* ---- calls ---- */

static struct aws_call *call_new(struct aws *a, struct http_request *r, struct now now)
{
	struct link *l = list_first(&a->free_calls);
	struct aws_call *c;

	if (l) {
		list_remove(l);
		c = LIST_ENTRY(l, struct aws_call, link);
	} else {
		c = mem_alloc(sizeof(*c));
	}
	*c = (struct aws_call){.aws = a, .r = r, .arena = r->arena, .now = now};
	list_init(&c->link);
	list_push_back(&a->calls, &c->link);
	r->ctx = c;

	uint8_t id[16];
	rng_uuid(a->rng, id);
	uuid_format(id, c->request_id);
	return c;
}

static void call_end(struct aws_call *c)
{
	if (c->session)
		aws_session_give(c->session);
	list_remove(&c->link);
	list_push_back(&c->aws->free_calls, &c->link);
}

static void call_settle(struct aws_call *c)
{
	if (c->waiting == 0) {
		must(!c->r);
		call_end(c);
	}
}

void aws_call_answer(struct aws_call *c, int status, const char *query_error, struct view body)
{
	struct http_header headers[3] = {
		{VIEW("x-amzn-RequestId"), view_str(c->request_id)},
		{VIEW("Content-Type"),
		 c->wire == WIRE_JSON ? VIEW("application/x-amz-json-1.0") : VIEW("text/xml")},
		{VIEW("x-amzn-query-error"), view_str(query_error)},
	};
	struct http_request *r = c->r;

	must(r);
	c->r = NULL;
	r->ctx = NULL;
	http_respond(r, status, headers, query_error ? 3 : 2, body);
	if (c->aws->reply.cap > REPLY_BYTES_KEPT)
		buf_fini(&c->aws->reply);
}

bool aws_call_engage(struct aws_call *c, size_t n)
{
	struct aws *a = c->aws;
	struct view vhost = c->queue.vhost.n ? c->queue.vhost : c->topic.vhost.n ? c->topic.vhost : c->vhost;

	c->session = aws_session_take(a, c->user, vhost);
	if (!c->session) {
		aws_call_refuse(c, &(struct refusal){.fault = FAULT_INTERNAL});
		return false;
	}
	c->session->call = c;
	c->cmd = a->next_cmd;
	a->next_cmd += n;
	c->n_cmds = n;
	c->waiting = n;
	return true;
}

void aws_call_event(struct aws_call *c, const struct event *ev)
{
	uint64_t id = ev->kind == EVENT_DONE	     ? ev->done.cmd
		      : ev->kind == EVENT_PUBLISHED ? ev->published.tag
						    : ev->received.cmd;

	if (id - c->cmd >= c->n_cmds)
		return; /* of the call that had the session before */
	must(c->waiting > 0);
	c->waiting--;
	if (c->r)
		c->event(c, ev);
	call_settle(c);
}

void aws_call_waited(struct aws_call *c, void (*then)(struct aws_call *c))
{
	must(c->waiting > 0 && c->r);
	c->waiting--;
	then(c);
	call_settle(c);
}

void aws_on_done(struct aws_call *c, const struct event *ev)
{
	struct refusal f;

	if (ev->done.error->code != CODE_OK) {
		refuse_engine(c, &f, ev->done.error);
		aws_call_refuse(c, &f);
		return;
	}
	reply_begin(c);
	reply_end(c);
}

/* ---- requests ---- */

static bool has_prefix_nocase(struct view v, const char *prefix)
{
	size_t n = strlen(prefix);

	return v.n >= n && strncasecmp((const char *)v.p, prefix, n) == 0;
}

/* sqs-sns.md 1.1: the content type or X-Amz-Target selects AWS JSON. */
static struct view wire_detect(struct aws_call *c)
{
	struct view type = http_header_find(c->r, "Content-Type");
	struct view target = http_header_find(c->r, "X-Amz-Target");
	const uint8_t *dot = target.n ? memchr(target.p, '.', target.n) : NULL;

	if (has_prefix_nocase(target, "AmazonSimpleNotificationService") || has_prefix_nocase(target, "AmazonSNS"))
		c->service = AWS_SNS;
	c->wire = target.n || has_prefix_nocase(type, "application/x-amz-json") ? WIRE_JSON : WIRE_QUERY;
	return dot ? view_skip(target, (size_t)(dot - target.p) + 1) : VIEW_NONE;
}

static struct view pair_find(const struct aws_call *c, const char *name)
{
	for (size_t i = 0; i < c->n_pairs; i++)
		if (view_is(c->pairs[i].name, name))
			return c->pairs[i].value;
	return VIEW_NONE;
}

/* No action of SQS or SNS has compressed requests in its model, so no SDK sends them. */
static bool encoding_check(struct aws_call *c, struct refusal *f)
{
	struct view encoding = http_header_find(c->r, "Content-Encoding");
	struct view v = shown(c, encoding);

	return !encoding.n || has_prefix_nocase(encoding, "identity") ||
	       refuse(c, f, FAULT_SERIALIZATION, "Content-Encoding %.*s is not supported.", VIEW_ARG(v));
}

/* The query string; the signature may be in it. */
static bool query_decode(struct aws_call *c, struct refusal *f)
{
	struct http_pair *query = NULL;
	int n = c->r->query.n ? http_form_decode(c->r->query, c->arena, &query) : 0;

	if (n < 0)
		return refuse(c, f, FAULT_MALFORMED_QUERY, NULL);
	c->pairs = query;
	c->n_pairs = c->n_query = (size_t)n;
	return true;
}

/* The form of a Query request, behind what the query string had. */
static bool form_decode(struct aws_call *c, struct refusal *f)
{
	struct http_pair *form = NULL;
	int n = c->wire == WIRE_QUERY && c->r->body.n ? http_form_decode(c->r->body, c->arena, &form) : 0;

	if (n < 0)
		return refuse(c, f, FAULT_MALFORMED_QUERY, NULL);
	if (n == 0)
		return true;
	struct http_pair *all = arena_alloc(c->arena, (c->n_query + (size_t)n) * sizeof(*all));
	if (c->n_query)
		memcpy(all, c->pairs, c->n_query * sizeof(*all));
	memcpy(all + c->n_query, form, (size_t)n * sizeof(*all));
	c->pairs = all;
	c->n_pairs = c->n_query + (size_t)n;
	return true;
}

static bool action_detect(struct aws_call *c, struct view target, struct refusal *f)
{
	struct view name = c->wire == WIRE_JSON ? target : pair_find(c, "Action");

	if (c->wire == WIRE_QUERY && view_is(pair_find(c, "Version"), "2010-03-31"))
		c->service = AWS_SNS;
	if (name.n == 0)
		return refuse(c, f, FAULT_MISSING_ACTION, NULL);
	c->action = aws_action_find(c->service, name);
	if (c->action)
		return true;
	name = shown(c, name);
	return refuse(c, f, FAULT_ACTION, "The action %.*s is not valid for this endpoint.", VIEW_ARG(name));
}

/* The queue an action works on: QueueUrl, else the path (sqs-sns.md 1.1). */
static bool queue_find(struct aws_call *c, struct refusal *f)
{
	const struct arg *url = args_get(&c->args, "QueueUrl");
	struct view from = url->set && url->text.n ? url->text : VIEW_NONE;

	if (from.n == 0 && c->r->path.n > 1)
		from = c->r->path;
	if (from.n == 0)
		return refuse_missing(c, f, "QueueUrl");
	if (!aws_queue_resolve(c, from, &c->queue, f))
		return false;
	return (c->action->scope == ON_QUEUE_SEEN && aws_may_see(c, c->queue.vhost, c->queue.name)) ||
	       aws_may(c, c->action->verb, c->queue.vhost, c->queue.name, c->service, f);
}

static bool call_prepare(struct aws_call *c, struct refusal *f)
{
	struct view target = wire_detect(c);

	if (!encoding_check(c, f) || !query_decode(c, f) || !(aws_link(c) || aws_auth(c, f)) || !form_decode(c, f) ||
	    !action_detect(c, target, f))
		return false;
	if (!(c->wire == WIRE_JSON ? args_from_json(c, f) : args_from_query(c, f)))
		return false;
	return c->action->scope == ON_ACCOUNT || queue_find(c, f);
}

static void call_run(struct aws_call *c)
{
	struct refusal f = {0};

	if (!call_prepare(c, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	if (c->action->verb == ACCESS_WRITE)
		http_publishes(c->r);
	c->action->run(c);
}

static void on_request(void *env, struct http_request *r, struct now now)
{
	struct aws_call *c = call_new(env, r, now);

	if (!aws_certificate(c))
		call_run(c);
	call_settle(c);
}

static void on_cancelled(void *env, struct http_request *r)
{
	struct aws_call *c = r->ctx;

	(void)env;
	c->r = NULL;
	if (c->cancel)
		c->cancel(c);
	call_settle(c);
}

/* ---- the head ---- */

struct aws *aws_new(const struct aws_options *o, struct engine *engine, struct access *access,
		    const struct codecs *codecs, struct rng *rng)
{
	struct aws *a = mem_zalloc(sizeof(*a));

	a->o = *o;
	a->engine = engine;
	a->access = access;
	a->codecs = codecs;
	a->rng = rng;
	a->next_cmd = 1;
	if (!a->o.sns_message_bytes_max)
		a->o.sns_message_bytes_max = SNS_MESSAGE_BYTES_MAX;
	if (!a->o.filter.keys_max)
		filter_limits_default(&a->o.filter);
	if (o->signer)
		aws_certificate_path(o->signer, a->certificate_path);
	a->service = (struct http_service){
		.env = a,
		.head_max = HEAD_BYTES_MAX,
		.body_max = o->request_bytes_max ? o->request_bytes_max : REQUEST_BYTES_MAX,
		.idle_ms = o->idle_ms ? o->idle_ms : IDLE_MS,
		.request = on_request,
		.cancelled = on_cancelled,
	};
	list_init(&a->calls);
	list_init(&a->free_calls);
	list_init(&a->handovers);
	list_init(&a->recent_order);
	buf_init(&a->reply, REPLY_BYTES_MAX);
	buf_init(&a->scratch, SCRATCH_BYTES_MAX);
	return a;
}

void aws_free(struct aws *a)
{
	if (!a)
		return;
	LIST_EACH(&a->calls, l) {
		struct aws_call *c = LIST_ENTRY(l, struct aws_call, link);

		if (c->session)
			c->session->call = NULL;
		call_end(c);
	}
	LIST_EACH(&a->free_calls, f)
		free(LIST_ENTRY(f, struct aws_call, link));
	aws_handovers_free(a);
	aws_accounts_free(a);
	aws_guesses_free(a);
	aws_recent_free(a);
	aws_signing_keys_free(a);
	buf_fini(&a->reply);
	buf_fini(&a->scratch);
	free(a);
}

struct http_service *aws_service(struct aws *a)
{
	return &a->service;
}

void aws_counters(const struct aws *a, struct aws_counters *out)
{
	*out = a->counters;
}
