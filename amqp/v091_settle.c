/* SPDX-License-Identifier: Apache-2.0 */
/* Deliveries that the client has to settle, and how it does: ack, nack, reject,
 * recover (rabbitmq.md 4.19–4.23).
 *
 * Ring invariants: tags ascend; the first entry is not settled; `live` counts
 * those that are not. Settled ones in the middle stay as gaps until the front
 * reaches them or more than half of the ring are gaps. */
#include "amqp/v091_priv.h"

#include "base/log.h"

enum { COMPACT_MIN = 64 };

static struct unsettled *at(const struct unsettled_ring *r, uint32_t i)
{
	return &r->v[(r->first + i) & (r->cap - 1)];
}

static void ring_resize(struct unsettled_ring *r, uint32_t cap)
{
	struct unsettled *v = mem_alloc(cap * sizeof(*v));
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n; i++)
		if (at(r, i)->lease)
			v[n++] = *at(r, i);
	free(r->v);
	r->v = v;
	r->cap = cap;
	r->first = 0;
	r->n = n;
}

uint64_t v091_unsettled_add(struct channel *ch, uint64_t lease)
{
	struct unsettled_ring *r = &ch->unsettled;

	if (r->n == r->cap) {
		bool gaps = r->cap >= COMPACT_MIN && r->live < r->cap / 2;

		ring_resize(r, gaps ? r->cap : r->cap ? r->cap * 2 : 8);
	}
	r->n++;
	r->live++;
	*at(r, r->n - 1) = (struct unsettled){ch->tag_next, lease};
	return ch->tag_next++;
}

void v091_unsettled_restore(struct channel *ch, const struct unsettled *v, size_t n)
{
	struct unsettled_ring *r = &ch->unsettled;
	struct unsettled *all;
	uint32_t cap = 8, at_old = 0, total = 0;

	if (!n)
		return;
	while (cap < r->live + n)
		cap *= 2;
	all = mem_alloc(cap * sizeof(*all));
	for (size_t i = 0; i < n || at_old < r->n;) {
		const struct unsettled *old = at_old < r->n ? at(r, at_old) : NULL;
		bool back = !old || (i < n && v[i].tag < old->tag);

		if (back || old->lease)
			all[total++] = back ? v[i] : *old;
		if (back)
			i++;
		else
			at_old++;
	}
	free(r->v);
	*r = (struct unsettled_ring){.v = all, .n = total, .cap = cap, .live = total};
}

void v091_unsettled_free(struct channel *ch)
{
	free(ch->unsettled.v);
	memset(&ch->unsettled, 0, sizeof(ch->unsettled));
}

/* Index of the tag, or n when it is not there (or settled). */
static uint32_t find(const struct unsettled_ring *r, uint64_t tag)
{
	uint32_t from = 0, to = r->n;

	if (r->n && at(r, 0)->tag == tag)
		return 0;
	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (at(r, middle)->tag < tag)
			from = middle + 1;
		else
			to = middle;
	}
	return from < r->n && at(r, from)->tag == tag && at(r, from)->lease ? from : r->n;
}

/* Takes the entries from … to out; their leases go to the engine in tag order. */
static void settle_range(struct channel *ch, uint32_t from, uint32_t to, const struct outcome *o)
{
	struct unsettled_ring *r = &ch->unsettled;
	uint64_t leases[256];
	size_t n = 0;

	for (uint32_t i = from; i < to; i++) {
		if (!at(r, i)->lease)
			continue;
		leases[n++] = at(r, i)->lease;
		if (ch->tx)
			v091_tx_note(ch, at(r, i));
		at(r, i)->lease = 0;
		r->live--;
		if (n == sizeof(leases) / sizeof(leases[0])) {
			engine_settle(ch->conn->env->engine, ch->session, leases, n, o);
			n = 0;
		}
	}
	if (n)
		engine_settle(ch->conn->env->engine, ch->session, leases, n, o);
	while (r->n && !at(r, 0)->lease) {
		r->first = (r->first + 1) & (r->cap - 1);
		r->n--;
	}
}

static void settle(struct channel *ch, uint32_t method, uint64_t tag, bool multiple, const struct outcome *o)
{
	struct unsettled_ring *r = &ch->unsettled;
	uint32_t i;

	if (multiple && tag == 0) { /* all of them; none is no error */
		settle_range(ch, 0, r->n, o);
		return;
	}
	i = find(r, tag);
	if (i == r->n) {
		v091_channel_fail(ch, AMQP_PRECONDITION_FAILED, method, "unknown delivery tag %llu",
			     (unsigned long long)tag);
		return;
	}
	settle_range(ch, multiple ? 0 : i, i + 1, o);
}

void v091_on_ack(struct channel *ch, const void *method)
{
	static const struct outcome accept = {.kind = OUTCOME_ACCEPT};
	const amqp_basic_ack_t *m = method;

	settle(ch, AMQP_BASIC_ACK_METHOD, m->delivery_tag, m->multiple, &accept);
}

/* rabbitmq.md 4.20, 4.22 */
static const struct outcome *refused(bool requeue)
{
	static const struct outcome back = {.kind = OUTCOME_RELEASE, .failed = true};
	static const struct outcome dead = {.kind = OUTCOME_DEAD_LETTER};

	return requeue ? &back : &dead;
}

void v091_on_nack(struct channel *ch, const void *method)
{
	const amqp_basic_nack_t *m = method;

	settle(ch, AMQP_BASIC_NACK_METHOD, m->delivery_tag, m->multiple, refused(m->requeue));
}

void v091_on_reject(struct channel *ch, const void *method)
{
	const amqp_basic_reject_t *m = method;

	settle(ch, AMQP_BASIC_REJECT_METHOD, m->delivery_tag, false, refused(m->requeue));
}

/* rabbitmq.md 4.23. At once, in a transaction too. */
static bool recover(struct channel *ch, uint32_t method, bool requeue)
{
	struct tx *tx;

	if (!requeue) {
		v091_channel_fail(ch, AMQP_NOT_IMPLEMENTED, method, "requeue=false");
		return false;
	}
	tx = v091_tx_leave(ch);
	settle_range(ch, 0, ch->unsettled.n, refused(true));
	v091_tx_back(ch, tx);
	return true;
}

void v091_on_recover(struct channel *ch, const void *method)
{
	const amqp_basic_recover_t *m = method;
	amqp_basic_recover_ok_t ok = {0};

	if (recover(ch, AMQP_BASIC_RECOVER_METHOD, m->requeue))
		v091_send_method(ch->conn, ch->id, AMQP_BASIC_RECOVER_OK_METHOD, &ok);
}

void v091_on_recover_async(struct channel *ch, const void *method)
{
	const amqp_basic_recover_async_t *m = method;

	recover(ch, AMQP_BASIC_RECOVER_ASYNC_METHOD, m->requeue);
}
