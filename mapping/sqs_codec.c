/* SPDX-License-Identifier: Apache-2.0 */
/* The header codec of RAW_SQS. */
#include "mapping/cross_priv.h"

static bool codec_encode(const struct bag *bag, struct buf *out)
{
	static const struct cross_settings standing;
	static const struct message nowhere;
	struct sqs_attributes attributes = {.n = 0};
	struct arena a;

	arena_init(&a);
	cross_attributes_to_sqs(&standing, bag, &nowhere, &a,
				(struct cross_room){SQS_ATTRIBUTES_MAX, SQS_BYTES_MAX}, &attributes);
	bool ok = sqs_attributes_encode(&attributes, out) && !out->overflow;
	arena_fini(&a);
	return ok;
}

const struct header_codec sqs_header_codec = {.decode = cross_bag_from_sqs, .encode = codec_encode};
