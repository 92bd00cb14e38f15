/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "base/crypto.h"

static void check_hex(const uint8_t *got, size_t n, const char *want)
{
	char text[129];

	assert_true(n <= 64);
	hex_encode(view_of(got, n), text);
	assert_string_equal(text, want);
}

/* RFC 1321 A.5 and FIPS 180 examples. */
static void hash_vectors(void **state)
{
	static const struct { const char *in, *md5, *sha256; } rows[] = {
		{"", "d41d8cd98f00b204e9800998ecf8427e",
		 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "900150983cd24fb0d6963f7d28e17f72",
		 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 "8215ef0796a20bcaaae116d3876c664a",
		 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	uint8_t out[32];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct view in = view_str(rows[i].in);
		crypto_md5(in, out);
		check_hex(out, 16, rows[i].md5);
		crypto_sha256(in, out);
		check_hex(out, 32, rows[i].sha256);
		struct digest *md5 = digest_md5(), *sha256 = digest_sha256();
		for (size_t j = 0; j < in.n; j++) { /* byte by byte */
			digest_add(md5, view_of(in.p + j, 1));
			digest_add(sha256, view_of(in.p + j, 1));
		}
		digest_end(md5, out);
		check_hex(out, 16, rows[i].md5);
		digest_end(sha256, out);
		check_hex(out, 32, rows[i].sha256);
	}
}

/* RFC 4231 §4 */
static void hmac_vectors(void **state)
{
	uint8_t key[131], out[32];

	(void)state;
	memset(key, 0x0b, 20);
	crypto_hmac_sha256(view_of(key, 20), VIEW("Hi There"), out);
	check_hex(out, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	crypto_hmac_sha256(VIEW("Jefe"), VIEW("what do ya want for nothing?"), out);
	check_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key)); /* longer than a block */
	crypto_hmac_sha256(view_of(key, sizeof(key)),
			   VIEW("Test Using Larger Than Block-Size Key - Hash Key First"), out);
	check_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	memset(key, 'a', 64); /* exactly a block (python3 hmac) */
	crypto_hmac_sha256(view_of(key, 64), VIEW("x"), out);
	check_hex(out, 32, "b65ca3a3235f948bc0e6bd747532c54a983b54ddad1a4d1bd8b958e065b1cab4");
	crypto_hmac_sha256(VIEW_NONE, VIEW_NONE, out);
	check_hex(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* RFC 7914 §12, the vector of our parameters; the first 32 of its 64 bytes. */
static void scrypt_vector(void **state)
{
	uint8_t out[32], other[32];

	(void)state;
	assert_true(crypto_scrypt(VIEW("pleaseletmein"), VIEW("SodiumChloride"), out));
	check_hex(out, 32, "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2");
	assert_true(crypto_scrypt(VIEW_NONE, VIEW_NONE, other));
	assert_false(crypto_equal(out, other, 32));
	assert_true(crypto_equal(out, out, 32));
	assert_true(crypto_equal(out, other, 0));
}

/* The GCM specification's test cases 13 and 14 (nonce of zeros in front). */
static void gcm_vectors(void **state)
{
	static const uint8_t key[32], zeros[16];
	uint8_t sealed[64] = {0};
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	size_t n = 12 + unhex("530f8afbc74536b9a963b4f1c4cb738b", sealed + 12);
	assert_true(crypto_open(key, view_of(sealed, n), &out));
	assert_int_equal(out.n, 0);
	n = 12 + unhex("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
		       sealed + 12);
	assert_true(crypto_open(key, view_of(sealed, n), &out));
	check_view(buf_view(&out), view_of(zeros, 16));
	buf_fini(&out);
}

static void seal_opens_only_untouched(void **state)
{
	uint8_t key[32] = {1, 2, 3};
	struct buf sealed, plain, small;

	(void)state;
	buf_init(&sealed, 200);
	buf_init(&plain, 200);
	buf_init(&small, 10);
	assert_true(crypto_seal(key, VIEW("the secret"), &sealed));
	assert_int_equal(sealed.n, 10 + 28);
	assert_true(buf_add_str(&plain, "x=")); /* appends */
	assert_true(crypto_open(key, buf_view(&sealed), &plain));
	check_view(buf_view(&plain), VIEW("x=the secret"));
	for (size_t i = 0; i < sealed.n; i++) {
		sealed.p[i] ^= 1;
		assert_false(crypto_open(key, buf_view(&sealed), &plain));
		sealed.p[i] ^= 1;
	}
	for (size_t n = 0; n < sealed.n; n++)
		assert_false(crypto_open(key, view_of(sealed.p, n), &plain));
	check_view(buf_view(&plain), VIEW("x=the secret"));
	key[31] = 1;
	assert_false(crypto_open(key, buf_view(&sealed), &plain));
	assert_false(crypto_seal(key, VIEW("no room"), &small));
	struct buf again;
	buf_init(&again, 200);
	assert_true(crypto_seal(key, VIEW("the secret"), &again));
	assert_memory_not_equal(again.p, sealed.p, 12); /* a nonce is used once */
	buf_fini(&again);
	buf_fini(&sealed);
	buf_fini(&plain);
	buf_fini(&small);
}

/* RFC 4648 §10 */
static void base64_and_base32_vectors(void **state)
{
	static const struct { const char *in, *base64, *base32; } rows[] = {
		{"", "", ""},
		{"f", "Zg==", "my"},
		{"fo", "Zm8=", "mzxq"},
		{"foo", "Zm9v", "mzxw6"},
		{"foob", "Zm9vYg==", "mzxw6yq"},
		{"fooba", "Zm9vYmE=", "mzxw6ytb"},
		{"foobar", "Zm9vYmFy", "mzxw6ytboi"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[32];
		struct buf b;
		struct view padded = view_str(rows[i].base64), bare = padded;
		buf_init(&b, 100);
		while (bare.n && bare.p[bare.n - 1] == '=')
			bare.n--;
		assert_true(base64_add(&b, view_str(rows[i].in)));
		check_view(buf_view(&b), padded);
		buf_clear(&b);
		assert_true(base64url_add(&b, view_str(rows[i].in)));
		check_view(buf_view(&b), bare);
		buf_clear(&b);
		assert_true(base64_decode(&b, padded) && base64_decode(&b, bare));
		assert_true(base64url_decode(&b, padded) && base64url_decode(&b, bare));
		assert_int_equal(b.n, 4 * strlen(rows[i].in));
		check_view(view_head(buf_view(&b), b.n / 4), view_str(rows[i].in));
		buf_fini(&b);
		assert_int_equal(base32_encode(view_str(rows[i].in), text, 31),
				 strlen(rows[i].base32));
		assert_string_equal(text, rows[i].base32);
		size_t n = base32_encode(view_str(rows[i].in), text, 3);
		assert_int_equal(n, strlen(text));
		assert_memory_equal(text, rows[i].base32, n);
		assert_true(n <= 3);
	}
}

static void base64_refuses_what_it_is_not(void **state)
{
	static const char *const bad[] = {"A", "AAAAA", "====", "=", "A===", "AA=", "AAA==",
					  "AA==AA==", "A\nAA", "A AA", "AA=A", "AAAA=", "AAAA==",
					  "\303\251AA", "AAA*"};
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_add_str(&b, "kept");
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_false(base64_decode(&b, view_str(bad[i])));
		assert_false(base64url_decode(&b, view_str(bad[i])));
		check_view(buf_view(&b), VIEW("kept"));
		assert_false(b.overflow);
	}
	assert_false(base64_decode(&b, VIEW("-_-_")));
	assert_false(base64url_decode(&b, VIEW("+/+/")));
	assert_false(base64_decode(&b, view_of("A\0AA", 4)));
	assert_true(base64_decode(&b, VIEW("+/+/")));
	assert_true(base64url_decode(&b, VIEW("-_-_")));
	assert_memory_equal(b.p + 4, b.p + 7, 3);
	buf_fini(&b);
	buf_init(&b, 3);
	assert_false(base64_add(&b, VIEW("a")));
	assert_true(b.overflow);
	buf_fini(&b);
}

static void base64_round_trips(void **state)
{
	uint8_t bytes[300];
	struct rng rng;

	(void)state;
	rng_seed(&rng, 31);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		struct buf text, back;
		buf_init(&text, 1000);
		buf_init(&back, n); /* decoding asks for no more than it needs */
		fill(&rng, bytes, n);
		assert_true(base64url_add(&text, view_of(bytes, n)));
		assert_true(base64url_decode(&back, buf_view(&text)));
		check_view(buf_view(&back), view_of(bytes, n));
		buf_fini(&text);
		buf_fini(&back);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_vectors),
		cmocka_unit_test(hmac_vectors),
		cmocka_unit_test(scrypt_vector),
		cmocka_unit_test(gcm_vectors),
		cmocka_unit_test(seal_opens_only_untouched),
		cmocka_unit_test(base64_and_base32_vectors),
		cmocka_unit_test(base64_refuses_what_it_is_not),
		cmocka_unit_test(base64_round_trips),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
