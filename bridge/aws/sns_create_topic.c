/* SPDX-License-Identifier: Apache-2.0 */
/* SNS CreateTopic and DeleteTopic. A topic is an exchange: what CreateTopic makes is
 * a durable fanout until an AMQP client declares its type; an exchange that is there
 * is that topic (DESIGN §5). */
#include "aws/sns_priv.h"

#include <strings.h>

#include "mapping/names.h"

struct creation {
	struct view name; /* true name */
	struct attribute *given;
	size_t n;
};

static bool is_word(struct view v, const char *word)
{
	return v.n == strlen(word) && strncasecmp((const char *)v.p, word, v.n) == 0;
}

/* FIFO is not built: said at once, so that no topic is quietly a standard one. */
static bool name_check(struct aws_call *c, struct view name, bool fifo, struct refusal *f)
{
	bool named = view_ends(name, VIEW(".fifo"));

	if (fifo && named && !name_is_legal(NAME_TOPIC, name))
		return sns_invalid(c, f,
				   "Fifo Topic names must end with .fifo and must be made up of only uppercase and "
				   "lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 "
				   "and 256 characters long.");
	if (fifo != named || !name_is_legal(NAME_TOPIC, name))
		return sns_invalid(c, f, "Topic Name");
	return !fifo || sns_invalid(c, f, "FifoTopic Reason: FIFO topics are not supported by this version");
}

/* Those that are not the default of every topic, with the tags behind them. */
static bool attributes_take(struct aws_call *c, struct creation *cr, struct refusal *f)
{
	const struct arg *given = args_get(&c->args, "Attributes");
	struct view tags;

	cr->given = arena_alloc(c->arena, (given->n + 1) * sizeof(*cr->given));
	for (size_t i = 0; i < given->n; i++) {
		struct attribute at = given->pairs[i];

		if (view_is(at.name, "FifoTopic"))
			continue;
		if (!sns_topic_attribute_check(c, "Attributes Reason: ", &at, f))
			return false;
		cr->given[cr->n++] = at;
	}
	if (!sns_tags_pack(c, args_get(&c->args, "Tags"), &tags, f))
		return false;
	if (tags.n)
		cr->given[cr->n++] = (struct attribute){VIEW(TAGS_ATTRIBUTE), tags};
	return true;
}

static bool fifo_asked(struct aws_call *c, bool *fifo, struct refusal *f)
{
	const struct arg *given = args_get(&c->args, "Attributes");

	*fifo = false;
	for (size_t i = 0; i < given->n; i++) {
		if (!view_is(given->pairs[i].name, "FifoTopic"))
			continue;
		*fifo = is_word(given->pairs[i].value, "true");
		if (!*fifo && !is_word(given->pairs[i].value, "false"))
			return sns_invalid(c, f, "Attributes Reason: FifoTopic");
	}
	return true;
}

static bool creation_check(struct aws_call *c, struct creation *cr, struct refusal *f)
{
	struct view name;
	bool fifo;

	if (!sns_required(c, "Name", &name, f) || !fifo_asked(c, &fifo, f) || !name_check(c, name, fifo, f) ||
	    !attributes_take(c, cr, f))
		return false;
	/* A wire name of a legacy exchange means that exchange. */
	cr->name = name;
	engine_topic_by_wire(c->aws->engine, c->vhost, name, &cr->name);
	cr->name = arena_copy(c->arena, cr->name);
	return sns_may(c, ACCESS_CONFIGURE, c->vhost, cr->name, sns_topic_arn(c, c->vhost, cr->name), f);
}

/* What a topic has now of an attribute. */
static struct view current(struct aws_call *c, const struct creation *cr, struct view name)
{
	struct view v;

	if (engine_topic_attribute(c->aws->engine, c->vhost, cr->name, name, &v))
		return v;
	return sns_topic_attribute_default(name);
}

/* The engine compares with what was given before; what equals a default, and tags that
 * are among those there, are no difference. */
static bool really_different(struct aws_call *c, const struct creation *cr, struct refusal *f)
{
	for (size_t i = 0; i < cr->n; i++)
		if (!view_is(cr->given[i].name, TAGS_ATTRIBUTE) &&
		    !view_eq(current(c, cr, cr->given[i].name), cr->given[i].value))
			return !sns_invalid(c, f, "Attributes Reason: Topic already exists with different attributes");
	if (!sns_tags_within(args_get(&c->args, "Tags"), current(c, cr, VIEW(TAGS_ATTRIBUTE))))
		return !sns_invalid(c, f, "Tags Reason: Topic already exists with different tags");
	return false;
}

static void on_declared(struct aws_call *c, const struct event *ev)
{
	const struct creation *cr = c->state;
	const struct error *e = ev->done.error;
	struct refusal f;

	if (e->code == CODE_OK || (e->code == CODE_DIFFERENT && !really_different(c, cr, &f))) {
		reply_begin(c);
		reply_text(c, "TopicArn", sns_topic_arn(c, c->vhost, cr->name));
		reply_end(c);
		return;
	}
	if (e->code != CODE_DIFFERENT)
		sns_refuse_engine(c, &f, e);
	aws_call_refuse(c, &f);
}

void sns_create_topic(struct aws_call *c)
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
	engine_topic_declare(c->aws->engine, c->session->id, c->cmd,
			     &(struct topic_spec){
				     .name = cr->name,
				     .side = SIDE_AWS,
				     .type = TOPIC_FANOUT,
				     .durable = true,
				     .attributes = cr->given,
				     .n_attributes = cr->n,
			     });
}

/* ---- DeleteTopic ---- */

/* One that is not there is deleted already. */
static void on_deleted(struct aws_call *c, const struct event *ev)
{
	static const struct error none = {.code = CODE_OK};
	struct event as = *ev;

	if (ev->done.error->code == CODE_NOT_FOUND)
		as.done.error = &none;
	sns_on_done(c, &as);
}

void sns_delete_topic(struct aws_call *c)
{
	struct view text;
	struct refusal f;
	bool there;

	if (!sns_required(c, "TopicArn", &text, &f) || !sns_topic_of(c, "TopicArn", text, &c->topic, &there, &f) ||
	    !sns_may(c, ACCESS_CONFIGURE, c->topic.vhost, c->topic.name, c->topic.arn, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	if (!aws_call_engage(c, 1))
		return;
	c->event = on_deleted;
	engine_topic_delete(c->aws->engine, c->session->id, c->cmd, c->topic.name, false);
}
