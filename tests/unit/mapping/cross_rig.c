/* SPDX-License-Identifier: Apache-2.0 */
#include "cross_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool pointer_decode(struct view raw, struct arena *a, struct bag *out)
{
	const struct bag *bag;

	(void)a;
	assert_int_equal(raw.n, sizeof(bag));
	memcpy(&bag, raw.p, sizeof(bag));
	*out = *bag;
	return true;
}

static bool never_decode(struct view raw, struct arena *a, struct bag *out)
{
	(void)raw;
	(void)a;
	(void)out;
	return false;
}

static const struct header_codec pointer_codec = {pointer_decode, NULL};
static const struct header_codec never_codec = {never_decode, NULL};
const struct codecs rig_codecs = {{[RAW_AMQP091] = &pointer_codec}};
const struct codecs rig_codecs_malformed = {{[RAW_AMQP091] = &never_codec}};

static const uint8_t message_id[16] = {0xa1, 2, 3, 4, 5, 6, 0x47, 8, 0x89, 10, 11, 12, 13, 14, 15, 16};

struct message *rig_amqp(const struct bag *bag, struct view body, const char *exchange, const char *key)
{
	struct message *m = message_new(&(struct message_spec){.raw_kind = RAW_AMQP091,
							       .id = message_id,
							       .sent_ms = SENT_MS,
							       .exchange = view_str(exchange),
							       .key = view_str(key),
							       .user = VIEW("guest"),
							       .raw = view_of(&bag, sizeof(bag))},
					body_of(body));

	assert_non_null(m);
	return m;
}

struct message *rig_sqs(const struct sqs_attributes *at, struct view body)
{
	struct buf raw;

	buf_init(&raw, 1 << 24);
	assert_true(sqs_attributes_encode(at, &raw));
	struct message *m = message_new(&(struct message_spec){.raw_kind = RAW_SQS,
							       .durable = true,
							       .id = message_id,
							       .sent_ms = SENT_MS,
							       .key = VIEW("work.queue"),
							       .user = VIEW("guest"),
							       .raw = buf_view(&raw)},
					body_of(body));
	buf_fini(&raw);
	assert_non_null(m);
	return m;
}

struct message *rig_resend(const struct message *m, struct arena *a)
{
	struct cross_settings s = {0};
	struct cross_sqs out;
	struct error e;

	assert_true(cross_to_sqs(&s, &rig_codecs, m, a, &out));
	assert_true(sqs_text_legal(out.body));
	if (sqs_attributes_check(&out.attributes, &e) != CODE_OK)
		fail_msg("SQS would refuse the attributes: %s", e.text);
	return rig_sqs(&out.attributes, out.body);
}

const struct sqs_attribute *rig_find(const struct sqs_attributes *at, const char *name)
{
	for (size_t i = 0; i < at->n; i++)
		if (view_is(at->v[i].name, name))
			return &at->v[i];
	return NULL;
}

const char *rig_text(const struct sqs_attributes *at, const char *name, struct arena *a)
{
	const struct sqs_attribute *found = rig_find(at, name);

	return found ? arena_cstr(a, found->value) : NULL;
}
