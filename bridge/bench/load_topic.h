/* SPDX-License-Identifier: Apache-2.0 */
/* Bindings of a topic exchange, and the keys to publish. Keys are three words,
 * 25 × 20 × 20 of them, published in turn. Of 10,000 bindings 9,000 are such keys, 500
 * match any middle word, 300 any third one (#), and 200 match nothing: 2.5 matches a key. */
#ifndef MQB_BENCH_LOAD_TOPIC_H
#define MQB_BENCH_LOAD_TOPIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TOPIC_KEYS = 10000,
	TOPIC_BINDINGS = 10000,
	TOPIC_KEY_BYTES = 11, /* "k01.a02.b03", all of one length */
	TOPIC_PATTERN_MAX = 32,
	TOPIC_COPIES_MAX = 3, /* queues that one key reaches, at most */
};

struct topic_load {
	char keys[TOPIC_KEYS][TOPIC_KEY_BYTES + 1];
	uint8_t copies[TOPIC_KEYS]; /* queues that the key reaches */
	uint64_t copies_all;
};

/* For so many queues; binding i is of queue topic_queue_of(i). */
void topic_load_init(struct topic_load *t, uint32_t queues);
uint32_t topic_queue_of(uint32_t binding, uint32_t queues);
void topic_pattern(uint32_t binding, char out[TOPIC_PATTERN_MAX]);

#endif
