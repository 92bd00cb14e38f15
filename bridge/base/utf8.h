/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as Unicode defines it: no surrogates, no overlong forms, at most U+10FFFF. */
#ifndef MQB_BASE_UTF8_H
#define MQB_BASE_UTF8_H

#include "base/view.h"

/* Bytes of the well-formed character at the front of v; 0: none, or malformed. */
size_t utf8_next(struct view v);
/* Whole of v is well-formed. */
bool utf8_valid(struct view v);
/* Characters of well-formed UTF-8. */
size_t utf8_characters(struct view v);
/* Bytes at the front of v that are ASCII from the space on and neither a quote nor a
 * backslash: what stands in a JSON string as it is. */
size_t utf8_plain(struct view v);

#endif
