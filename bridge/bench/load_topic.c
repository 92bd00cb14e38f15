/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load_topic.h"

#include <stdio.h>

enum {
	FIRST = 25,
	SECOND = 20,
	THIRD = 20,
	LITERALS = 9000,
	MIDDLES = FIRST * THIRD,
	TAILS = 300,
	MIDDLES_AT = LITERALS,
	TAILS_AT = MIDDLES_AT + MIDDLES,
	OTHERS_AT = TAILS_AT + TAILS,
};

_Static_assert(FIRST * SECOND * THIRD == TOPIC_KEYS, "the keys are the words' combinations");

uint32_t topic_queue_of(uint32_t binding, uint32_t queues)
{
	return binding * 2654435761u % queues; /* neighbours lie in different queues */
}

static void key_print(uint32_t key, char *out, size_t room)
{
	snprintf(out, room, "k%02u.a%02u.b%02u", key / (SECOND * THIRD) % 100, key / THIRD % SECOND, key % THIRD);
}

void topic_pattern(uint32_t i, char out[TOPIC_PATTERN_MAX])
{
	if (i < MIDDLES_AT)
		key_print(i, out, TOPIC_PATTERN_MAX);
	else if (i < TAILS_AT)
		snprintf(out, TOPIC_PATTERN_MAX, "k%02u.*.b%02u", (i - MIDDLES_AT) / THIRD, (i - MIDDLES_AT) % THIRD);
	else if (i < OTHERS_AT)
		snprintf(out, TOPIC_PATTERN_MAX, "k%02u.a%02u.#", (i - TAILS_AT) / SECOND, (i - TAILS_AT) % SECOND);
	else
		snprintf(out, TOPIC_PATTERN_MAX, "other.*.x%02u.#", i - OTHERS_AT);
}

/* Distinct queues among the bindings that match. */
static uint8_t copies_of(uint32_t key, uint32_t queues)
{
	uint32_t first = key / (SECOND * THIRD), second = key / THIRD % SECOND, third = key % THIRD;
	uint32_t found[TOPIC_COPIES_MAX], n = 0;
	if (key < LITERALS)
		found[n++] = topic_queue_of(key, queues);
	found[n++] = topic_queue_of(MIDDLES_AT + first * THIRD + third, queues);
	if (first * SECOND + second < TAILS)
		found[n++] = topic_queue_of(TAILS_AT + first * SECOND + second, queues);
	uint8_t copies = 0;
	for (uint32_t i = 0; i < n; i++) {
		bool again = false;
		for (uint32_t j = 0; j < i; j++)
			again |= found[j] == found[i];
		copies = (uint8_t)(copies + !again);
	}
	return copies;
}

void topic_load_init(struct topic_load *t, uint32_t queues)
{
	t->copies_all = 0;
	for (uint32_t key = 0; key < TOPIC_KEYS; key++) {
		key_print(key, t->keys[key], sizeof(t->keys[key]));
		t->copies[key] = copies_of(key, queues);
		t->copies_all += t->copies[key];
	}
}
