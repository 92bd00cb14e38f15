/* SPDX-License-Identifier: Apache-2.0 */
/* MD5 (RFC 1321) of several texts at once. One MD5 is a chain in which each step
 * waits for the last, so a core is mostly idle in it; here LANES of them run side
 * by side in vectors, which the compiler cuts to what the machine has. Lanes of
 * different lengths: one that has come to its end goes on over its last block, and its
 * digest is what it was at the end. */
#include <endian.h>

#include "base/crypto.h"

enum { LANES = 8, BLOCK = 64, WORDS = 16, LENGTH_BYTES = 8, GAIN_MIN = 3 };

typedef uint32_t lanes __attribute__((vector_size(LANES * sizeof(uint32_t))));

struct lane {
	struct view text;
	size_t blocks;          /* with the padding */
	uint8_t tail[2 * BLOCK]; /* what of the text fills no block, and the padding */
	size_t tail_at;         /* its place in the padded text */
};

static const uint32_t sines[64] = {
	0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
	0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
	0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
	0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
	0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
	0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
	0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
	0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

/* Four steps: the roles of a, b, c, d come round. f: the round's function of
 * (b, c, d); k: the word of step i; r0 to r3: how far each is turned. */
#define STEP(f, a, b, c, d, word, i, r)                                                                              \
	do {                                                                                                          \
		lanes sum = (a) + f(b, c, d) + (word) + sines[i];                                                     \
		(a) = (b) + (sum << (r) | sum >> (32 - (r)));                                                         \
	} while (0)
#define FOUR(f, k, i, r0, r1, r2, r3)                                                                                \
	do {                                                                                                          \
		STEP(f, a, b, c, d, w[k(i)], i, r0);                                                                  \
		STEP(f, d, a, b, c, w[k((i) + 1)], (i) + 1, r1);                                                      \
		STEP(f, c, d, a, b, w[k((i) + 2)], (i) + 2, r2);                                                      \
		STEP(f, b, c, d, a, w[k((i) + 3)], (i) + 3, r3);                                                      \
	} while (0)

#define F1(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define F2(x, y, z) ((y) ^ ((z) & ((x) ^ (y))))
#define F3(x, y, z) ((x) ^ (y) ^ (z))
#define F4(x, y, z) ((y) ^ ((x) | ~(z)))
#define K1(i) (i)
#define K2(i) ((5 * (i) + 1) % WORDS)
#define K3(i) ((3 * (i) + 5) % WORDS)
#define K4(i) (7 * (i) % WORDS)

static void block_add(lanes state[4], const lanes w[WORDS])
{
	lanes a = state[0], b = state[1], c = state[2], d = state[3];

#pragma GCC unroll 4
	for (int i = 0; i < 16; i += 4)
		FOUR(F1, K1, i, 7, 12, 17, 22);
#pragma GCC unroll 4
	for (int i = 16; i < 32; i += 4)
		FOUR(F2, K2, i, 5, 9, 14, 20);
#pragma GCC unroll 4
	for (int i = 32; i < 48; i += 4)
		FOUR(F3, K3, i, 4, 11, 16, 23);
#pragma GCC unroll 4
	for (int i = 48; i < 64; i += 4)
		FOUR(F4, K4, i, 6, 10, 15, 21);
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
}

static void lane_init(struct lane *l, struct view text)
{
	size_t whole = text.n / BLOCK * BLOCK, rest = text.n - whole;
	uint64_t bits = htole64((uint64_t)text.n * 8);

	*l = (struct lane){.text = text, .tail_at = whole};
	l->blocks = whole / BLOCK + (rest + 1 + LENGTH_BYTES <= BLOCK ? 1 : 2);
	view_put(l->tail, view_skip(text, whole));
	l->tail[rest] = 0x80;
	memcpy(l->tail + l->blocks * BLOCK - whole - LENGTH_BYTES, &bits, sizeof(bits));
}

static const uint8_t *lane_block(const struct lane *l, size_t i)
{
	size_t at = (i < l->blocks ? i : l->blocks - 1) * BLOCK;

	return at < l->tail_at ? l->text.p + at : l->tail + (at - l->tail_at);
}

/* Word i of every lane's block stands in w[i]. */
static void words_load(lanes w[WORDS], const struct lane l[LANES], size_t block)
{
	uint32_t turned[WORDS][LANES];

	for (size_t k = 0; k < LANES; k++) {
		uint32_t words[WORDS];
		memcpy(words, lane_block(&l[k], block), sizeof(words));
		for (size_t i = 0; i < WORDS; i++)
			turned[i][k] = le32toh(words[i]);
	}
	memcpy(w, turned, sizeof(turned));
}

static void digest_store(const lanes state[4], size_t k, uint8_t out[16])
{
	for (size_t i = 0; i < 4; i++) {
		uint32_t word = htole32(state[i][k]);
		memcpy(out + i * sizeof(word), &word, sizeof(word));
	}
}

/* n: 1 to LANES; the lanes beyond it repeat the first. */
static void lanes_digest(const struct lane l[LANES], size_t n, uint8_t (*out)[16])
{
	lanes state[4] = {{0}}, w[WORDS];
	static const uint32_t start[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
	size_t longest = 0;

	for (size_t i = 0; i < 4; i++)
		state[i] += start[i];
	for (size_t k = 0; k < n; k++)
		longest = l[k].blocks > longest ? l[k].blocks : longest;
	for (size_t block = 0; block < longest; block++) {
		words_load(w, l, block);
		block_add(state, w);
		for (size_t k = 0; k < n; k++)
			if (l[k].blocks == block + 1)
				digest_store(state, k, out[k]);
	}
}

/* Side by side it takes as long as the longest does; that must be less than one after
 * another by a factor. */
static bool worth_it(const struct lane *l, size_t n)
{
	size_t all = 0, longest = 0;

	for (size_t k = 0; k < n; k++) {
		all += l[k].blocks;
		longest = l[k].blocks > longest ? l[k].blocks : longest;
	}
	return all >= longest * GAIN_MIN;
}

void crypto_md5_many(const struct view *texts, size_t n, uint8_t (*out)[16])
{
	for (size_t from = 0; from < n; from += LANES) {
		struct lane l[LANES];
		size_t here = n - from < LANES ? n - from : LANES;

		for (size_t k = 0; k < LANES; k++)
			lane_init(&l[k], texts[from + (k < here ? k : 0)]);
		if (worth_it(l, here))
			lanes_digest(l, here, out + from);
		else
			for (size_t k = 0; k < here; k++)
				crypto_md5(texts[from + k], out[from + k]);
	}
}
