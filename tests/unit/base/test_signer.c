/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that sign: what they make is checked with libcrypto's own verification, by
 * the certificate alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/signer.h"

static struct buf text;
static struct signer *signer;
#define MADE_MS INT64_C(1700000000000)

static int setup(void **state)
{
	(void)state;
	buf_init(&text, 100000);
	assert_true(signer_make(MADE_MS, &text));
	signer = signer_open(buf_view(&text));
	assert_non_null(signer);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	signer_free(signer);
	buf_fini(&text);
	return 0;
}

static X509 *certificate(void)
{
	struct view pem = signer_certificate(signer);
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(x);
	return x;
}

static bool verifies(const EVP_MD *md, struct view signature, struct view of)
{
	X509 *x = certificate();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = EVP_DigestVerifyInit(ctx, NULL, md, NULL, X509_get0_pubkey(x)) == 1 &&
		  EVP_DigestVerify(ctx, signature.p, signature.n, of.p, of.n) == 1;

	EVP_MD_CTX_free(ctx);
	X509_free(x);
	return ok;
}

static void test_signatures(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	assert_true(signer_sign(signer, SIGNER_SHA1, VIEW("text"), &b));
	assert_int_equal(b.n, SIGNER_BYTES);
	assert_true(verifies(EVP_sha1(), buf_view(&b), VIEW("text")));
	assert_false(verifies(EVP_sha1(), buf_view(&b), VIEW("Text")));
	assert_false(verifies(EVP_sha256(), buf_view(&b), VIEW("text")));
	buf_clear(&b);
	assert_true(signer_sign(signer, SIGNER_SHA256, VIEW("text"), &b));
	assert_true(verifies(EVP_sha256(), buf_view(&b), VIEW("text")));
	buf_fini(&b);
	buf_init(&b, SIGNER_BYTES - 1);
	assert_false(signer_sign(signer, SIGNER_SHA1, VIEW("text"), &b));
	buf_fini(&b);
}

static void test_certificate(void **state)
{
	X509 *x = certificate();
	time_t made = MADE_MS / 1000, later = made + (time_t)99 * 365 * 86400;

	(void)state;
	assert_int_equal(X509_cmp_time(X509_get0_notBefore(x), &made), -1);
	assert_int_equal(X509_cmp_time(X509_get0_notAfter(x), &later), 1);
	assert_int_equal(X509_verify(x, X509_get0_pubkey(x)), 1);
	X509_free(x);
}

static void test_refused_texts(void **state)
{
	struct buf other;

	(void)state;
	assert_null(signer_open(VIEW_NONE));
	assert_null(signer_open(VIEW("-----BEGIN PRIVATE KEY-----")));
	assert_null(signer_open(view_head(buf_view(&text), text.n / 2)));
	assert_null(signer_open(signer_certificate(signer)));
	/* the key of one and the certificate of another */
	buf_init(&other, 100000);
	assert_true(signer_make(MADE_MS, &other));
	const uint8_t *ours = memmem(text.p, text.n, "-----BEGIN CERT", 15);
	other.n = (size_t)((const uint8_t *)memmem(other.p, other.n, "-----BEGIN CERT", 15) - other.p);
	buf_add(&other, view_of(ours, (size_t)(text.p + text.n - ours)));
	assert_null(signer_open(buf_view(&other)));
	buf_fini(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_certificate),
		cmocka_unit_test(test_refused_texts),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
