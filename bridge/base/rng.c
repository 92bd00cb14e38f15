/* SPDX-License-Identifier: Apache-2.0 */
/* xoshiro256** 1.0 (Blackman, Vigna 2018), its state filled by splitmix64 so
 * that no seed gives the all-zero state. */
#include "base/rng.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"

static uint64_t rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

void rng_seed(struct rng *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		uint64_t z = (seed += 0x9e3779b97f4a7c15u);
		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
		r->s[i] = z ^ (z >> 31);
	}
}

uint64_t rng_next(struct rng *r)
{
	uint64_t *s = r->s;
	uint64_t out = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return out;
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
	must(n > 0);
	/* Values below 2^64 mod n would favour the small results. */
	uint64_t floor = (0 - n) % n;
	uint64_t x;
	do {
		x = rng_next(r);
	} while (x < floor);
	return x % n;
}

void rng_uuid(struct rng *r, uint8_t out[16])
{
	uint64_t a = rng_next(r), b = rng_next(r);

	memcpy(out, &a, 8);
	memcpy(out + 8, &b, 8);
	out[6] = (uint8_t)((out[6] & 0x0f) | 0x40); /* RFC 9562 §5.4 */
	out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

void random_secret(void *out, size_t n)
{
	uint8_t *p = out;

	while (n) {
		ssize_t got = getrandom(p, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			log_error("random.gone", "errno=%d", errno);
			abort();
		}
		p += got;
		n -= (size_t)got;
	}
}
