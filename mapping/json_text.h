/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON text straight into a buffer. Strings are UTF-8; what JSON or SQS
 * does not allow raw (quotes, backslash, control characters, U+FFFE, U+FFFF) is
 * escaped, so what is written is always legal SQS text too. */
#ifndef MQB_MAPPING_JSON_TEXT_H
#define MQB_MAPPING_JSON_TEXT_H

#include "base/buf.h"

/* "text" with its quotes. The bytes must be well-formed UTF-8. */
bool json_text_add(struct buf *out, struct view text);
/* The same without quotes, for a string that is written in pieces; a piece ends
 * on a character boundary. */
bool json_text_add_part(struct buf *out, struct view text);

#endif
