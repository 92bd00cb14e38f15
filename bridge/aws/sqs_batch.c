/* SPDX-License-Identifier: Apache-2.0 */
/* What every batch action checks before it looks at single entries, in AWS's
 * order (sqs-sns.md §3), and the rows of those that fail on their own. */
#include "aws/aws_priv.h"

enum { BATCH_ID_MAX = 80 };

static bool id_ok(struct view id)
{
	if (id.n == 0 || id.n > BATCH_ID_MAX)
		return false;
	for (size_t i = 0; i < id.n; i++) {
		uint8_t ch = id.p[i];

		if (!((ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') ||
		      ch == '-' || ch == '_'))
			return false;
	}
	return true;
}

bool batch_check(struct aws_call *c, const char *entry_shape, const struct arg **entries, struct refusal *f)
{
	const struct arg *v = args_get(&c->args, "Entries");

	*entries = v;
	if (v->n == 0)
		return refuse(c, f, FAULT_BATCH_EMPTY, "There should be at least one %s in the request.",
			      entry_shape);
	if (v->n > SQS_BATCH_MAX)
		return refuse(c, f, FAULT_BATCH_TOO_MANY,
			      "Maximum number of entries per request are 10. You have sent %zu.", v->n);
	for (size_t i = 0; i < v->n; i++)
		if (!id_ok(args_get(&v->entries[i], "Id")->text))
			return refuse(c, f, FAULT_BATCH_ID, NULL);
	for (size_t i = 0; i < v->n; i++)
		for (size_t k = 0; k < i; k++) {
			struct view id = args_get(&v->entries[i], "Id")->text;

			if (view_eq(id, args_get(&v->entries[k], "Id")->text))
				return refuse(c, f, FAULT_BATCH_IDS, "Id %.*s repeated.", VIEW_ARG(id));
		}
	return true;
}

void batch_failed(struct aws_call *c, struct view id, const struct refusal *f)
{
	const struct fault_row *row = fault_row(f->fault);

	reply_item_open(c, "BatchResultErrorEntry");
	reply_text(c, "Id", id);
	reply_bool(c, "SenderFault", !row->receiver);
	reply_text(c, "Code", view_str(row->code));
	reply_text(c, "Message", shown(c, refusal_text(c, f)));
	reply_item_close(c, "BatchResultErrorEntry");
}
