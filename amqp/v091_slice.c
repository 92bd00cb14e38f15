/* SPDX-License-Identifier: Apache-2.0 */
/* Large contents leave in slices, one a turn and connection, so that other
 * channels' frames and heartbeats go between (engine.md §3). A channel with such
 * a content on its way has a *sender*: the contents in order as *parcels*, each
 * with what the channel says after it, for nothing of the same channel may come
 * between the frames of a content (0-9-1 §4.2.6).
 *
 *   channel 7:  wire.out ◄─ parcel 1 (body, at) ─ behind ─ parcel 2 (body) ─ behind
 *
 * The octets of a body outside of memory are read a slice ahead of their turn.
 *
 * Some clients (Bunny) read a content from the connection without a look at the
 * channel of its frames. RabbitMQ writes each in one piece, so they get away with
 * it; to them, and to all that are not known to look, nothing goes between: there
 * is one sender for all channels, lane 0, and everything waits behind it.
 *
 * Invariants:
 *  1. a sender has a parcel; it outlives a parcel's channel, whose close-ok it may
 *     hold, but not the connection's RUNNING;
 *  2. what it sends are whole frames;
 *  3. while a channel has a parcel, its session is not writable: a consumer gets
 *     no next message before the large one is gone. Nor is the connection while
 *     all wait. */
#include "amqp/v091_priv.h"

#include "base/blob.h"
#include "base/log.h"

enum {
	OUT_ENOUGH = 32 * 1024, /* unsent bytes from which no slice is added */
	PARCELS_MAX = 64,       /* of a connection; more, and it is not read */
	SLICES_MAX = 4,         /* of a connection, read or being read from outside of memory */
};

struct parcel {
	struct parcel *next;
	uint16_t channel;
	struct body *body; /* a reference */
	uint64_t at;       /* octets before it are sent */
	struct out behind; /* said by the channel after this content */
};

struct sender {
	struct link turn; /* conn.sending */
	struct conn *conn;
	uint16_t lane; /* its channel, or 0 */
	struct parcel *first, *last;
	struct blob_read read; /* of the first parcel's next slice */
	struct body *slice;    /* that slice; NULL: not here yet, or the body is in memory */
};

bool v091_mixes(const struct conn *c)
{
	enum v091_interleave how = c->env->options.interleave;

	return how == V091_INTERLEAVE_ALWAYS || (how == V091_INTERLEAVE_KNOWN && c->client.mixes);
}

bool v091_all_wait(const struct conn *c)
{
	return c->senders.n && !v091_mixes(c);
}

static uint16_t lane_of(const struct conn *c, uint16_t channel)
{
	return v091_mixes(c) ? channel : 0;
}

struct out *v091_out(struct conn *c, uint16_t channel)
{
	struct sender *s = c->senders.n ? map64_find(&c->senders, lane_of(c, channel)) : NULL;

	return s ? &s->last->behind : &c->wire->out;
}

static void conn_ready(struct conn *c)
{
	if (c->wire->out.bytes >= OUT_ENOUGH)
		return;
	if (!list_linked(&c->ready))
		list_push_back(&c->env->sending, &c->ready);
	wire_touch(c->wire); /* so that there is a next turn */
}

static void head_flushed(void *head)
{
	conn_ready(head);
}

/* ---- reading ahead ------------------------------------------------------------------ */

static uint64_t slice_octets(const struct sender *s)
{
	const struct parcel *p = s->first;
	uint64_t left = body_bytes(p->body) - p->at, max = v091_slice_bytes(s->conn);

	return left < max ? left : max;
}

/* No half message: what was begun and cannot be finished ends the connection. */
static void slice_lost(struct sender *s)
{
	struct conn *c = s->conn;

	c->slices--;
	log_error("amqp.body_unreadable", "peer=\"%s\"", c->wire->peer);
	v091_conn_fail(c, AMQP_INTERNAL_ERROR, 0, "message body cannot be read");
}

static void slice_read(struct blob_read *r, struct body *piece)
{
	struct sender *s = LIST_ENTRY(r, struct sender, read);
	struct conn *c = s->conn;

	s->slice = piece;
	if (piece)
		conn_ready(c);
	else
		slice_lost(s);
}

/* Can the sender's next slice be sent? If not, it is being read. */
static bool slice_here(struct sender *s)
{
	struct blob *blob = body_blob(s->first->body);

	if (!blob || s->slice)
		return true;
	if (!s->read.job && s->conn->slices < SLICES_MAX) {
		s->conn->slices++;
		blob_read(blob, s->first->at, (size_t)slice_octets(s), &s->read);
	}
	return false;
}

/* ---- parcels ------------------------------------------------------------------------ */

static struct sender *sender_get(struct conn *c, uint16_t lane)
{
	struct sender *s = map64_find(&c->senders, lane);

	if (s)
		return s;
	s = mem_zalloc(sizeof(*s));
	s->conn = c;
	s->lane = lane;
	s->read.done = slice_read;
	list_init(&s->turn);
	list_push_back(&c->sending, &s->turn);
	map64_put(&c->senders, lane, s);
	c->wire->flushed = head_flushed;
	v091_conn_writable(c);
	return s;
}

void v091_parcel_add(struct channel *ch, struct body *b)
{
	struct conn *c = ch->conn;
	struct sender *s = sender_get(c, lane_of(c, ch->id));
	struct parcel *p = mem_zalloc(sizeof(*p));

	p->channel = ch->id;
	p->body = body_ref(b);
	out_init(&p->behind);
	if (s->last)
		s->last->next = p;
	else
		s->first = p;
	s->last = p;
	c->parcels++;
	engine_session_writable(c->env->engine, ch->session, false);
	conn_ready(c);
}

static void parcel_free(struct conn *c, struct parcel *p)
{
	body_unref(p->body);
	out_fini(&p->behind);
	free(p);
	c->parcels--;
}

static void sender_free(struct sender *s)
{
	struct conn *c = s->conn;

	if (s->read.job || s->slice)
		c->slices--;
	if (s->first)
		blob_cancel(body_blob(s->first->body), &s->read);
	body_unref(s->slice);
	for (struct parcel *p; (p = s->first) != NULL;) {
		s->first = p->next;
		parcel_free(c, p);
	}
	list_remove(&s->turn);
	map64_remove(&c->senders, s->lane);
	free(s);
	if (!c->senders.n)
		c->wire->flushed = NULL;
}

void v091_senders_free(struct conn *c)
{
	LIST_EACH(&c->sending, l)
		sender_free(LIST_ENTRY(l, struct sender, turn));
	list_remove(&c->ready);
	map64_fini(&c->senders);
}

/* None of the sender's parcels is the channel's: its session may get more. */
static void channel_go(struct conn *c, const struct sender *s, uint16_t channel)
{
	struct channel *ch = map64_find(&c->channels, channel);
	const struct parcel *p = s->first;

	while (p && p->channel != channel)
		p = p->next;
	if (!p && ch && ch->session)
		engine_session_writable(c->env->engine, ch->session, true);
}

/* The first parcel is sent: what was said behind it follows. True: it was the last. */
static bool parcel_done(struct sender *s)
{
	struct conn *c = s->conn;
	struct parcel *p = s->first;
	uint16_t channel = p->channel;

	out_move(&c->wire->out, &p->behind);
	s->first = p->next;
	parcel_free(c, p);
	channel_go(c, s, channel);
	if (s->first)
		return false;
	sender_free(s);
	v091_conn_writable(c);
	return true;
}

bool v091_senders_full(const struct conn *c)
{
	uint64_t bytes = 0;

	LIST_EACH(&c->sending, l)
		for (struct parcel *p = LIST_ENTRY(l, struct sender, turn)->first; p; p = p->next)
			bytes += p->behind.bytes;
	return c->parcels > PARCELS_MAX || bytes > c->env->options.held_bytes_max;
}

/* ---- slices ----------------------------------------------------------------------------- */

/* True: the sender has ended, and with it its session's wait. */
static bool slice_send(struct sender *s)
{
	struct parcel *p = s->first;
	struct conn *c = s->conn;
	uint64_t n = slice_octets(s);
	struct body *from = s->slice ? s->slice : p->body;

	list_remove(&s->turn);
	list_push_back(&c->sending, &s->turn);
	v091_send_body(c, &c->wire->out, p->channel, from, (struct span){s->slice ? 0 : p->at, n});
	c->slices -= s->slice != NULL;
	body_unref(s->slice);
	s->slice = NULL;
	p->at += n;
	if (p->at == body_bytes(p->body))
		return parcel_done(s);
	if (c->senders.n <= SLICES_MAX) /* else the others' turn */
		slice_here(s);
	return false;
}

static bool conn_slice(struct conn *c)
{
	bool ended = false;

	if (c->wire->out.bytes >= OUT_ENOUGH)
		return false; /* the next flush brings it back */
	LIST_EACH(&c->sending, l) {
		struct sender *s = LIST_ENTRY(l, struct sender, turn);

		if (!slice_here(s))
			continue;
		ended = slice_send(s);
		break;
	}
	v091_conn_pause(c);
	v091_conn_close_look(c);
	wire_touch(c->wire);
	return ended;
}

bool v091_slices_send(struct v091_env *env)
{
	struct link ready;
	bool ended = false;

	list_init(&ready);
	list_splice_back(&ready, &env->sending);
	LIST_EACH(&ready, l) {
		list_remove(l);
		ended |= conn_slice(LIST_ENTRY(l, struct conn, ready));
	}
	return ended;
}
