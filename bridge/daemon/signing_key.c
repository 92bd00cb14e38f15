/* SPDX-License-Identifier: Apache-2.0 */
/* The key that signs SNS envelopes, with its certificate, made at the first start
 * that signs. It stays, so that envelopes of an earlier life can still be checked. */
#include "base/log.h"
#include "daemon/daemon_priv.h"

static const char name[] = "signing_key";

bool signing_key_get(struct daemon *d, struct error *e)
{
	bool found;
	buf_init(&d->signing_key, 65536);
	if (!d->options.aws_sign_envelopes)
		return true;
	if (!meta_get(d, name, &d->signing_key, &found, e))
		return false;
	d->signing_key_new = !found;
	if (!found && !signer_make(d->now.wall_ms, &d->signing_key)) {
		error_set(e, CODE_UNAVAILABLE, "no key to sign SNS messages could be made");
		return false;
	}
	d->signer = signer_open(buf_view(&d->signing_key));
	if (!d->signer) {
		error_set(e, CODE_UNAVAILABLE, "the key that signs SNS messages is damaged in the store");
		return false;
	}
	return true;
}

void signing_key_keep(struct daemon *d)
{
	if (d->signing_key_new)
		meta_keep(d, name, buf_view(&d->signing_key));
}

void signing_key_fini(struct daemon *d)
{
	signer_free(d->signer);
	if (d->signing_key.p)
		explicit_bzero(d->signing_key.p, d->signing_key.cap);
	buf_fini(&d->signing_key);
}
