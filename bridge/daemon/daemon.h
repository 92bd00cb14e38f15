/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon: builds the rooms, runs the loop, stops in order (DESIGN §8). */
#ifndef MQB_DAEMON_DAEMON_H
#define MQB_DAEMON_DAEMON_H

#include "daemon/options.h"

/* Exit codes of every mqbridge command; listed in docs/configuration.md. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,   /* could not do it; the reason is on standard error */
	EXIT_USAGE = 2,    /* bad command line or configuration */
	EXIT_INSECURE = 3, /* refused: open to the network without a real password */
	EXIT_DATA = 4,     /* data directory locked, newer, damaged or not writable */
	EXIT_LISTEN = 5,   /* an address is taken or cannot be bound */
	EXIT_UNREACHED = 6, /* commands: no daemon answers */
	EXIT_DENIED = 7,    /* commands: the daemon does not accept the user or refused */
};

/* Runs until stopped by a signal. sources is borrowed and read again by SIGHUP. */
enum exit_code daemon_run(const struct options_sources *sources);

#endif
