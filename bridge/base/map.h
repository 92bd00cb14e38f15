/* SPDX-License-Identifier: Apache-2.0 */
/* Two hash maps behind our own header: by 64-bit number and by bytes. Open
 * addressing, linear probing, keyed hash (SipHash with a per-process key, so a
 * peer cannot choose colliding names). Values are pointers, owned by the caller;
 * byte keys are borrowed and must outlive the item (they normally lie in it). */
#ifndef MQB_BASE_MAP_H
#define MQB_BASE_MAP_H

#include "base/view.h"

struct map64_slot {
	uint64_t key;
	void *value; /* NULL: free slot */
};

struct map64 {
	struct map64_slot *slots;
	size_t n, cap; /* cap is 0 or a power of two */
};

void map64_fini(struct map64 *m); /* a zeroed struct is an empty map */
void *map64_find(const struct map64 *m, uint64_t key);
/* value must not be NULL; replaces. */
void map64_put(struct map64 *m, uint64_t key, void *value);
/* Returns what it held, or NULL. */
void *map64_remove(struct map64 *m, uint64_t key);
/* Iteration: start with *at = 0; NULL at the end. No changes while iterating. */
void *map64_next(const struct map64 *m, size_t *at, uint64_t *key);

struct mapv_slot {
	struct view key;
	uint64_t hash;
	void *value;
};

struct mapv {
	struct mapv_slot *slots;
	size_t n, cap;
};

void mapv_fini(struct mapv *m);
void *mapv_find(const struct mapv *m, struct view key);
void mapv_put(struct mapv *m, struct view key, void *value);
void *mapv_remove(struct mapv *m, struct view key);
void *mapv_next(const struct mapv *m, size_t *at);

/* SipHash-2-4 under the process key; set once at start (0: fixed, for tests). */
uint64_t hash_view(struct view v);
/* The same over the 8 bytes of v, least significant first. */
uint64_t hash_u64(uint64_t v);
void hash_seed(uint64_t k0, uint64_t k1);

#endif
