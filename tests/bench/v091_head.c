/* SPDX-License-Identifier: Apache-2.0 */
/* What the 0-9-1 head itself costs: an engine and an access room that do nothing,
 * 1 KiB bodies, octets in and out through a wire in memory.
 *
 *   v091_head [millions]
 *
 * Prints CPU nanoseconds for a confirmed publish (frames in, message made, ack
 * out) and for a delivery (frames out, ack in).
 * Build: cc -O2 -std=gnu11 -D_GNU_SOURCE -DMQB_VERSION='"0"' -I. -Ibridge tests/bench/v091_head.c amqp/[*].c
 *        mapping/[*].c bridge/base/[*].c -lrabbitmq -ljansson -lcrypto -lpthread -o v091_head */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "amqp/v091.h"
#include "base/log.h"

enum { BODY = 1024, BATCH = 50, READ_BYTES = 65536 };

/* ---- rooms that do nothing --------------------------------------------------------- */

static struct connection_spec peer;
static void *session_ctx;
static uint64_t tags[4096];
static size_t n_tags, n_settled;

uint64_t engine_connection_open(struct engine *e, const struct connection_spec *spec)
{
	(void)e;
	peer = *spec;
	return 1;
}

void engine_connection_close(struct engine *e, uint64_t conn, enum close_how how)
{
	(void)e, (void)conn, (void)how;
}

void engine_connection_writable(struct engine *e, uint64_t conn, bool writable)
{
	(void)e, (void)conn, (void)writable;
}

uint64_t engine_session_open(struct engine *e, uint64_t conn, void *ctx)
{
	(void)e, (void)conn;
	session_ctx = ctx;
	return 1;
}

void engine_session_close(struct engine *e, uint64_t session, enum close_how how)
{
	(void)e, (void)session, (void)how;
}

void engine_send(struct engine *e, uint64_t session, struct view queue, struct message *m, unsigned flags,
		 int64_t delay_ms, uint64_t tag)
{
	(void)e, (void)session, (void)queue, (void)m, (void)flags, (void)delay_ms;
	tags[n_tags++] = tag;
}

bool engine_publish(struct engine *e, uint64_t session, struct view topic, struct view key, struct message *m,
		    unsigned flags, uint64_t tag)
{
	(void)topic;
	engine_send(e, session, key, m, flags, 0, tag);
	return true;
}

void engine_tx_begin(struct engine *e, uint64_t session, uint64_t tx)
{
	(void)e, (void)session, (void)tx;
}

void engine_tx_use(struct engine *e, uint64_t session, uint64_t tx)
{
	(void)e, (void)session, (void)tx;
}

void engine_tx_commit(struct engine *e, uint64_t session, uint64_t cmd, uint64_t tx)
{
	(void)e, (void)session, (void)cmd, (void)tx;
}

void engine_tx_rollback(struct engine *e, uint64_t session, uint64_t cmd, uint64_t tx, enum rollback_how how)
{
	(void)e, (void)session, (void)cmd, (void)tx, (void)how;
}

static uint64_t consume_cmd;
static void *consumer_ctx;

void engine_consume(struct engine *e, uint64_t session, uint64_t cmd, const struct consumer_spec *s)
{
	(void)e, (void)session;
	consume_cmd = cmd;
	consumer_ctx = s->ctx;
}

void engine_settle(struct engine *e, uint64_t session, const uint64_t *leases, size_t n, const struct outcome *o)
{
	(void)e, (void)session, (void)leases, (void)o;
	n_settled += n;
}

void engine_topic_declare(struct engine *e, uint64_t session, uint64_t cmd, const struct topic_spec *s)
{
	(void)e, (void)session, (void)cmd, (void)s;
}

void engine_topic_delete(struct engine *e, uint64_t session, uint64_t cmd, struct view name, bool if_unused)
{
	(void)e, (void)session, (void)cmd, (void)name, (void)if_unused;
}

void engine_queue_declare(struct engine *e, uint64_t session, uint64_t cmd, const struct queue_spec *s)
{
	(void)e, (void)session, (void)cmd, (void)s;
}

void engine_queue_delete(struct engine *e, uint64_t session, uint64_t cmd, struct view name, bool if_unused,
			 bool if_empty)
{
	(void)e, (void)session, (void)cmd, (void)name, (void)if_unused, (void)if_empty;
}

void engine_queue_purge(struct engine *e, uint64_t session, uint64_t cmd, struct view name, bool with_leased)
{
	(void)e, (void)session, (void)cmd, (void)name, (void)with_leased;
}

void engine_bind(struct engine *e, uint64_t session, uint64_t cmd, const struct binding_spec *b)
{
	(void)e, (void)session, (void)cmd, (void)b;
}

void engine_unbind(struct engine *e, uint64_t session, uint64_t cmd, const struct binding_spec *b)
{
	(void)e, (void)session, (void)cmd, (void)b;
}

void engine_session_prefetch(struct engine *e, uint64_t session, uint32_t limit)
{
	(void)e, (void)session, (void)limit;
}

void engine_cancel(struct engine *e, uint64_t session, uint64_t cmd, uint64_t consumer)
{
	(void)e, (void)session, (void)cmd, (void)consumer;
}

void engine_get(struct engine *e, uint64_t session, uint64_t cmd, struct view queue, bool no_ack)
{
	(void)e, (void)session, (void)cmd, (void)queue, (void)no_ack;
}

const struct table *engine_queue_arguments(const struct engine *e, struct view vhost, struct view queue)
{
	(void)e, (void)vhost, (void)queue;
	return NULL;
}

static access_done login_done;
static void *login_ctx;

uint64_t access_authenticate(struct access *a, struct view user, struct view password, bool loopback,
			     access_done done, void *ctx)
{
	(void)a, (void)user, (void)password, (void)loopback;
	login_done = done;
	login_ctx = ctx;
	return 1;
}

void access_forget(struct access *a, uint64_t ticket)
{
	(void)a, (void)ticket;
}

bool access_may(struct access *a, struct view user, struct view vhost, enum access_verb verb, struct view name)
{
	(void)a, (void)user, (void)vhost, (void)verb, (void)name;
	return true;
}

bool access_may_enter(const struct access *a, struct view user, struct view vhost)
{
	(void)a, (void)user, (void)vhost;
	return true;
}

bool access_vhost_has(const struct access *a, struct view vhost)
{
	(void)a, (void)vhost;
	return true;
}

bool access_user_has_tag(const struct access *a, struct view user, const char *tag)
{
	(void)a, (void)user, (void)tag;
	return false;
}

/* ---- the measurement ------------------------------------------------------------------ */

static struct codecs codecs;
static struct rng rng;
static struct v091_env env;
static struct wire wire;
static void *head;
static struct now now = {1000, 1700000000000};

static double cpu_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return ((double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec) * 1e9 +
	       ((double)u.ru_utime.tv_usec + (double)u.ru_stime.tv_usec) * 1e3;
}

static void give(struct view v)
{
	for (; v.n; v = view_skip(v, READ_BYTES))
		v091_head.input(head, view_head(v, READ_BYTES), now);
}

static void flushed(void)
{
	out_consume(&wire.out, wire.out.bytes);
}

static void open_peer(void)
{
	rng_seed(&rng, 1);
	log_set_level(LOG_ERROR);
	env = (struct v091_env){.codecs = &codecs, .rng = &rng};
	v091_options_default(&env.options);
	out_init(&wire.out);
	head = v091_head.open(&env, &wire, now);
	give(VIEW("AMQP\0\0\x09\x01"));
	give(VIEW("\1\0\0\0\0\0\x24\0\x0a\0\x0b\0\0\0\0\5PLAIN\0\0\0\x0c\0guest\0guest\5en_US\xce"));
	login_done(login_ctx, CODE_OK, "");
	give(VIEW("\1\0\0\0\0\0\x0c\0\x0a\0\x1f\7\xff\0\2\0\0\0\0\xce"));
	give(VIEW("\1\0\0\0\0\0\x08\0\x0a\0\x28\1/\0\0\xce"));
	give(VIEW("\1\0\1\0\0\0\5\0\x14\0\x0a\0\xce"));
	give(VIEW("\1\0\1\0\0\0\5\0\x55\0\x0a\0\xce"));
	flushed();
}

static void publish_add(struct buf *b)
{
	static const uint8_t body[BODY];

	buf_add(b, VIEW("\1\0\1\0\0\0\x0e\0\x3c\0\x28\0\0\0\5queue\0\xce"));
	buf_add(b, VIEW("\2\0\1\0\0\0\x0f\0\x3c\0\0\0\0\0\0\0\0\4\0\x10\0\2\xce"));
	buf_add(b, VIEW("\3\0\1\0\0\4\0"));
	buf_add(b, view_of(body, BODY));
	buf_add_u8(b, 0xCE);
}

static double publishes(size_t n)
{
	struct buf b;
	double start = cpu_ns();

	buf_init(&b, 1 << 20);
	for (int i = 0; i < BATCH; i++)
		publish_add(&b);
	for (size_t done = 0; done < n; done += BATCH) {
		give(buf_view(&b));
		for (size_t i = 0; i < n_tags; i++) {
			static const struct error ok;
			struct event ev = {.kind = EVENT_PUBLISHED, .session = 1, .session_ctx = session_ctx};

			ev.published.tag = tags[i];
			ev.published.error = &ok;
			peer.event(peer.ctx, &ev);
		}
		must(n_tags == BATCH);
		n_tags = 0;
		v091_turn_end(&env);
		flushed();
	}
	start = (cpu_ns() - start) / (double)n;
	buf_fini(&b);
	return start;
}

static void acks(uint64_t from)
{
	uint8_t ack[] = "\1\0\1\0\0\0\x0d\0\x3c\0\x50\0\0\0\0\0\0\0\0\0\xce";
	struct buf b;

	buf_init(&b, 1 << 16);
	for (uint64_t i = 0; i < BATCH; i++) {
		be64_put(ack + 11, from + i);
		buf_add(&b, view_of(ack, sizeof(ack) - 1));
	}
	give(buf_view(&b));
	buf_fini(&b);
}

static double deliveries(size_t n)
{
	static const uint8_t body[BODY], id[16];
	struct message_spec spec = {.raw_kind = RAW_AMQP091, .id = id, .key = VIEW("queue"), .raw = VIEW("\x10\0\2")};
	struct message *m = message_new(&spec, body_of(view_of(body, BODY)));
	struct event ev = {.kind = EVENT_DONE, .session = 1, .session_ctx = session_ctx};
	static const struct error ok;
	double start;

	give(VIEW("\1\0\1\0\0\0\x13\0\x3c\0\x14\0\0\5queue\1t\0\0\0\0\0\xce"));
	ev.done.cmd = consume_cmd;
	ev.done.error = &ok;
	ev.done.id = 1;
	peer.event(peer.ctx, &ev);
	start = cpu_ns();
	for (size_t done = 0; done < n; done += BATCH) {
		for (size_t i = 0; i < BATCH; i++) {
			struct event d = {.kind = EVENT_DELIVERED, .session = 1, .session_ctx = session_ctx};

			d.delivered.consumer_ctx = consumer_ctx;
			d.delivered.d = (struct delivery){.lease = done + i + 1, .message = m};
			peer.event(peer.ctx, &d);
		}
		flushed();
		acks(done + 1);
	}
	start = (cpu_ns() - start) / (double)n;
	must(n_settled >= n);
	message_unref(m);
	return start;
}

int main(int argc, char **argv)
{
	size_t n = (size_t)((argc > 1 ? strtod(argv[1], NULL) : 2) * 1e6);

	open_peer();
	publishes(n / 10);
	printf("publish %.0f ns\n", publishes(n));
	printf("deliver and ack %.0f ns\n", deliveries(n));
	v091_head.close(head, WIRE_PEER_CLOSED);
	out_fini(&wire.out);
	return 0;
}
