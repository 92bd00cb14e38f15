/* SPDX-License-Identifier: Apache-2.0 */
/* SNS TagResource, UntagResource, ListTagsForResource, and the tags of CreateTopic.
 * All tags of a topic are one JSON object in its attribute TAGS_ATTRIBUTE. */
#include "aws/sns_priv.h"

#include <stdlib.h>

enum { KEY_CHARS_MAX = 128, VALUE_CHARS_MAX = 256 };

static bool tag_check(struct aws_call *c, const struct attribute *tag, struct refusal *f)
{
	if (!tag->name.n || !sqs_text_legal(tag->name) || sns_characters(tag->name) > KEY_CHARS_MAX)
		return sns_invalid(c, f, "Tag keys must be between 1 and 128 characters in length.");
	return ((!tag->value.n || sqs_text_legal(tag->value)) && sns_characters(tag->value) <= VALUE_CHARS_MAX) ||
	       sns_invalid(c, f, "Tag values must be between 0 and 256 characters in length.");
}

static bool distinct(const struct arg *tags)
{
	for (size_t i = 0; i < tags->n; i++)
		for (size_t k = 0; k < i; k++)
			if (view_eq(tags->pairs[i].name, tags->pairs[k].name))
				return false;
	return true;
}

/* Adds them to an object of what is there. */
static bool tags_add(struct aws_call *c, const struct arg *tags, json_t *all, struct refusal *f)
{
	if (!distinct(tags))
		return sns_invalid(c, f, "Duplicated keys are not allowed.");
	for (size_t i = 0; i < tags->n; i++) {
		const struct attribute *tag = &tags->pairs[i];

		if (!tag_check(c, tag, f))
			return false;
		json_object_setn_new(all, (const char *)tag->name.p, tag->name.n,
				     json_stringn(tag->value.n ? (const char *)tag->value.p : "", tag->value.n));
	}
	return json_object_size(all) <= SQS_TAGS_MAX || refuse(c, f, FAULT_SNS_TAGS, NULL);
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

/* A new reference; an empty object when there are none. */
static json_t *unpacked(struct view v)
{
	json_t *all = v.n ? json_loadb((const char *)v.p, v.n, 0, NULL) : NULL;

	if (json_is_object(all))
		return all;
	json_decref(all);
	return json_object();
}

bool sns_tags_pack(struct aws_call *c, const struct arg *tags, struct view *out, struct refusal *f)
{
	json_t *all = json_object();
	bool ok = tags_add(c, tags, all, f);

	*out = packed(c, all);
	return ok;
}

bool sns_tags_within(const struct arg *tags, struct view v)
{
	json_t *all = unpacked(v);
	bool within = true;

	for (size_t i = 0; within && i < tags->n; i++) {
		const struct attribute *tag = &tags->pairs[i];
		const json_t *is = json_object_getn(all, (const char *)tag->name.p, tag->name.n);

		within = is && view_eq(view_of(json_string_value(is), json_string_length(is)), tag->value);
	}
	json_decref(all);
	return within;
}

/* ---- actions ---- */

static json_t *tags_of_topic(struct aws_call *c)
{
	struct view v = VIEW_NONE;

	engine_topic_attribute(c->aws->engine, c->topic.vhost, c->topic.name, VIEW(TAGS_ATTRIBUTE), &v);
	return unpacked(v);
}

/* AWS's tags have a code of their own for what is not there. */
static bool resource_find(struct aws_call *c, enum access_verb verb, bool look, struct refusal *f)
{
	if (look ? sns_topic_see(c, "ResourceArn", f) : sns_topic_find(c, "ResourceArn", verb, f))
		return true;
	if (f->fault == FAULT_SNS_TOPIC_MISSING)
		refuse(c, f, FAULT_SNS_RESOURCE_MISSING, NULL);
	return false;
}

void sns_list_tags(struct aws_call *c)
{
	struct refusal f;
	json_t *all, *value;
	const char *key;

	if (!resource_find(c, ACCESS_READ, true, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	all = tags_of_topic(c);
	reply_begin(c);
	reply_list_open(c, "Tags", "Tags");
	json_object_foreach(all, key, value) {
		reply_item_open(c, "member");
		reply_text(c, "Key", view_str(key));
		reply_text(c, "Value", view_of(json_string_value(value), json_string_length(value)));
		reply_item_close(c, "member");
	}
	reply_list_close(c, "Tags");
	json_decref(all);
	reply_end(c);
}

/* Frees all. */
static void tags_store(struct aws_call *c, json_t *all)
{
	struct attribute at = {VIEW(TAGS_ATTRIBUTE), packed(c, all)};

	if (!aws_call_engage(c, 1))
		return;
	c->event = sns_on_done;
	engine_topic_attributes_set(c->aws->engine, c->session->id, c->cmd, c->topic.name, &at, 1);
}

void sns_tag_resource(struct aws_call *c)
{
	struct refusal f;

	if (!resource_find(c, ACCESS_CONFIGURE, false, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	json_t *all = tags_of_topic(c);
	if (!tags_add(c, args_get(&c->args, "Tags"), all, &f)) {
		json_decref(all);
		aws_call_refuse(c, &f);
		return;
	}
	tags_store(c, all);
}

void sns_untag_resource(struct aws_call *c)
{
	const struct arg *keys = args_get(&c->args, "TagKeys");
	struct refusal f;

	if (!resource_find(c, ACCESS_CONFIGURE, false, &f)) {
		aws_call_refuse(c, &f);
		return;
	}
	json_t *all = tags_of_topic(c);
	for (size_t i = 0; i < keys->n; i++)
		if (keys->texts[i].n)
			json_object_deln(all, (const char *)keys->texts[i].p, keys->texts[i].n);
	tags_store(c, all);
}
