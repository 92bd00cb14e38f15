/* SPDX-License-Identifier: Apache-2.0 */
/* JSON strings with escapes, for json_reader.h. */
#ifndef MQB_MAPPING_JSON_STRING_H
#define MQB_MAPPING_JSON_STRING_H

#include "base/arena.h"

/* Half of a surrogate pair: refused, or three bytes of its own, so that it equals
 * only itself. */
enum json_halves { JSON_HALVES_REFUSED, JSON_HALVES_KEPT };

/* raw: what is between the quotes. The result lies in the arena. false: an escape is
 * malformed. */
bool json_unescape(struct view raw, enum json_halves halves, struct arena *a, struct view *out);

#endif
