/* SPDX-License-Identifier: Apache-2.0 */
/* Publisher confirms (rabbitmq.md 4.8). Outcomes are gathered and said once a
 * turn, after its deliveries: nacks singly, then one ack for everything up to the
 * first unfinished tag, then the finished ones behind it singly.
 *
 * Invariant: every tag below `first` is finished; the ring tells which of first …
 * next - 1 are. */
#include "amqp/v091_priv.h"

#include "base/log.h"

void v091_on_confirm_select(struct channel *ch, const void *method)
{
	const amqp_confirm_select_t *m = method;
	amqp_confirm_select_ok_t ok = {0};

	if (ch->tx) { /* rabbitmq.md 4.9 */
		v091_channel_fail(ch, AMQP_PRECONDITION_FAILED, AMQP_CONFIRM_SELECT_METHOD,
			     "cannot switch from tx to confirm mode");
		return;
	}
	if (!ch->confirms.on) {
		ch->confirms.on = true;
		ch->confirms.next = ch->confirms.first = 1;
	}
	if (!m->nowait)
		v091_send_method(ch->conn, ch->id, AMQP_CONFIRM_SELECT_OK_METHOD, &ok);
}

/* Doubles the ring; each tag goes to its place in the larger one. */
static void ring_grow(struct confirms *k)
{
	size_t cap = k->cap ? k->cap * 2 : 64;
	uint8_t *ring = mem_zalloc(cap);

	for (uint64_t tag = k->first; tag < k->next; tag++)
		ring[tag & (cap - 1)] = k->ring[tag & (k->cap - 1)];
	free(k->ring);
	k->ring = ring;
	k->cap = cap;
}

uint64_t v091_confirm_next(struct channel *ch)
{
	struct confirms *k = &ch->confirms;

	if (!k->on)
		return 0;
	if (k->next - k->first >= k->cap)
		ring_grow(k);
	k->ring[k->next & (k->cap - 1)] = 0;
	return k->next++;
}

static void gather(uint64_t **v, size_t *n, size_t *cap, uint64_t tag)
{
	if (*n == *cap)
		*v = mem_grow(*v, cap, *n + 1, sizeof(**v));
	(*v)[(*n)++] = tag;
}

void v091_confirm_done(struct channel *ch, uint64_t tag, bool stored)
{
	struct confirms *k = &ch->confirms;

	must(tag >= k->first && tag < k->next);
	k->ring[tag & (k->cap - 1)] = 1;
	if (stored)
		gather(&k->acks, &k->n_acks, &k->cap_acks, tag);
	else
		gather(&k->nacks, &k->n_nacks, &k->cap_nacks, tag);
	if (!list_linked(&ch->unflushed))
		list_push_back(&ch->conn->env->unflushed, &ch->unflushed);
	wire_touch(ch->conn->wire);
}

static void say(struct channel *ch, uint32_t method, uint64_t tag, bool multiple)
{
	struct args a;

	v091_args_start(&a, method);
	v091_args_u64(&a, tag);
	v091_args_u8(&a, multiple);
	v091_send_args(ch->conn, ch->id, &a);
}

static void flush(struct channel *ch)
{
	struct confirms *k = &ch->confirms;
	uint64_t cut, upto = 0;
	size_t covered = 0;

	while (k->first < k->next && k->ring[k->first & (k->cap - 1)])
		k->first++;
	cut = k->first; /* an ack of several stays below it, and below every nack of this turn */
	for (size_t i = 0; i < k->n_nacks; i++) {
		say(ch, AMQP_BASIC_NACK_METHOD, k->nacks[i], false);
		cut = k->nacks[i] < cut ? k->nacks[i] : cut;
	}
	for (size_t i = 0; i < k->n_acks; i++)
		if (k->acks[i] < cut) {
			covered++;
			upto = k->acks[i] > upto ? k->acks[i] : upto;
		}
	if (covered)
		say(ch, AMQP_BASIC_ACK_METHOD, upto, covered > 1);
	for (size_t i = 0; i < k->n_acks; i++)
		if (k->acks[i] >= cut)
			say(ch, AMQP_BASIC_ACK_METHOD, k->acks[i], false);
	k->n_acks = k->n_nacks = 0;
}

bool v091_turn_end(struct v091_env *env)
{
	struct link *l;

	if (!env->unflushed.next)
		return false;
	while ((l = list_first(&env->unflushed)) != NULL) {
		struct channel *ch = LIST_ENTRY(l, struct channel, unflushed);

		list_remove(l);
		flush(ch);
	}
	return v091_slices_send(env);
}

void v091_confirms_free(struct channel *ch)
{
	struct confirms *k = &ch->confirms;

	if (ch->unflushed.next)
		list_remove(&ch->unflushed);
	free(k->ring);
	free(k->acks);
	free(k->nacks);
	memset(k, 0, sizeof(*k));
}
