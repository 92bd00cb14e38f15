/* SPDX-License-Identifier: Apache-2.0 */
/* The opaque text of a receipt handle: base64url of a version byte, the
 * receipt's fields and a truncated HMAC. */
#ifndef MQB_MAPPING_RECEIPT_H
#define MQB_MAPPING_RECEIPT_H

#include "base/buf.h"

struct receipt_fields {
	uint32_t queue;
	uint64_t pos;
	uint32_t receive;
	uint64_t boot;
	int64_t at_ms;
	struct view handle; /* ≤ 200 bytes; on decoding it aliases `scratch` */
};

enum { RECEIPT_TEXT_MAX = 400 };

bool receipt_seal(const uint8_t key[32], const struct receipt_fields *f, struct buf *out);
/* false: not a receipt handle of this key. scratch is cleared first. */
bool receipt_open(const uint8_t key[32], struct view text, struct buf *scratch, struct receipt_fields *out);

#endif
