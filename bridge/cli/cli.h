/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: one table of commands. All but `serve` and `bench` talk to a
 * running daemon through its admin listener (docs/administration.md). */
#ifndef MQB_CLI_CLI_H
#define MQB_CLI_CLI_H

#include "daemon/daemon.h"

enum exit_code cli_main(int argc, char **argv);

/* The commands; argv[0] is the command's last word. */
enum exit_code serve_main(int argc, char **argv);
enum exit_code user_main(int argc, char **argv);
enum exit_code key_main(int argc, char **argv);
enum exit_code status_main(int argc, char **argv);
enum exit_code health_main(int argc, char **argv);
enum exit_code bench_main(int argc, char **argv);

#endif
