/* SPDX-License-Identifier: Apache-2.0 */
/* Many filter policies against one message: an inverted index over conditions, so
 * that the cost grows with what may match, not with how many policies there are
 * (DESIGN §6, sqs-sns.md §15). Ids are opaque. Pure value, owned by its topic. */
#ifndef MQB_MAPPING_FILTER_INDEX_H
#define MQB_MAPPING_FILTER_INDEX_H

#include "mapping/filter_policy.h"

struct filter_index;

struct filter_index *filter_index_new(void);
void filter_index_free(struct filter_index *x);
/* Borrows the policy until the id is removed; NULL: matches everything. An id is added once. */
void filter_index_add(struct filter_index *x, const struct filter_policy *p, uint64_t id);
void filter_index_remove(struct filter_index *x, uint64_t id);
size_t filter_index_count(const struct filter_index *x);
/* Some policy looks at attributes, or at the body: what the caller must fill in. */
bool filter_index_needs(const struct filter_index *x, enum filter_scope scope);
/* Ids whose policy matches, each once, in no order; valid until the next call. */
const uint64_t *filter_index_match(struct filter_index *x, struct filter_input *in, size_t *n);
/* OR-branches that the last match evaluated. */
size_t filter_index_tried(const struct filter_index *x);

#endif
