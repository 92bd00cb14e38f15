/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of this room share. */
#ifndef MQB_TESTS_UNIT_BASE_CHECK_H
#define MQB_TESTS_UNIT_BASE_CHECK_H

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/view.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Fails the test, showing both as text, unless they are equal. */
void check_view(struct view got, struct view want);
/* Bytes of a hex string, in out; returns how many. */
size_t unhex(const char *hex, uint8_t *out);
/* n pseudo-random bytes. */
void fill(struct rng *r, uint8_t *out, size_t n);
/* Runs f in a child process and checks that it ended by abort(). */
void check_aborts(void (*f)(void));

#endif
