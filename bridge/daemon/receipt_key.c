/* SPDX-License-Identifier: Apache-2.0 */
/* The secret that seals SQS receipt handles: kind "meta", key "receipt_key" of
 * the catalogue, made at the first start. Handles of an earlier life of the
 * process stay good because it stays. */
#include <stdlib.h>

#include "base/log.h"
#include "base/rng.h"
#include "daemon/daemon_priv.h"

struct found {
	uint8_t *key;
	bool found;
};

static void look(void *ctx, struct view key, struct view value, uint64_t version)
{
	struct found *f = ctx;
	(void)version;
	if (view_is(key, "receipt_key") && value.n == RECEIPT_KEY_BYTES) {
		memcpy(f->key, value.p, value.n);
		f->found = true;
	}
}

/* The one batch of it, freed when it is done. */
struct keep {
	struct daemon *d;
	struct store_batch batch;
	struct store_op op;
};

static void kept(struct store_batch *b, void *ctx)
{
	struct keep *k = ctx;
	struct daemon *d = k->d;
	bool good = b->ops[0].result == STORE_OK;
	free(k);
	d->pending--;
	if (!good)
		daemon_fail(d, EXIT_DATA, "start.failed", "the receipt key could not be written to the store");
}

bool receipt_key_get(struct daemon *d, struct error *e)
{
	struct found f = {d->receipt_key, false};
	if (!d->store->ops->defs(d->store, VIEW("meta"), look, &f)) {
		error_set(e, CODE_UNAVAILABLE, "the receipt key cannot be read");
		return false;
	}
	if (f.found)
		return true;
	random_secret(d->receipt_key, RECEIPT_KEY_BYTES);
	d->receipt_key_new = true;
	return true;
}

void receipt_key_keep(struct daemon *d)
{
	if (!d->receipt_key_new)
		return;
	struct keep *k = calloc(1, sizeof *k);
	must(k);
	k->d = d;
	k->op.kind = OP_DEF_PUT;
	k->op.group_end = true;
	k->op.def.kind = VIEW("meta");
	k->op.def.key = VIEW("receipt_key");
	k->op.def.value = view_of(d->receipt_key, RECEIPT_KEY_BYTES);
	k->op.def.expected = DEF_ANY;
	k->batch = (struct store_batch){.ops = &k->op, .n = 1, .cap = 1, .done = kept, .ctx = k};
	d->pending++;
	d->store->ops->submit(d->store, &k->batch);
}
