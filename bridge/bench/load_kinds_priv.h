/* SPDX-License-Identifier: Apache-2.0 */
/* How each kind of case runs; a failure ends the process (load_wire.h). */
#ifndef MQB_BENCH_LOAD_KINDS_PRIV_H
#define MQB_BENCH_LOAD_KINDS_PRIV_H

#include "bench/load_case.h"

void stream_measure(const struct load_options *o, struct load_result *out);
void backlog_measure(const struct load_options *o, struct load_result *out);
void idle_measure(const struct load_options *o, struct load_result *out);
void requests_measure(const struct load_options *o, struct load_result *out);

/* The next part of out, or NULL when o does not ask for it; name is static. */
struct load_part *load_part_begin(const struct load_options *o, struct load_result *out, const char *name);

#endif
