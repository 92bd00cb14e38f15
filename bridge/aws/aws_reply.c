/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: actions say names and values once, this file writes them as AWS JSON
 * or as Query's XML, straight into the head's one reply buffer (sqs-sns.md 1.1).
 *
 * JSON commas need no state: a value never ends in '{' or '[', so the last byte
 * tells whether a member is the first. */
#include "aws/aws_priv.h"

#include <stdio.h>

#include "mapping/json_text.h"

static struct buf *out_of(struct aws_call *c)
{
	return &c->aws->reply;
}

/* XML 1.0 §2.2, §2.11: \r would be read as \n, so it goes as a reference. */
static void xml_add(struct buf *out, struct view v)
{
	size_t from = 0;

	for (size_t i = 0; i < v.n; i++) {
		const char *as;

		switch (v.p[i]) {
		case '&':
			as = "&amp;";
			break;
		case '<':
			as = "&lt;";
			break;
		case '>':
			as = "&gt;";
			break;
		case '"':
			as = "&quot;";
			break;
		case '\r':
			as = "&#xD;";
			break;
		default:
			continue;
		}
		buf_add(out, view_of(v.p + from, i - from));
		buf_add_str(out, as);
		from = i + 1;
	}
	buf_add(out, view_skip(v, from));
}

static void open_tag(struct buf *out, const char *name)
{
	buf_add_u8(out, '<');
	buf_add_str(out, name);
	buf_add_u8(out, '>');
}

static void close_tag(struct buf *out, const char *name)
{
	buf_add_str(out, "</");
	buf_add_str(out, name);
	buf_add_u8(out, '>');
}

/* A comma unless it is the first in its object or array. */
static void separate(struct buf *out)
{
	uint8_t last = out->n ? out->p[out->n - 1] : '{';

	if (last != '{' && last != '[')
		buf_add_u8(out, ',');
}

static void json_name(struct buf *out, struct view name)
{
	separate(out);
	json_text_add(out, name);
	buf_add_u8(out, ':');
}

static const char *namespace_of(const struct aws_call *c)
{
	return c->service == AWS_SNS ? "http://sns.amazonaws.com/doc/2010-03-31/"
				     : "http://queue.amazonaws.com/doc/2012-11-05/";
}

void reply_begin(struct aws_call *c)
{
	struct buf *out = out_of(c);

	buf_clear(out);
	if (c->wire == WIRE_JSON) {
		buf_add_u8(out, '{');
		return;
	}
	buf_printf(out, "<?xml version=\"1.0\"?>\n<%sResponse xmlns=\"%s\">", c->action->name, namespace_of(c));
	if (c->action->answers)
		buf_printf(out, "<%sResult>", c->action->name);
}

void reply_end(struct aws_call *c)
{
	struct buf *out = out_of(c);

	if (c->wire == WIRE_JSON) {
		buf_add_u8(out, '}');
	} else {
		if (c->action->answers)
			buf_printf(out, "</%sResult>", c->action->name);
		buf_printf(out, "<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>",
			   c->request_id, c->action->name);
	}
	if (out->overflow)
		aws_call_refuse(c, &(struct refusal){.fault = FAULT_INTERNAL});
	else
		aws_call_answer(c, 200, NULL, buf_view(out));
}

static void json_or_element(struct aws_call *c, const char *name, struct view v)
{
	struct buf *out = out_of(c);

	if (c->wire == WIRE_JSON) {
		json_text_add(out, v);
		return;
	}
	open_tag(out, name);
	xml_add(out, v);
	close_tag(out, name);
}

void reply_text(struct aws_call *c, const char *name, struct view v)
{
	if (c->wire == WIRE_JSON)
		json_name(out_of(c), view_str(name));
	json_or_element(c, name, v);
}

void reply_bool(struct aws_call *c, const char *name, bool v)
{
	struct buf *out = out_of(c);
	const char *text = v ? "true" : "false";

	if (c->wire == WIRE_JSON) {
		json_name(out, view_str(name));
		buf_add_str(out, text);
	} else {
		buf_printf(out, "<%s>%s</%s>", name, text, name);
	}
}

void reply_list_open(struct aws_call *c, const char *name, const char *wrapper)
{
	if (c->wire == WIRE_JSON) {
		json_name(out_of(c), view_str(name));
		buf_add_u8(out_of(c), '[');
	} else if (wrapper) {
		open_tag(out_of(c), wrapper);
	}
}

void reply_list_close(struct aws_call *c, const char *wrapper)
{
	if (c->wire == WIRE_JSON)
		buf_add_u8(out_of(c), ']');
	else if (wrapper)
		close_tag(out_of(c), wrapper);
}

void reply_item_open(struct aws_call *c, const char *element)
{
	if (c->wire == WIRE_JSON) {
		separate(out_of(c));
		buf_add_u8(out_of(c), '{');
	} else {
		open_tag(out_of(c), element);
	}
}

void reply_item_close(struct aws_call *c, const char *element)
{
	if (c->wire == WIRE_JSON)
		buf_add_u8(out_of(c), '}');
	else
		close_tag(out_of(c), element);
}

void reply_item_text(struct aws_call *c, const char *element, struct view v)
{
	if (c->wire == WIRE_JSON)
		separate(out_of(c));
	json_or_element(c, element, v);
}

void reply_map_open(struct aws_call *c, const char *name)
{
	if (c->wire == WIRE_JSON) {
		json_name(out_of(c), view_str(name));
		buf_add_u8(out_of(c), '{');
	}
}

void reply_map_close(struct aws_call *c)
{
	if (c->wire == WIRE_JSON)
		buf_add_u8(out_of(c), '}');
}

void reply_entry_open(struct aws_call *c, const char *element, struct view key)
{
	struct buf *out = out_of(c);

	if (c->wire == WIRE_JSON) {
		json_name(out, key);
		buf_add_u8(out, '{');
		return;
	}
	open_tag(out, element);
	json_or_element(c, "Name", key);
	open_tag(out, "Value");
}

void reply_entry_close(struct aws_call *c, const char *element)
{
	if (c->wire == WIRE_JSON) {
		buf_add_u8(out_of(c), '}');
		return;
	}
	close_tag(out_of(c), "Value");
	close_tag(out_of(c), element);
}

void reply_entry_text(struct aws_call *c, const char *element, struct view key, struct view v)
{
	struct buf *out = out_of(c);

	if (c->wire == WIRE_JSON) {
		json_name(out, key);
		json_text_add(out, v);
		return;
	}
	open_tag(out, element);
	json_or_element(c, "Name", key);
	json_or_element(c, "Value", v);
	close_tag(out, element);
}

void reply_attributes_open(struct aws_call *c)
{
	reply_map_open(c, "Attributes");
	if (c->wire == WIRE_QUERY)
		open_tag(out_of(c), "Attributes");
}

void reply_attribute(struct aws_call *c, const char *name, struct view v)
{
	struct buf *out = out_of(c);

	if (c->wire == WIRE_JSON) {
		json_name(out, view_str(name));
		json_text_add(out, v);
		return;
	}
	open_tag(out, "entry");
	json_or_element(c, "key", view_str(name));
	json_or_element(c, "value", v);
	close_tag(out, "entry");
}

void reply_attributes_close(struct aws_call *c)
{
	reply_map_close(c);
	if (c->wire == WIRE_QUERY)
		close_tag(out_of(c), "Attributes");
}

void reply_tag(struct aws_call *c, struct view key, struct view v)
{
	struct buf *out = out_of(c);

	if (c->wire == WIRE_JSON) {
		json_name(out, key);
		json_text_add(out, v);
		return;
	}
	open_tag(out, "Tag");
	json_or_element(c, "Key", key);
	json_or_element(c, "Value", v);
	close_tag(out, "Tag");
}

void reply_error(struct aws_call *c, const struct fault_row *row, struct view text)
{
	struct buf *out = out_of(c);
	char query_error[128];

	text = shown(c, text);
	buf_clear(out);
	if (c->wire == WIRE_JSON) {
		buf_printf(out, "{\"__type\":\"com.amazonaws.%s#%s\",\"message\":",
			   c->service == AWS_SNS ? "sns" : "sqs", row->shape);
		json_text_add(out, text);
		buf_add_u8(out, '}');
		/* without it the JavaScript SDK crashes (sqs-sns.md 1.2) */
		snprintf(query_error, sizeof(query_error), "%s;%s", row->code, row->receiver ? "Receiver" : "Sender");
		aws_call_answer(c, row->status, query_error, buf_view(out));
		return;
	}
	buf_printf(out, "<?xml version=\"1.0\"?>\n<ErrorResponse xmlns=\"%s\"><Error><Type>%s</Type><Code>%s</Code>",
		   namespace_of(c), row->receiver ? "Receiver" : "Sender", row->code);
	json_or_element(c, "Message", text);
	/* SNS has no Detail */
	buf_printf(out, "%s</Error><RequestId>%s</RequestId></ErrorResponse>", c->service == AWS_SNS ? "" : "<Detail/>",
		   c->request_id);
	aws_call_answer(c, row->status, NULL, buf_view(out));
}
