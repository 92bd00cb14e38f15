/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by load_wire.c and load_setup.c. */
#ifndef MQB_BENCH_LOAD_WIRE_PRIV_H
#define MQB_BENCH_LOAD_WIRE_PRIV_H

#include "bench/load_wire.h"

#define METHOD(class_id, method) ((uint32_t)(class_id) << 16 | (method))

enum { FRAME_METHOD = 1, FRAME_HEADER = 2, FRAME_BODY = 3, FRAME_HEARTBEAT = 8, FRAME_END = 0xCE };
enum { LOAD_FRAME_MAX = 131072 };

const uint8_t *load_frame(struct load_conn *c, uint32_t *n);
bool load_fill(struct load_conn *c);

#endif
