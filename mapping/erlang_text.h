/* SPDX-License-Identifier: Apache-2.0 */
/* Values as RabbitMQ's texts show them: Erlang terms, on one line. */
#ifndef MQB_MAPPING_ERLANG_TEXT_H
#define MQB_MAPPING_ERLANG_TEXT_H

#include "base/buf.h"
#include "base/value.h"

/* Appends; what does not fit in *out is left out. */
void erlang_text(const struct value *v, struct buf *out);

#endif
