/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes and encodings (libcrypto behind our own header). Encoders write a NUL
 * and return the length without it; decoders return -1 on bad input. */
#ifndef MQB_BASE_CRYPTO_H
#define MQB_BASE_CRYPTO_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/utf8.h"

void crypto_md5(struct view v, uint8_t out[16]);
void crypto_sha256(struct view v, uint8_t out[32]);
void crypto_hmac_sha256(struct view key, struct view v, uint8_t out[32]);
/* Incremental, for bodies in chunks. */
struct digest;
struct digest *digest_md5(void);
struct digest *digest_sha256(void);
void digest_add(struct digest *d, struct view v);
/* Writes 16 or 32 bytes and frees d. */
void digest_end(struct digest *d, uint8_t *out);

/* scrypt N=2^14 r=8 p=1; 32 bytes out. Slow by design: call it off the loop. */
bool crypto_scrypt(struct view password, struct view salt, uint8_t out[32]);
/* Constant time. */
bool crypto_equal(const uint8_t *a, const uint8_t *b, size_t n);
/* AES-256-GCM: out = 12-byte nonce, ciphertext, 16-byte tag (n + 28 bytes). */
bool crypto_seal(const uint8_t key[32], struct view plain, struct buf *out);
bool crypto_open(const uint8_t key[32], struct view sealed, struct buf *out);

bool base64_add(struct buf *out, struct view v);     /* standard, padded */
bool base64url_add(struct buf *out, struct view v);  /* URL-safe, no padding */
/* Accepts padding or none; false on any other byte. */
bool base64_decode(struct buf *out, struct view v);
bool base64url_decode(struct buf *out, struct view v);
void hex_encode(struct view v, char *out /* 2n + 1 */);
/* RFC 4648 base32, lower case, no padding; at most max
 * characters and a NUL (out has max + 1 bytes). */
size_t base32_encode(struct view v, char *out, size_t max);

#endif
