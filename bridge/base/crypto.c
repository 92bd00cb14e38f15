/* SPDX-License-Identifier: Apache-2.0 */
/* The only file that knows libcrypto. Algorithms are fetched once: an implicit
 * fetch for each hash costs more than hashing a small message. libcrypto fails
 * here only when memory is gone or it was built without the algorithm: both
 * abort. */
#include "base/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/rng.h"

enum {
	SHA256_BLOCK = 64,
	SCRYPT_N = 1 << 14,
	SCRYPT_R = 8,
	SCRYPT_P = 1,
	SCRYPT_MEMORY_MAX = 64 * 1024 * 1024,
	NONCE_BYTES = 12,
	TAG_BYTES = 16,
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *md5, *sha256;
static EVP_CIPHER *aes256_gcm;

static void expect(bool ok, const char *what)
{
	if (ok)
		return;
	log_error("crypto.gone", "what=%s", what);
	abort();
}

static void fetch(void)
{
	md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	expect(md5 != NULL, "MD5");
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	expect(sha256 != NULL, "SHA256");
	aes256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	expect(aes256_gcm != NULL, "AES-256-GCM");
}

static void hash(EVP_MD **md, struct view v, uint8_t *out)
{
	pthread_once(&once, fetch);
	expect(EVP_Digest(v.p, v.n, out, NULL, *md, NULL) == 1, "digest");
}

void crypto_md5(struct view v, uint8_t out[16])
{
	hash(&md5, v, out);
}

void crypto_sha256(struct view v, uint8_t out[32])
{
	hash(&sha256, v, out);
}

struct digest {
	EVP_MD_CTX *ctx;
};

static struct digest *digest_new(EVP_MD **md)
{
	struct digest *d = mem_alloc(sizeof(*d));

	pthread_once(&once, fetch);
	d->ctx = EVP_MD_CTX_new();
	expect(d->ctx && EVP_DigestInit_ex2(d->ctx, *md, NULL) == 1, "digest");
	return d;
}

struct digest *digest_md5(void)
{
	return digest_new(&md5);
}

struct digest *digest_sha256(void)
{
	return digest_new(&sha256);
}

void digest_add(struct digest *d, struct view v)
{
	expect(EVP_DigestUpdate(d->ctx, v.p, v.n) == 1, "digest");
}

void digest_end(struct digest *d, uint8_t *out)
{
	expect(EVP_DigestFinal_ex(d->ctx, out, NULL) == 1, "digest");
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

/* H((key ^ pad) || v), half of RFC 2104. */
static void hmac_half(EVP_MD_CTX *ctx, const uint8_t key[SHA256_BLOCK], uint8_t pad,
		      struct view v, uint8_t out[32])
{
	uint8_t block[SHA256_BLOCK];

	for (int i = 0; i < SHA256_BLOCK; i++)
		block[i] = key[i] ^ pad;
	expect(EVP_DigestInit_ex2(ctx, sha256, NULL) == 1 &&
		       EVP_DigestUpdate(ctx, block, sizeof(block)) == 1 &&
		       EVP_DigestUpdate(ctx, v.p, v.n) == 1 &&
		       EVP_DigestFinal_ex(ctx, out, NULL) == 1,
	       "hmac");
	OPENSSL_cleanse(block, sizeof(block));
}

/* RFC 2104 */
void crypto_hmac_sha256(struct view key, struct view v, uint8_t out[32])
{
	uint8_t block[SHA256_BLOCK] = {0};
	uint8_t inner[32];

	pthread_once(&once, fetch);
	if (key.n > sizeof(block))
		crypto_sha256(key, block);
	else if (key.n)
		memcpy(block, key.p, key.n);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	expect(ctx != NULL, "hmac");
	hmac_half(ctx, block, 0x36, v, inner);
	hmac_half(ctx, block, 0x5c, view_of(inner, sizeof(inner)), out);
	EVP_MD_CTX_free(ctx);
	OPENSSL_cleanse(block, sizeof(block));
}

bool crypto_scrypt(struct view password, struct view salt, uint8_t out[32])
{
	const char *p = password.n ? (const char *)password.p : "";
	const uint8_t *s = salt.n ? salt.p : (const uint8_t *)"";

	return EVP_PBE_scrypt(p, password.n, s, salt.n, SCRYPT_N, SCRYPT_R, SCRYPT_P,
			      SCRYPT_MEMORY_MAX, out, 32) == 1;
}

bool crypto_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

static EVP_CIPHER_CTX *gcm_new(const uint8_t key[32], const uint8_t *nonce, int encrypt)
{
	pthread_once(&once, fetch);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	expect(ctx && EVP_CipherInit_ex2(ctx, aes256_gcm, key, nonce, encrypt, NULL) == 1,
	       "cipher");
	return ctx;
}

bool crypto_seal(const uint8_t key[32], struct view plain, struct buf *out)
{
	int n, last;

	if (plain.n > INT32_MAX - NONCE_BYTES - TAG_BYTES)
		return false;
	uint8_t *p = buf_reserve(out, NONCE_BYTES + plain.n + TAG_BYTES);
	if (!p)
		return false;
	random_secret(p, NONCE_BYTES);
	EVP_CIPHER_CTX *ctx = gcm_new(key, p, 1);
	uint8_t *text = p + NONCE_BYTES;
	expect((plain.n == 0 || EVP_CipherUpdate(ctx, text, &n, plain.p, (int)plain.n) == 1) &&
		       EVP_CipherFinal_ex(ctx, text + plain.n, &last) == 1 &&
		       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES,
					   text + plain.n) == 1,
	       "seal");
	EVP_CIPHER_CTX_free(ctx);
	out->n += NONCE_BYTES + plain.n + TAG_BYTES;
	return true;
}

bool crypto_open(const uint8_t key[32], struct view sealed, struct buf *out)
{
	uint8_t tag[TAG_BYTES];
	int n, last;

	if (sealed.n < NONCE_BYTES + TAG_BYTES || sealed.n > INT32_MAX)
		return false;
	size_t len = sealed.n - NONCE_BYTES - TAG_BYTES;
	uint8_t *p = buf_reserve(out, len);
	if (!p)
		return false;
	const uint8_t *text = sealed.p + NONCE_BYTES;
	memcpy(tag, text + len, TAG_BYTES);
	EVP_CIPHER_CTX *ctx = gcm_new(key, sealed.p, 0);
	bool ok = (len == 0 || EVP_CipherUpdate(ctx, p, &n, text, (int)len) == 1) &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1 &&
		  EVP_CipherFinal_ex(ctx, p + len, &last) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (ok)
		out->n += len;
	else
		OPENSSL_cleanse(p, len); /* unproven plain text */
	return ok;
}
