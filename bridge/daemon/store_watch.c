/* SPDX-License-Identifier: Apache-2.0 */
/* Stands between the store's up-calls and the engine: hands each on unchanged
 * and remembers the store's state, which health and status report. */
#include "base/log.h"
#include "daemon/daemon_priv.h"

static void loaded(void *ctx, const struct store_loaded *l)
{
	const struct store_sink *in = &((struct daemon *)ctx)->watch.inner;
	if (in->loaded)
		in->loaded(in->ctx, l);
}

static void lease_lost(void *ctx, uint32_t queue, struct view handle)
{
	const struct store_sink *in = &((struct daemon *)ctx)->watch.inner;
	if (in->lease_lost)
		in->lease_lost(in->ctx, queue, handle);
}

static void arrived(void *ctx, uint32_t queue)
{
	const struct store_sink *in = &((struct daemon *)ctx)->watch.inner;
	if (in->arrived)
		in->arrived(in->ctx, queue);
}

static void def_changed(void *ctx, struct view kind, struct view key)
{
	const struct store_sink *in = &((struct daemon *)ctx)->watch.inner;
	if (in->def_changed)
		in->def_changed(in->ctx, kind, key);
}

const char *store_state_name(enum store_state state)
{
	static const char *const names[] = {"ok", "slow", "full", "failed"};
	return names[state];
}

static void state(void *ctx, enum store_state now, const char *why)
{
	struct daemon *d = ctx;
	const struct store_sink *in = &d->watch.inner;
	if (now != d->watch.state)
		log_event(now >= STATE_FULL ? LOG_ERROR : LOG_INFO, "store.state", "state=%s why=\"%s\"",
			  store_state_name(now), why ? why : "");
	d->watch.state = now;
	snprintf(d->watch.why, sizeof d->watch.why, "%s", why ? why : "");
	if (in->state)
		in->state(in->ctx, now, why);
}

void store_watch_start(struct daemon *d)
{
	d->watch.inner = d->store->sink;
	d->store->sink = (struct store_sink){d, loaded, lease_lost, arrived, state, def_changed};
}
