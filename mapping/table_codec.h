/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as bytes for definitions at rest (queue arguments, binding arguments):
 * a format of our own, every wire type kept, depth and size bounded on decoding. */
#ifndef MQB_MAPPING_TABLE_CODEC_H
#define MQB_MAPPING_TABLE_CODEC_H

#include "base/buf.h"
#include "base/value.h"

/* The top table is depth 1. */
enum { TABLE_DEPTH_MAX = 64, TABLE_BYTES_MAX = 1024 * 1024 };

/* Appends. false: nested deeper or longer than the limits, or *out is full; what
 * *out holds behind its old end is then of no use. */
bool table_encode(const struct table *t, struct buf *out);
/* Views alias `bytes`, arrays lie in the arena. false: malformed. */
bool table_decode(struct view bytes, struct arena *a, struct table *out);

#endif
