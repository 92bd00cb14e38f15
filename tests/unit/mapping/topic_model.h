/* SPDX-License-Identifier: Apache-2.0 */
/* The topic rule as it reads (rabbitmq.md 2.14), by plain recursion: what the
 * trie is compared with, here and in the fuzz target. */
#ifndef TESTS_UNIT_MAPPING_TOPIC_MODEL_H
#define TESTS_UNIT_MAPPING_TOPIC_MODEL_H

#include "base/view.h"

/* Words of v; the empty view has none. Returns how many (at most max). */
static inline size_t model_split(struct view v, struct view *words, size_t max)
{
	size_t n = 0, from = 0;
	if (v.n == 0)
		return 0;
	for (size_t i = 0; i <= v.n && n < max; i++) {
		if (i == v.n || v.p[i] == '.') {
			words[n++] = view_of(v.p + from, i - from);
			from = i + 1;
		}
	}
	return n;
}

static inline bool model_words(const struct view *p, size_t pn, const struct view *k, size_t kn)
{
	if (pn == 0)
		return kn == 0;
	if (view_is(p[0], "#"))
		return model_words(p + 1, pn - 1, k, kn) || (kn && model_words(p, pn, k + 1, kn - 1));
	return kn && (view_is(p[0], "*") || view_eq(p[0], k[0])) && model_words(p + 1, pn - 1, k + 1, kn - 1);
}

static inline bool model_matches(struct view pattern, struct view key)
{
	struct view p[32], k[32];
	size_t pn = model_split(pattern, p, 32), kn = model_split(key, k, 32);
	return model_words(p, pn, k, kn);
}

#endif
