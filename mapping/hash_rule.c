/* SPDX-License-Identifier: Apache-2.0 */
#include "mapping/hash_rule.h"

#include "mapping/router_priv.h"

static const struct property {
	const char *name;
	int by;
} properties[] = {
	{"message_id", HASH_MESSAGE_ID},
	{"correlation_id", HASH_CORRELATION_ID},
	{"timestamp", HASH_TIMESTAMP},
};
enum { PROPERTIES = sizeof(properties) / sizeof(properties[0]) };

static const struct value *argument(const struct table *t, const char *name)
{
	return t ? table_find(t, view_str(name)) : NULL;
}

static const struct property *property_find(struct view name)
{
	for (size_t i = 0; i < PROPERTIES; i++)
		if (view_is(name, properties[i].name))
			return &properties[i];
	return NULL;
}

enum code hash_rule_check(const struct table *arguments, struct error *e)
{
	const struct value *header = argument(arguments, "hash-header"), *property = argument(arguments, "hash-property");
	const struct value *v = header ? header : property;
	if (header && property)
		return error_set(e, CODE_INVALID, "hash-header and hash-property are mutually exclusive");
	if (v && v->type != VALUE_STRING)
		return error_set(e, CODE_INVALID, "invalid type '%s' for arg '%s'", value_type_name(v->type),
				 header ? "hash-header" : "hash-property");
	if (property && !property_find(property->s))
		return error_set(e, CODE_INVALID, "Unsupported property: %.*s", VIEW_ARG(property->s));
	return CODE_OK;
}

struct hash_rule hash_rule_of(const struct table *arguments)
{
	const struct value *header = argument(arguments, "hash-header"), *v = argument(arguments, "hash-property");
	const struct property *p = v && v->type == VALUE_STRING ? property_find(v->s) : NULL;
	struct hash_rule rule = {.by = HASH_KEY};
	if (header && header->type == VALUE_STRING) {
		rule.by = HASH_HEADER;
		rule.header = header->s;
	} else if (p) {
		rule.by = p->by;
	}
	return rule;
}

void hash_rule_apply(const struct hash_rule *rule, const struct bag *bag, struct buf *out)
{
	const struct value *v = rule->by == HASH_HEADER ? table_find(&bag->headers, rule->header) : NULL;
	if (v && v->type == VALUE_VOID)
		buf_add_u8(out, VALUE_VOID);
	else if (v)
		value_matched_as(out, v);
	else if (rule->by == HASH_MESSAGE_ID && bag->has & BAG_MESSAGE_ID)
		buf_add(out, bag->message_id);
	else if (rule->by == HASH_CORRELATION_ID && bag->has & BAG_CORRELATION_ID)
		buf_add(out, bag->correlation_id);
	else if (rule->by == HASH_TIMESTAMP && bag->has & BAG_TIMESTAMP)
		buf_add_u64(out, bag->timestamp);
}
