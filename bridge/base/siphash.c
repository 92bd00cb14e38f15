/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4 (Aumasson, Bernstein 2012) with 64 bits out, under one key for
 * the whole process. The key is set before any other thread starts. */
#include <endian.h>

#include "base/map.h"

static uint64_t key0, key1;

struct sip {
	uint64_t v0, v1, v2, v3;
};

void hash_seed(uint64_t k0, uint64_t k1)
{
	key0 = k0;
	key1 = k1;
}

static inline uint64_t rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v2 = rotl(s->v2, 32);
}

static inline struct sip sip_start(void)
{
	return (struct sip){
		key0 ^ 0x736f6d6570736575u,
		key1 ^ 0x646f72616e646f6du,
		key0 ^ 0x6c7967656e657261u,
		key1 ^ 0x7465646279746573u,
	};
}

static inline void sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	sip_round(s);
	s->v0 ^= word;
}

static inline uint64_t sip_end(struct sip *s)
{
	s->v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t hash_view(struct view v)
{
	struct sip s = sip_start();
	uint64_t last = (uint64_t)v.n << 56;
	size_t i;

	for (i = 0; i + 8 <= v.n; i += 8) {
		uint64_t word;
		memcpy(&word, v.p + i, 8);
		sip_word(&s, le64toh(word));
	}
	for (int shift = 0; i < v.n; i++, shift += 8)
		last |= (uint64_t)v.p[i] << shift;
	sip_word(&s, last);
	return sip_end(&s);
}

uint64_t hash_u64(uint64_t v)
{
	struct sip s = sip_start();

	sip_word(&s, v);
	sip_word(&s, (uint64_t)8 << 56);
	return sip_end(&s);
}
