/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes under the base64url:
 *
 *   version (1)  handle length (1)  queue (4)  pos (8)  receive (4)  boot (8)
 *   at (8)  handle  padding (0..2 zeros)  MAC (10)
 *
 * all numbers big-endian. The MAC is the head of HMAC-SHA256 over all bytes in
 * front of it. The padding makes the whole a multiple of 3 bytes, so that every
 * bit of the text counts and one receipt has one text. A text has no dots, hence
 * never the separators of the extended client library (sqs-sns.md §5). */
#include "mapping/receipt.h"

#include "base/crypto.h"

enum {
	VERSION = 2,
	HEAD_BYTES = 34,
	MAC_BYTES = 10,
	HANDLE_BYTES_MAX = 200,
	SHA256_BYTES = 32,
};

static size_t padding_of(size_t handle_n)
{
	return (3 - (HEAD_BYTES + handle_n + MAC_BYTES) % 3) % 3;
}

static void mac_of(const uint8_t key[32], struct view v, uint8_t out[SHA256_BYTES])
{
	crypto_hmac_sha256(view_of(key, 32), v, out);
}

bool receipt_seal(const uint8_t key[32], const struct receipt_fields *f, struct buf *out)
{
	uint8_t bytes[HEAD_BYTES + HANDLE_BYTES_MAX + 2 + MAC_BYTES] = {0};
	uint8_t mac[SHA256_BYTES];
	if (f->handle.n > HANDLE_BYTES_MAX)
		return false;
	bytes[0] = VERSION;
	bytes[1] = (uint8_t)f->handle.n;
	be32_put(bytes + 2, f->queue);
	be64_put(bytes + 6, f->pos);
	be32_put(bytes + 14, f->receive);
	be64_put(bytes + 18, f->boot);
	be64_put(bytes + 26, (uint64_t)f->at_ms);
	if (f->handle.n)
		memcpy(bytes + HEAD_BYTES, f->handle.p, f->handle.n);
	size_t n = HEAD_BYTES + f->handle.n + padding_of(f->handle.n);
	mac_of(key, view_of(bytes, n), mac);
	memcpy(bytes + n, mac, MAC_BYTES);
	return base64url_add(out, view_of(bytes, n + MAC_BYTES));
}

/* v is what the MAC covers. */
static bool fields_read(struct view v, struct receipt_fields *out)
{
	struct reader r = reader_of(v);
	if (reader_u8(&r) != VERSION)
		return false;
	size_t handle_n = reader_u8(&r);
	out->queue = reader_u32(&r);
	out->pos = reader_u64(&r);
	out->receive = reader_u32(&r);
	out->boot = reader_u64(&r);
	out->at_ms = (int64_t)reader_u64(&r);
	out->handle = reader_bytes(&r, handle_n);
	return !r.bad && handle_n <= HANDLE_BYTES_MAX && r.v.n == padding_of(handle_n);
}

bool receipt_open(const uint8_t key[32], struct view text, struct buf *scratch, struct receipt_fields *out)
{
	uint8_t mac[SHA256_BYTES];
	buf_clear(scratch);
	*out = (struct receipt_fields){0};
	if (text.n > RECEIPT_TEXT_MAX || !base64url_decode(scratch, text))
		return false;
	struct view all = buf_view(scratch);
	if (all.n != text.n / 4 * 3 || all.n < HEAD_BYTES + MAC_BYTES)
		return false;
	struct view covered = view_head(all, all.n - MAC_BYTES);
	mac_of(key, covered, mac);
	if (!crypto_equal(mac, all.p + covered.n, MAC_BYTES))
		return false;
	if (fields_read(covered, out))
		return true;
	*out = (struct receipt_fields){0};
	return false;
}
