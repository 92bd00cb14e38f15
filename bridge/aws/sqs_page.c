/* SPDX-License-Identifier: Apache-2.0 */
/* NextToken of lists in name order: base64url of a version letter and the last
 * true name shown, so that a page goes on where the one before ended, whatever
 * was made or deleted meanwhile. */
#include "aws/aws_priv.h"

#include "base/crypto.h"

struct view page_token(struct aws_call *c, struct view last)
{
	struct buf text;

	buf_init(&text, (last.n + 1) * 2 + 4);
	buf_clear(&c->aws->scratch);
	buf_add_u8(&c->aws->scratch, '1');
	buf_add(&c->aws->scratch, last);
	base64url_add(&text, buf_view(&c->aws->scratch));
	struct view token = arena_copy(c->arena, buf_view(&text));
	buf_fini(&text);
	return token;
}

bool page_token_open(struct aws_call *c, struct view token, struct view *last)
{
	buf_clear(&c->aws->scratch);
	if (!base64url_decode(&c->aws->scratch, token))
		return false;
	struct view text = buf_view(&c->aws->scratch);
	if (text.n == 0 || text.p[0] != '1')
		return false;
	*last = arena_copy(c->arena, view_skip(text, 1));
	return true;
}
