/* SPDX-License-Identifier: Apache-2.0 */
/* Literals of typed values and tables for tables of test rows. */
#ifndef TESTS_UNIT_MAPPING_VALUES_H
#define TESTS_UNIT_MAPPING_VALUES_H

#include "base/value.h"

#define INT_OF(kind, n) {.type = (kind), .i = (n)}
#define STR(text) {.type = VALUE_STRING, .s = {(const uint8_t *)(text), sizeof(text) - 1}}
#define BYTES(text) {.type = VALUE_BYTES, .s = {(const uint8_t *)(text), sizeof(text) - 1}}
#define BOOL(b) {.type = VALUE_BOOL, .boolean = (b)}
#define REAL(r) {.type = VALUE_DOUBLE, .d = (r)}
#define FLOAT(r) {.type = VALUE_FLOAT, .d = (r)}
#define DECIMAL(sc, un) {.type = VALUE_DECIMAL, .decimal = {(sc), (un)}}
#define NOTHING {.type = VALUE_VOID}
#define CONTAINER(kind, ...)                                                   \
	{.type = (kind),                                                       \
	 .table = {(struct field[]){__VA_ARGS__},                              \
		   sizeof((struct field[]){__VA_ARGS__}) / sizeof(struct field)}}
#define FIELD(text, ...) {{(const uint8_t *)(text), sizeof(text) - 1}, __VA_ARGS__}
#define TABLE(...)                                                             \
	{(struct field[]){__VA_ARGS__}, sizeof((struct field[]){__VA_ARGS__}) / sizeof(struct field)}

#endif
