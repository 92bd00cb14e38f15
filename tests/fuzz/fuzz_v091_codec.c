/* SPDX-License-Identifier: Apache-2.0 */
/* Content headers: what decodes encodes again, and decodes to the same bag; what a
 * reader gets of one with a hidden BCC decodes too. */
#include <stdlib.h>

#include "amqp/v091.h"
#include "amqp/v091_codec_priv.h"
#include "base/log.h"

static bool same(const struct bag *a, const struct bag *b)
{
	return a->has == b->has && a->delivery_mode == b->delivery_mode && a->priority == b->priority &&
	       a->timestamp == b->timestamp && view_eq(a->content_type, b->content_type) &&
	       view_eq(a->content_encoding, b->content_encoding) && view_eq(a->correlation_id, b->correlation_id) &&
	       view_eq(a->reply_to, b->reply_to) && view_eq(a->expiration, b->expiration) &&
	       view_eq(a->message_id, b->message_id) && view_eq(a->type, b->type) && view_eq(a->user_id, b->user_id) &&
	       view_eq(a->app_id, b->app_id) && view_eq(a->cluster_id, b->cluster_id) && a->headers.n == b->headers.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void seen(struct view raw, const struct bag *whole)
{
	struct arena a;
	struct buf out;
	struct bag bag;

	arena_init(&a);
	buf_init(&out, raw.n);
	v091_bcc_strip(raw, &out);
	must(v091_codec.decode(buf_view(&out), &a, &bag));
	must(bag.headers.n == whole->headers.n && v091_bcc_hidden(buf_view(&out)) == !(whole->has & BAG_BCC));
	buf_fini(&out);
	arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a;
	struct buf first, second;
	struct bag bag, again;

	arena_init(&a);
	buf_init(&first, 2 * n + 64);
	buf_init(&second, 2 * n + 64);
	if (v091_codec.decode(view_of(data, n), &a, &bag)) {
		if (v091_bcc_hidden(view_of(data, n)))
			seen(view_of(data, n), &bag);
		must(v091_codec.encode(&bag, &first));
		must(v091_codec.decode(buf_view(&first), &a, &again));
		must(same(&bag, &again));
		must(v091_codec.encode(&again, &second));
		must(view_eq(buf_view(&first), buf_view(&second)));
	}
	buf_fini(&first);
	buf_fini(&second);
	arena_fini(&a);
	return 0;
}
