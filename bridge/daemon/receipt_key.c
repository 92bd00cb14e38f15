/* SPDX-License-Identifier: Apache-2.0 */
/* The secret that seals SQS receipt handles, made at the first start. Handles of an
 * earlier life of the process stay good because it stays. */
#include "base/rng.h"
#include "daemon/daemon_priv.h"

static const char name[] = "receipt_key";

bool receipt_key_get(struct daemon *d, struct error *e)
{
	struct buf b;
	bool found;
	buf_init(&b, 65536);
	bool read = meta_get(d, name, &b, &found, e);
	d->receipt_key_new = !found || b.n != RECEIPT_KEY_BYTES;
	if (!d->receipt_key_new)
		memcpy(d->receipt_key, b.p, RECEIPT_KEY_BYTES);
	else
		random_secret(d->receipt_key, RECEIPT_KEY_BYTES);
	buf_fini(&b);
	return read;
}

void receipt_key_keep(struct daemon *d)
{
	if (d->receipt_key_new)
		meta_keep(d, name, view_of(d->receipt_key, RECEIPT_KEY_BYTES));
}
