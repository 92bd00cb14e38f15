/* SPDX-License-Identifier: Apache-2.0 */
/* Time as a value that somebody hands in: rooms never read a clock themselves.
 * The daemon refreshes one `struct now` a loop turn; a simulation makes it up. */
#ifndef MQB_BASE_CLOCK_H
#define MQB_BASE_CLOCK_H

#include <stdint.h>

struct now {
	int64_t mono_ms; /* monotonic, for deadlines */
	int64_t wall_ms; /* since 1970, for stamps that leave the process */
};

/* The only readers of real clocks; called by net, daemon and the store thread. */
struct now clock_now(void);
uint64_t clock_mono_us(void);

#endif
