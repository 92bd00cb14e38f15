/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon itself keeps in the catalogue: kind "meta". Read before traffic,
 * written once while opening. */
#include <stdlib.h>

#include "base/log.h"
#include "daemon/daemon_priv.h"

struct sought {
	const char *key;
	struct buf *out;
	bool found;
};

static void look(void *ctx, struct view key, struct view value, uint64_t version)
{
	struct sought *s = ctx;
	(void)version;
	if (view_is(key, s->key))
		s->found = buf_add(s->out, value);
}

bool meta_get(struct daemon *d, const char *key, struct buf *out, bool *found, struct error *e)
{
	struct sought s = {key, out, false};
	bool read = d->store->ops->defs(d->store, VIEW("meta"), look, &s);
	*found = s.found;
	if (!read)
		error_set(e, CODE_UNAVAILABLE, "the %s cannot be read", key);
	return read;
}

/* The one batch of a value, freed when it is done. */
struct keep {
	struct daemon *d;
	const char *key;
	struct store_batch batch;
	struct store_op op;
};

static void kept(struct store_batch *b, void *ctx)
{
	struct keep *k = ctx;
	struct daemon *d = k->d;
	char text[64];
	bool good = b->ops[0].result == STORE_OK;
	snprintf(text, sizeof text, "the %s could not be written to the store", k->key);
	free(k);
	d->pending--;
	if (!good)
		daemon_fail(d, EXIT_DATA, "start.failed", text);
}

void meta_keep(struct daemon *d, const char *key, struct view value)
{
	struct keep *k = calloc(1, sizeof *k);
	must(k);
	k->d = d;
	k->key = key;
	k->op.kind = OP_DEF_PUT;
	k->op.group_end = true;
	k->op.def.kind = VIEW("meta");
	k->op.def.key = view_str(key);
	k->op.def.value = value;
	k->op.def.expected = DEF_ANY;
	k->batch = (struct store_batch){.ops = &k->op, .n = 1, .cap = 1, .done = kept, .ctx = k};
	d->pending++;
	d->store->ops->submit(d->store, &k->batch);
}
