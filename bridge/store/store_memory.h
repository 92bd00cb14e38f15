/* SPDX-License-Identifier: Apache-2.0 */
/* The memory store: same door, same order, nothing survives the process. */
#ifndef MQB_STORE_STORE_MEMORY_H
#define MQB_STORE_STORE_MEMORY_H

#include "store/store.h"

struct store *store_memory_open(void);

#endif
