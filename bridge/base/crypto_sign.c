/* SPDX-License-Identifier: Apache-2.0 */
/* signer.h over libcrypto. A failure here is one of memory or of libcrypto itself
 * and is handed up: nothing of it is worth stopping for. */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/signer.h"

enum { RSA_BITS = 2048, DAYS_BEFORE = 1, DAYS_AFTER = 36500 };

struct signer {
	EVP_PKEY *key;
	size_t certificate_n;
	uint8_t certificate[];
};

/* ---- making ---- */

static bool name_set(X509 *x)
{
	X509_NAME *name = X509_get_subject_name(x);

	return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"mqbridge", -1, -1, 0) &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"SNS message signing", -1, -1,
					  0) &&
	       X509_set_issuer_name(x, name);
}

static bool certificate_fill(X509 *x, EVP_PKEY *key, int64_t wall_ms)
{
	time_t now = (time_t)(wall_ms / 1000);
	uint64_t serial;

	random_secret(&serial, sizeof(serial));
	serial &= INT64_MAX;
	return X509_set_version(x, X509_VERSION_3) && ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial) &&
	       X509_time_adj_ex(X509_getm_notBefore(x), -DAYS_BEFORE, 0, &now) &&
	       X509_time_adj_ex(X509_getm_notAfter(x), DAYS_AFTER, 0, &now) && X509_set_pubkey(x, key) && name_set(x) &&
	       X509_sign(x, key, EVP_sha256());
}

/* What a memory BIO has gathered; the BIO is freed. */
static bool bio_take(BIO *bio, bool ok, struct buf *out)
{
	char *p;
	long n = ok ? BIO_get_mem_data(bio, &p) : 0;

	ok = ok && buf_add(out, view_of(p, (size_t)n));
	BIO_free(bio);
	return ok;
}

bool signer_make(int64_t wall_ms, struct buf *out)
{
	EVP_PKEY *key = EVP_RSA_gen(RSA_BITS);
	X509 *x = X509_new();
	BIO *bio = BIO_new(BIO_s_secmem());
	bool ok = key && x && bio && certificate_fill(x, key, wall_ms) &&
		  PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) && PEM_write_bio_X509(bio, x);

	ok = bio_take(bio, ok, out);
	X509_free(x);
	EVP_PKEY_free(key);
	return ok;
}

/* ---- opening ---- */

static struct signer *signer_of(EVP_PKEY *key, X509 *x)
{
	struct signer *s = NULL;
	struct buf pem;

	buf_init(&pem, SIZE_MAX / 2);
	BIO *bio = BIO_new(BIO_s_mem());
	if (bio_take(bio, bio && PEM_write_bio_X509(bio, x), &pem)) {
		s = mem_alloc(sizeof(*s) + pem.n);
		s->key = key;
		s->certificate_n = pem.n;
		memcpy(s->certificate, pem.p, pem.n);
	}
	buf_fini(&pem);
	return s;
}

struct signer *signer_open(struct view text)
{
	BIO *bio = text.n && text.n <= INT32_MAX ? BIO_new_mem_buf(text.p, (int)text.n) : NULL;
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
	X509 *x = key ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	bool ok = x && EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_size(key) == SIGNER_BYTES &&
		  X509_check_private_key(x, key) == 1;
	struct signer *s = ok ? signer_of(key, x) : NULL;

	if (!s)
		EVP_PKEY_free(key);
	X509_free(x);
	BIO_free(bio);
	return s;
}

void signer_free(struct signer *s)
{
	if (!s)
		return;
	EVP_PKEY_free(s->key);
	free(s);
}

struct view signer_certificate(const struct signer *s)
{
	return view_of(s->certificate, s->certificate_n);
}

bool signer_sign(const struct signer *s, enum signer_hash hash, struct view text, struct buf *out)
{
	const EVP_MD *md = hash == SIGNER_SHA1 ? EVP_sha1() : EVP_sha256();
	uint8_t *p = buf_reserve(out, SIGNER_BYTES);
	size_t n = SIGNER_BYTES;
	EVP_MD_CTX *ctx = p ? EVP_MD_CTX_new() : NULL;
	bool ok = ctx && EVP_DigestSignInit(ctx, NULL, md, NULL, s->key) == 1 &&
		  EVP_DigestSign(ctx, p, &n, text.p, text.n) == 1 && n == SIGNER_BYTES;

	EVP_MD_CTX_free(ctx);
	if (ok)
		out->n += n;
	return ok;
}
