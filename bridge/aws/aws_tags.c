/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of queues and topics: one JSON object in the attribute TAGS_ATTRIBUTE of each,
 * no attribute when there are none. */
#include <stdlib.h>

#include "aws/aws_priv.h"
#include "base/utf8.h"

enum { TAG_KEY_CHARS_MAX = 128, TAG_VALUE_CHARS_MAX = 256 };

const char *tag_key_fault(struct view key)
{
	if (key.n && sqs_text_legal(key) && utf8_characters(key) <= TAG_KEY_CHARS_MAX)
		return NULL;
	return "Tag keys must be between 1 and 128 characters in length.";
}

const char *tag_fault(const struct attribute *tag)
{
	const char *fault = tag_key_fault(tag->name);

	if (fault || !tag->value.n ||
	    (sqs_text_legal(tag->value) && utf8_characters(tag->value) <= TAG_VALUE_CHARS_MAX))
		return fault;
	return "Tag values must be between 0 and 256 characters in length.";
}

void tag_put(json_t *all, const struct attribute *tag)
{
	json_object_setn_new(all, (const char *)tag->name.p, tag->name.n,
			     json_stringn(tag->value.n ? (const char *)tag->value.p : "", tag->value.n));
}

void tag_remove(json_t *all, struct view key)
{
	if (key.n)
		json_object_deln(all, (const char *)key.p, key.n);
}

struct view tags_packed(struct aws_call *c, json_t *all)
{
	char *text = json_object_size(all) ? json_dumps(all, JSON_COMPACT) : NULL;
	struct view v = text ? arena_copy(c->arena, view_str(text)) : VIEW_NONE;

	free(text);
	json_decref(all);
	return v;
}

json_t *tags_unpacked(struct view v)
{
	json_t *all = v.n ? json_loadb((const char *)v.p, v.n, 0, NULL) : NULL;

	if (json_is_object(all))
		return all;
	json_decref(all);
	return json_object();
}
