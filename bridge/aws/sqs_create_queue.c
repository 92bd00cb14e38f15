/* SPDX-License-Identifier: Apache-2.0 */
/* SQS CreateQueue: idempotent when every attribute given equals what is there. */
#include "aws/aws_priv.h"

struct creation {
	struct view name; /* true name */
	struct attribute_list given; /* attributes */
	struct view tags;            /* packed, of a queue that is not there yet */
};

static bool name_check(struct aws_call *c, struct view name, struct refusal *f)
{
	bool ok = name.n > 0 && name.n <= 80;

	if (name.n == 0 && !args_get(&c->args, "QueueName")->set)
		return refuse_missing(c, f, "QueueName");
	if (view_ends(name, VIEW(".fifo")))
		name.n -= 5; /* judged with the attributes */
	for (size_t i = 0; ok && i < name.n; i++)
		ok = (name.p[i] >= '0' && name.p[i] <= '9') || (name.p[i] >= 'A' && name.p[i] <= 'Z') ||
		     (name.p[i] >= 'a' && name.p[i] <= 'z') || name.p[i] == '-' || name.p[i] == '_';
	return ok || refuse(c, f, FAULT_PARAMETER,
			    "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
}

/* AWS names one attribute that differs. */
static void exists_differently(struct aws_call *c, const struct creation *cr, struct refusal *f)
{
	for (size_t i = 0; i < cr->given.n; i++) {
		struct view now = VIEW_NONE;

		engine_queue_attribute(c->aws->engine, c->vhost, cr->name, cr->given.v[i].name, &now);
		if (!view_eq(now, cr->given.v[i].value)) {
			refuse(c, f, FAULT_QUEUE_EXISTS,
			       "A queue already exists with the same name and a different value for attribute %.*s",
			       VIEW_ARG(cr->given.v[i].name));
			return;
		}
	}
	refuse(c, f, FAULT_QUEUE_EXISTS, NULL);
}

static void on_declared(struct aws_call *c, const struct event *ev)
{
	const struct creation *cr = c->state;
	const struct error *e = ev->done.error;
	struct refusal f;

	if (e->code == CODE_OK) {
		reply_begin(c);
		reply_text(c, "QueueUrl", aws_queue_url(c, c->vhost, cr->name));
		reply_end(c);
		return;
	}
	if (e->code == CODE_DIFFERENT)
		exists_differently(c, cr, &f);
	else
		refuse_engine(c, &f, e);
	aws_call_refuse(c, &f);
}

static bool creation_check(struct aws_call *c, struct creation *cr, struct refusal *f)
{
	struct view name = args_get(&c->args, "QueueName")->text;
	struct aws_queue there;

	if (!name_check(c, name, f) ||
	    !queue_attributes_create(c, args_get(&c->args, "Attributes"), name, &cr->given, f) ||
	    !tags_pack(c, args_get(&c->args, "tags"), &cr->tags, f))
		return false;
	/* A wire name of a legacy queue means that queue. */
	bool is_there = aws_queue_named(c, c->vhost, name, &there);
	cr->name = is_there ? there.name : name;
	if (is_there)
		cr->tags = VIEW_NONE; /* other tags are no difference */
	if (!aws_may(c, ACCESS_CONFIGURE, c->vhost, cr->name, AWS_SQS, f))
		return false;
	if (!is_there && once_recent(c, ONCE_DELETED, c->vhost, name))
		return refuse(c, f, FAULT_DELETED_RECENTLY, NULL);
	return true;
}

/* What the engine keeps of a new queue: the attributes, and the tags among them. */
static struct attribute_list kept(struct aws_call *c, const struct creation *cr)
{
	struct attribute_list all = {arena_alloc(c->arena, (cr->given.n + 1) * sizeof(*all.v)), cr->given.n};

	if (cr->given.n)
		memcpy(all.v, cr->given.v, cr->given.n * sizeof(*all.v));
	if (cr->tags.n)
		all.v[all.n++] = (struct attribute){VIEW(TAGS_ATTRIBUTE), cr->tags};
	return all;
}

void sqs_create_queue(struct aws_call *c)
{
	struct creation *cr = arena_alloc(c->arena, sizeof(*cr));
	struct refusal f;

	c->state = cr;
	if (!creation_check(c, cr, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	if (!aws_call_engage(c, 1))
		return;
	c->event = on_declared;

	struct attribute_list all = kept(c, cr);
	engine_queue_declare(c->aws->engine, c->session->id, c->cmd,
			     &(struct queue_spec){
				     .name = cr->name,
				     .side = SIDE_AWS,
				     .durable = true,
				     .attributes = all.v,
				     .n_attributes = all.n,
			     });
}
