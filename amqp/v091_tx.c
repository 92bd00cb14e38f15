/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions of a channel (0-9-1 §1.9; rabbitmq.md 4.9, 4.10). The engine
 * stages what is published and settled; here is remembered what of the channel's
 * deliveries was settled meanwhile, because a rollback makes it unsettled again.
 * One transaction a channel, from tx.select to the channel's end: commit and
 * rollback leave an empty one behind. */
#include "amqp/v091_priv.h"

#include "base/log.h"

enum { TX = 1 }; /* its id at the engine's */

struct tx {
	struct unsettled *v; /* settled in it, in the order of settling */
	size_t n, cap;
};

void v091_tx_note(struct channel *ch, const struct unsettled *u)
{
	struct tx *t = ch->tx;

	if (t->n == t->cap)
		t->v = mem_grow(t->v, &t->cap, t->n + 1, sizeof(*t->v));
	t->v[t->n++] = *u;
}

struct tx *v091_tx_leave(struct channel *ch)
{
	struct tx *t = ch->tx;

	if (t)
		engine_tx_use(ch->conn->env->engine, ch->session, 0);
	ch->tx = NULL;
	return t;
}

void v091_tx_back(struct channel *ch, struct tx *t)
{
	if (t)
		engine_tx_use(ch->conn->env->engine, ch->session, TX);
	ch->tx = t;
}

void v091_tx_free(struct channel *ch)
{
	if (ch->tx)
		free(ch->tx->v);
	free(ch->tx);
	ch->tx = NULL;
}

void v091_on_tx_select(struct channel *ch, const void *m)
{
	amqp_tx_select_ok_t ok = {0};

	(void)m;
	if (ch->confirms.on) {
		v091_channel_fail(ch, AMQP_PRECONDITION_FAILED, AMQP_TX_SELECT_METHOD,
			     "cannot switch from confirm to tx mode");
		return;
	}
	if (!ch->tx) {
		ch->tx = mem_zalloc(sizeof(*ch->tx));
		engine_tx_begin(ch->conn->env->engine, ch->session, TX);
		engine_tx_use(ch->conn->env->engine, ch->session, TX);
	}
	v091_send_method(ch->conn, ch->id, AMQP_TX_SELECT_OK_METHOD, &ok);
}

static bool transactional(struct channel *ch, uint32_t method)
{
	if (!ch->tx)
		v091_channel_fail(ch, AMQP_PRECONDITION_FAILED, method, "channel is not transactional");
	return ch->tx != NULL;
}

static void answer_commit(struct channel *ch, const struct asked *a, const struct event *ev)
{
	amqp_tx_commit_ok_t ok = {0};

	(void)a;
	(void)ev;
	ch->tx->n = 0;
	v091_send_method(ch->conn, ch->id, AMQP_TX_COMMIT_OK_METHOD, &ok);
}

void v091_on_tx_commit(struct channel *ch, const void *m)
{
	const uint32_t id = AMQP_TX_COMMIT_METHOD;

	(void)m;
	if (transactional(ch, id))
		engine_tx_commit(ch->conn->env->engine, ch->session,
				 v091_channel_ask(ch, id, false, answer_commit)->cmd, TX);
}

static int by_tag(const void *a, const void *b)
{
	uint64_t x = ((const struct unsettled *)a)->tag, y = ((const struct unsettled *)b)->tag;

	return (x > y) - (x < y);
}

static void answer_rollback(struct channel *ch, const struct asked *a, const struct event *ev)
{
	amqp_tx_rollback_ok_t ok = {0};
	struct tx *t = ch->tx;

	(void)a;
	(void)ev;
	if (t->n)
		qsort(t->v, t->n, sizeof(*t->v), by_tag);
	v091_unsettled_restore(ch, t->v, t->n);
	t->n = 0;
	v091_send_method(ch->conn, ch->id, AMQP_TX_ROLLBACK_OK_METHOD, &ok);
}

/* Deliveries stay with the channel (rabbitmq.md 4.10). */
void v091_on_tx_rollback(struct channel *ch, const void *m)
{
	const uint32_t id = AMQP_TX_ROLLBACK_METHOD;

	(void)m;
	if (transactional(ch, id))
		engine_tx_rollback(ch->conn->env->engine, ch->session,
				   v091_channel_ask(ch, id, false, answer_rollback)->cmd, TX, ROLLBACK_KEEP);
}
