/* SPDX-License-Identifier: Apache-2.0 */
/* An RSA 2048 key that signs, with a self-signed certificate by which anybody can
 * check (PKCS #1 v1.5). libcrypto behind our own header, as in crypto.h. */
#ifndef MQB_BASE_SIGNER_H
#define MQB_BASE_SIGNER_H

#include "base/buf.h"

enum { SIGNER_BYTES = 256 }; /* of a signature */

struct signer;

/* Appends a new key and its certificate, valid from the day before wall_ms for a
 * hundred years, as the text that signer_open takes (PEM of both). Takes some 100 ms. */
bool signer_make(int64_t wall_ms, struct buf *out);
/* Owned by the caller; NULL: the text is not one of signer_make. */
struct signer *signer_open(struct view text);
void signer_free(struct signer *s); /* NULL allowed */
/* PEM; lives as long as the signer. */
struct view signer_certificate(const struct signer *s);

enum signer_hash { SIGNER_SHA1, SIGNER_SHA256 };
/* Appends SIGNER_BYTES. Takes about 0.7 ms. */
bool signer_sign(const struct signer *s, enum signer_hash hash, struct view text, struct buf *out);

#endif
