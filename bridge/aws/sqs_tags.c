/* SPDX-License-Identifier: Apache-2.0 */
/* SQS ListQueueTags, TagQueue, UntagQueue, and the tags of CreateQueue. */
#include "aws/aws_priv.h"

/* Adds them to an object of what is there. */
static bool tags_add(struct aws_call *c, const struct arg *tags, json_t *all, struct refusal *f)
{
	for (size_t i = 0; i < tags->n; i++) {
		const char *fault = tag_fault(&tags->pairs[i]);

		if (fault)
			return refuse(c, f, FAULT_PARAMETER, "%s", fault);
		tag_put(all, &tags->pairs[i]);
	}
	if (json_object_size(all) <= SQS_TAGS_MAX)
		return true;
	struct view name = shown(c, c->queue.name.n ? c->queue.name : args_get(&c->args, "QueueName")->text);
	return refuse(c, f, FAULT_PARAMETER, "Too many tags added for queue %.*s.", VIEW_ARG(name));
}

bool tags_pack(struct aws_call *c, const struct arg *tags, struct view *out, struct refusal *f)
{
	json_t *all = json_object();
	bool ok = tags_add(c, tags, all, f);

	*out = tags_packed(c, all);
	return ok;
}

static json_t *tags_of(struct aws_call *c)
{
	struct view v = VIEW_NONE;

	engine_queue_attribute(c->aws->engine, c->queue.vhost, c->queue.name, VIEW(TAGS_ATTRIBUTE), &v);
	return tags_unpacked(v);
}

void sqs_list_queue_tags(struct aws_call *c)
{
	json_t *all = tags_of(c), *value;
	const char *key;

	reply_begin(c);
	if (json_object_size(all))
		reply_map_open(c, "Tags");
	json_object_foreach(all, key, value)
		reply_tag(c, view_str(key), view_of(json_string_value(value), json_string_length(value)));
	if (json_object_size(all))
		reply_map_close(c);
	json_decref(all);
	reply_end(c);
}

/* Frees all. */
static void tags_store(struct aws_call *c, json_t *all)
{
	struct attribute a = {VIEW(TAGS_ATTRIBUTE), tags_packed(c, all)};

	if (!aws_call_engage(c, 1))
		return;
	c->event = aws_on_done;
	engine_queue_attributes_set(c->aws->engine, c->session->id, c->cmd, c->queue.name, &a, 1);
}

void sqs_tag_queue(struct aws_call *c)
{
	const struct arg *tags = args_get(&c->args, "Tags");
	json_t *all = tags_of(c);
	struct refusal f;

	if (!tags->n)
		refuse_missing(c, &f, "Tags");
	if (!tags->n || !tags_add(c, tags, all, &f)) {
		json_decref(all);
		aws_call_refuse(c, &f);
		return;
	}
	tags_store(c, all);
}

static bool tags_take(struct aws_call *c, const struct arg *keys, json_t *all, struct refusal *f)
{
	if (!keys->n)
		return refuse_missing(c, f, "TagKeys");
	for (size_t i = 0; i < keys->n; i++) {
		const char *fault = tag_key_fault(keys->texts[i]);

		if (fault)
			return refuse(c, f, FAULT_PARAMETER, "%s", fault);
		tag_remove(all, keys->texts[i]);
	}
	return true;
}

void sqs_untag_queue(struct aws_call *c)
{
	json_t *all = tags_of(c);
	struct refusal f;

	if (!tags_take(c, args_get(&c->args, "TagKeys"), all, &f)) {
		json_decref(all);
		aws_call_refuse(c, &f);
		return;
	}
	tags_store(c, all);
}
