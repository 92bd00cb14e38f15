/* SPDX-License-Identifier: Apache-2.0 */
/* The cross-protocol table. First byte: what the rest is. Even: a 0-9-1 content
 * header and body, which as SQS must be what SQS takes, and sent again must come
 * back with the same body. Odd: stored SQS attributes and body, read by 0-9-1. */
#include "amqp/v091.h"
#include "base/log.h"
#include "mapping/cross.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct codecs codecs = {{[RAW_AMQP091] = &v091_codec}};
static const uint8_t id[16] = {1, 2, 3, 4, 5, 6, 0x40, 8, 0x80};

static struct message *message(enum raw_kind kind, struct view raw, struct view body)
{
	struct message *m = message_new(&(struct message_spec){.raw_kind = kind,
							       .id = id,
							       .sent_ms = 1700000000000,
							       .exchange = kind == RAW_SQS ? VIEW_NONE : VIEW("x"),
							       .key = VIEW("k"),
							       .raw = raw},
					body_of(body));

	must(m);
	return m;
}

static struct view body_read(const struct message *m, const struct cross_legacy *l)
{
	if (l->body_replaced)
		return l->body;
	return body_bytes(m->body) ? body_piece(m->body, 0) : VIEW_NONE;
}

static void read_by_amqp(const struct message *m, struct arena *a, struct cross_legacy *out)
{
	struct cross_settings s = {0};
	struct cross_facts f = {.queue = VIEW("q"), .sequence = 1};
	struct buf raw;

	cross_to_amqp091(&s, &codecs, m, &f, a, out);
	must(!(out->bag.has & BAG_USER_ID));
	buf_init(&raw, (size_t)1 << 30);
	if (v091_codec.encode(&out->bag, &raw)) {
		struct bag again;

		must(v091_codec.decode(buf_view(&raw), a, &again));
		must(again.headers.n == out->bag.headers.n);
	}
	buf_fini(&raw);
}

/* data: two bytes of length, header, body */
static void from_amqp(uint8_t setting, struct view data, struct arena *a)
{
	size_t n = data.n >= 2 ? be16_get(data.p) : 0;
	struct view rest = view_skip(data, 2), raw = view_head(rest, n), body = view_skip(rest, n);
	struct cross_settings s = {.body = (enum cross_body)(setting % 3)};
	struct message *m = message(RAW_AMQP091, raw, body);
	struct cross_legacy back;
	struct cross_sqs out;
	struct buf again;

	bool ok = cross_to_sqs(&s, &codecs, m, a, &out);
	must(sqs_text_legal(out.body) && out.body.n);
	must(sqs_attributes_check(&out.attributes, NULL) == CODE_OK);
	buf_init(&again, (size_t)1 << 30);
	must(sqs_attributes_encode(&out.attributes, &again));
	struct message *resent = message(RAW_SQS, buf_view(&again), out.body);
	read_by_amqp(resent, a, &back);
	/* without its header a message has no mark to say what its body was */
	must(!ok || view_eq(body_read(resent, &back), body));
	message_unref(m);
	message_unref(resent);
	buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view v = view_of(data, size);
	struct arena a;

	if (size < 1)
		return 0;
	arena_init(&a);
	if (data[0] % 2 == 0) {
		from_amqp(data[0] / 2, view_skip(v, 1), &a);
	} else {
		size_t n = size >= 3 ? be16_get(data + 1) : 0;
		struct view rest = view_skip(v, 3);
		struct message *m = message(RAW_SQS, view_head(rest, n), view_skip(rest, n));
		struct cross_legacy out;

		read_by_amqp(m, &a, &out);
		message_unref(m);
	}
	arena_fini(&a);
	return 0;
}
