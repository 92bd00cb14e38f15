/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers. `struct rng` is a fast seeded generator (xoshiro256**) for
 * ids and simulations; random_secret is the kernel's, for keys and salts. */
#ifndef MQB_BASE_RNG_H
#define MQB_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
/* 0 .. n-1 without bias; n > 0. */
uint64_t rng_below(struct rng *r, uint64_t n);
/* A UUID version 4. */
void rng_uuid(struct rng *r, uint8_t out[16]);
/* Aborts when the kernel has none to give. */
void random_secret(void *out, size_t n);

#endif
