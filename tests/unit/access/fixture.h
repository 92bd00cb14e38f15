/* SPDX-License-Identifier: Apache-2.0 */
/* An access room over a store, and the answers it has given. The pool of hashing
 * threads is played by the test: what is offloaded waits until fixture_work. */
#ifndef TESTS_UNIT_ACCESS_FIXTURE_H
#define TESTS_UNIT_ACCESS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "access/access.h"

enum { WORK_MAX = 64 };

struct offloaded {
	void (*work)(void *arg);
	void (*done)(void *arg);
	void *arg;
};

struct fixture {
	struct store *store;
	struct access *access;
	struct access_options options;
	struct now now;
	struct offloaded work[WORK_MAX];
	int n_work, n_hashed; /* waiting, ever run */
	int n_vhosts;
	char last_vhost[64];
};

struct answer {
	int n;
	enum code code;
	char text[256];
};

struct access_options fixture_options(void);
/* A memory store, first start done; offload: hashing waits for fixture_work. */
void fixture_open(struct fixture *f, bool offload);
void fixture_close(struct fixture *f);
/* New access room over the same store. */
void fixture_restart(struct fixture *f);
/* Polls store and access until nothing happens any more. */
void fixture_run(struct fixture *f);
/* Runs what is offloaded, in order; the results are raised by fixture_run. */
void fixture_work(struct fixture *f);

void answer_take(void *ctx, enum code code, const char *text);
void answer_is(const struct answer *a, enum code code);
/* Asks and runs to the answer, hashes included. */
enum code login(struct fixture *f, const char *user, const char *password, bool loopback);
enum code user_put(struct fixture *f, const char *name, const char *password, const char *tags);
enum code permission_put(struct fixture *f, const char *user, const char *vhost, const char *pattern);

#endif
