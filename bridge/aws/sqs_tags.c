/* SPDX-License-Identifier: Apache-2.0 */
/* SQS ListQueueTags, TagQueue, UntagQueue, and the tags of CreateQueue. All tags
 * of a queue are one JSON object in one attribute of it; none: no attribute. */
#include <stdlib.h>

#include "aws/aws_priv.h"

enum { TAG_KEY_CHARS_MAX = 128, TAG_VALUE_CHARS_MAX = 256 };

/* Characters of legal UTF-8. */
static size_t characters(struct view v)
{
	size_t n = 0;

	for (size_t i = 0; i < v.n; i++)
		n += (v.p[i] & 0xc0) != 0x80;
	return n;
}

static bool key_check(struct aws_call *c, struct view key, struct refusal *f)
{
	return (key.n && sqs_text_legal(key) && characters(key) <= TAG_KEY_CHARS_MAX) ||
	       refuse(c, f, FAULT_PARAMETER, "Tag keys must be between 1 and 128 characters in length.");
}

static bool tag_check(struct aws_call *c, const struct attribute *tag, struct refusal *f)
{
	if (!key_check(c, tag->name, f))
		return false;
	return ((!tag->value.n || sqs_text_legal(tag->value)) && characters(tag->value) <= TAG_VALUE_CHARS_MAX) ||
	       refuse(c, f, FAULT_PARAMETER, "Tag values must be between 0 and 256 characters in length.");
}

/* Adds them to an object of what is there. */
static bool tags_add(struct aws_call *c, const struct arg *tags, json_t *all, struct refusal *f)
{
	for (size_t i = 0; i < tags->n; i++) {
		const struct attribute *tag = &tags->pairs[i];

		if (!tag_check(c, tag, f))
			return false;
		json_object_setn_new(all, (const char *)tag->name.p, tag->name.n,
				     json_stringn(tag->value.n ? (const char *)tag->value.p : "", tag->value.n));
	}
	if (json_object_size(all) <= SQS_TAGS_MAX)
		return true;
	struct view name = shown(c, c->queue.name.n ? c->queue.name : args_get(&c->args, "QueueName")->text);
	return refuse(c, f, FAULT_PARAMETER, "Too many tags added for queue %.*s.", VIEW_ARG(name));
}

/* Frees all. Empty when there are none. */
static struct view packed(struct aws_call *c, json_t *all)
{
	char *text = json_object_size(all) ? json_dumps(all, JSON_COMPACT) : NULL;
	struct view v = text ? arena_copy(c->arena, view_str(text)) : VIEW_NONE;

	free(text);
	json_decref(all);
	return v;
}

bool tags_pack(struct aws_call *c, const struct arg *tags, struct view *out, struct refusal *f)
{
	json_t *all = json_object();
	bool ok = tags_add(c, tags, all, f);

	*out = packed(c, all);
	return ok;
}

/* A new reference; an empty object when there are none. */
static json_t *tags_of(struct aws_call *c)
{
	struct view v;
	json_t *all = NULL;

	if (engine_queue_attribute(c->aws->engine, c->queue.vhost, c->queue.name, VIEW(TAGS_ATTRIBUTE), &v))
		all = json_loadb((const char *)v.p, v.n, 0, NULL);
	if (json_is_object(all))
		return all;
	json_decref(all);
	return json_object();
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
	struct attribute a = {VIEW(TAGS_ATTRIBUTE), packed(c, all)};

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
		if (!key_check(c, keys->texts[i], f))
			return false;
		json_object_deln(all, (const char *)keys->texts[i].p, keys->texts[i].n);
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
