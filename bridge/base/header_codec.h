/* SPDX-License-Identifier: Apache-2.0 */
/* What a raw header means. Each head owns the codec of its own wire format and
 * the daemon puts them into one table, so that no head includes another. Further
 * routing keys of a message are the strings in its header CC, which readers see, and
 * in bag.bcc, which they do not (rabbitmq.md 2.17). */
#ifndef MQB_BASE_HEADER_CODEC_H
#define MQB_BASE_HEADER_CODEC_H

#include "base/buf.h"
#include "base/message.h"
#include "base/value.h"

struct header_codec {
	/* raw → bag; views alias raw or the arena. false: malformed. */
	bool (*decode)(struct view raw, struct arena *a, struct bag *out);
	/* bag → raw, appended. false: does not fit the format. */
	bool (*encode)(const struct bag *bag, struct buf *out);
};

struct codecs {
	const struct header_codec *of[RAW_KINDS]; /* NULL: kind not built in */
};

#endif
