/* SPDX-License-Identifier: Apache-2.0 */
/* SNS TagResource, UntagResource, ListTagsForResource, and the tags of CreateTopic. */
#include "aws/sns_priv.h"

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
		const char *fault = tag_fault(&tags->pairs[i]);

		if (fault)
			return sns_invalid(c, f, "%s", fault);
		tag_put(all, &tags->pairs[i]);
	}
	return json_object_size(all) <= SQS_TAGS_MAX || refuse(c, f, FAULT_SNS_TAGS, NULL);
}

bool sns_tags_pack(struct aws_call *c, const struct arg *tags, struct view *out, struct refusal *f)
{
	json_t *all = json_object();
	bool ok = tags_add(c, tags, all, f);

	*out = tags_packed(c, all);
	return ok;
}

bool sns_tags_within(const struct arg *tags, struct view v)
{
	json_t *all = tags_unpacked(v);
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
	return tags_unpacked(v);
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
	struct attribute at = {VIEW(TAGS_ATTRIBUTE), tags_packed(c, all)};

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
		tag_remove(all, keys->texts[i]);
	tags_store(c, all);
}
