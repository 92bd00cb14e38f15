/* SPDX-License-Identifier: Apache-2.0 */
/* Which method may come where, what its arguments look like and who handles it:
 * two tables, for channel 0 and for the others. Arguments are looked at first,
 * wherever the method came. One that nobody handles here is refused with 503
 * (rabbitmq.md 4.28); one that RabbitMQ does not know closes the socket (1.22). */
#include "amqp/v091_priv.h"

#include "base/log.h"

#define IN(state) (1u << (CONN_##state))

static const struct conn_method {
	uint32_t id;
	const char *layout; /* layout_check */
	uint16_t states;    /* 0: only a server says it */
	void (*handle)(struct conn *c, const void *m);
} conn_methods[] = {
	{AMQP_CONNECTION_START_METHOD, "ooTSS", 0, NULL},
	{AMQP_CONNECTION_START_OK_METHOD, "TsSs", IN(START), v091_on_start_ok},
	{AMQP_CONNECTION_SECURE_METHOD, "S", 0, NULL},
	{AMQP_CONNECTION_SECURE_OK_METHOD, "S", 0, NULL},
	{AMQP_CONNECTION_TUNE_METHOD, "hlh", 0, NULL},
	{AMQP_CONNECTION_TUNE_OK_METHOD, "hlh", IN(TUNE), v091_on_tune_ok},
	{AMQP_CONNECTION_OPEN_METHOD, "sso", IN(OPEN), v091_on_connection_open},
	{AMQP_CONNECTION_OPEN_OK_METHOD, "s", 0, NULL},
	{AMQP_CONNECTION_CLOSE_METHOD, "hshh", IN(RUNNING) | IN(CLOSING), v091_on_connection_close},
	{AMQP_CONNECTION_CLOSE_OK_METHOD, "", IN(CLOSING), v091_on_connection_close_ok},
	{AMQP_CONNECTION_BLOCKED_METHOD, "s", 0, NULL},
	{AMQP_CONNECTION_UNBLOCKED_METHOD, "", 0, NULL},
	{METHOD_UPDATE_SECRET, "Ss", IN(RUNNING), v091_on_update_secret},
	{METHOD_UPDATE_SECRET_OK, "", 0, NULL},
};
enum { CONN_METHODS = sizeof(conn_methods) / sizeof(conn_methods[0]) };

enum { PIPELINES = true, WAITS = false };

static const struct channel_method {
	uint32_t id;
	const char *layout;
	bool pipelines; /* may be dispatched while answers are outstanding */
	void (*handle)(struct channel *ch, const void *m); /* NULL: only a server says it */
} channel_methods[] = {
	{AMQP_CHANNEL_OPEN_METHOD, "s", WAITS, v091_on_channel_open},
	{AMQP_CHANNEL_OPEN_OK_METHOD, "S", WAITS, NULL},
	{AMQP_CHANNEL_FLOW_METHOD, "o", WAITS, v091_on_channel_flow},
	{AMQP_CHANNEL_FLOW_OK_METHOD, "o", WAITS, NULL},
	{AMQP_CHANNEL_CLOSE_METHOD, "hshh", WAITS, v091_on_channel_close},
	{AMQP_CHANNEL_CLOSE_OK_METHOD, "", WAITS, v091_on_channel_close_ok},
	{AMQP_ACCESS_REQUEST_METHOD, "so", WAITS, v091_on_access_request},
	{AMQP_ACCESS_REQUEST_OK_METHOD, "h", WAITS, NULL},
	{AMQP_EXCHANGE_DECLARE_METHOD, "hssoT", PIPELINES, v091_on_exchange_declare},
	{AMQP_EXCHANGE_DECLARE_OK_METHOD, "", WAITS, NULL},
	{AMQP_EXCHANGE_DELETE_METHOD, "hso", PIPELINES, v091_on_exchange_delete},
	{AMQP_EXCHANGE_DELETE_OK_METHOD, "", WAITS, NULL},
	{AMQP_EXCHANGE_BIND_METHOD, "hsssoT", PIPELINES, v091_on_exchange_bind},
	{AMQP_EXCHANGE_BIND_OK_METHOD, "", WAITS, NULL},
	{AMQP_EXCHANGE_UNBIND_METHOD, "hsssoT", PIPELINES, v091_on_exchange_unbind},
	{AMQP_EXCHANGE_UNBIND_OK_METHOD, "", WAITS, NULL},
	{AMQP_QUEUE_DECLARE_METHOD, "hsoT", PIPELINES, v091_on_queue_declare},
	{AMQP_QUEUE_DECLARE_OK_METHOD, "sll", WAITS, NULL},
	{AMQP_QUEUE_BIND_METHOD, "hsssoT", PIPELINES, v091_on_queue_bind},
	{AMQP_QUEUE_BIND_OK_METHOD, "", WAITS, NULL},
	{AMQP_QUEUE_PURGE_METHOD, "hso", PIPELINES, v091_on_queue_purge},
	{AMQP_QUEUE_PURGE_OK_METHOD, "l", WAITS, NULL},
	{AMQP_QUEUE_DELETE_METHOD, "hso", PIPELINES, v091_on_queue_delete},
	{AMQP_QUEUE_DELETE_OK_METHOD, "l", WAITS, NULL},
	{AMQP_QUEUE_UNBIND_METHOD, "hsssT", PIPELINES, v091_on_queue_unbind},
	{AMQP_QUEUE_UNBIND_OK_METHOD, "", WAITS, NULL},
	{AMQP_BASIC_QOS_METHOD, "lho", WAITS, v091_on_qos},
	{AMQP_BASIC_QOS_OK_METHOD, "", WAITS, NULL},
	{AMQP_BASIC_CONSUME_METHOD, "hssoT", WAITS, v091_on_consume},
	{AMQP_BASIC_CONSUME_OK_METHOD, "s", WAITS, NULL},
	{AMQP_BASIC_CANCEL_METHOD, "so", WAITS, v091_on_cancel},
	{AMQP_BASIC_CANCEL_OK_METHOD, "s", WAITS, NULL},
	{AMQP_BASIC_PUBLISH_METHOD, "hbbo", WAITS, v091_on_publish},
	{AMQP_BASIC_RETURN_METHOD, "hsss", WAITS, NULL},
	{AMQP_BASIC_DELIVER_METHOD, "sLoss", WAITS, NULL},
	{AMQP_BASIC_GET_METHOD, "hso", PIPELINES, v091_on_get},
	{AMQP_BASIC_GET_OK_METHOD, "Lossl", WAITS, NULL},
	{AMQP_BASIC_GET_EMPTY_METHOD, "s", WAITS, NULL},
	{AMQP_BASIC_ACK_METHOD, "Lo", WAITS, v091_on_ack},
	{AMQP_BASIC_REJECT_METHOD, "Lo", WAITS, v091_on_reject},
	{AMQP_BASIC_RECOVER_ASYNC_METHOD, "o", WAITS, v091_on_recover_async},
	{AMQP_BASIC_RECOVER_METHOD, "o", WAITS, v091_on_recover},
	{AMQP_BASIC_RECOVER_OK_METHOD, "", WAITS, NULL},
	{AMQP_BASIC_NACK_METHOD, "Lo", WAITS, v091_on_nack},
	{METHOD_CREDIT, "slo", WAITS, NULL},
	{METHOD_CREDIT_OK, "l", WAITS, NULL},
	{METHOD_CREDIT_DRAINED, "sl", WAITS, NULL},
	{AMQP_CONFIRM_SELECT_METHOD, "o", WAITS, v091_on_confirm_select},
	{AMQP_CONFIRM_SELECT_OK_METHOD, "", WAITS, NULL},
	{AMQP_TX_SELECT_METHOD, "", WAITS, v091_on_tx_select},
	{AMQP_TX_SELECT_OK_METHOD, "", WAITS, NULL},
	{AMQP_TX_COMMIT_METHOD, "", WAITS, v091_on_tx_commit},
	{AMQP_TX_COMMIT_OK_METHOD, "", WAITS, NULL},
	{AMQP_TX_ROLLBACK_METHOD, "", WAITS, v091_on_tx_rollback},
	{AMQP_TX_ROLLBACK_OK_METHOD, "", WAITS, NULL},
};
enum { CHANNEL_METHODS = sizeof(channel_methods) / sizeof(channel_methods[0]) };

uint32_t v091_frame_method(const struct frame *f)
{
	return f->bytes.n >= 4 ? be32_get(f->bytes.p) : 0;
}

static const struct channel_method *channel_method(uint32_t id)
{
	size_t from = 0, to = CHANNEL_METHODS;

	while (from < to) {
		size_t at = (from + to) / 2;

		if (channel_methods[at].id == id)
			return &channel_methods[at];
		if (channel_methods[at].id < id)
			from = at + 1;
		else
			to = at;
	}
	return NULL;
}

bool v091_method_pipelines(uint32_t id)
{
	const struct channel_method *row = channel_method(id);

	return row && row->pipelines;
}

static const struct conn_method *conn_method(uint32_t id)
{
	for (size_t i = 0; i < CONN_METHODS; i++)
		if (conn_methods[i].id == id)
			return &conn_methods[i];
	return NULL;
}

bool v091_method_known(uint32_t id)
{
	return channel_method(id) || conn_method(id);
}

static void arguments_fail(struct conn *c, const struct frame *f, enum guard g)
{
	uint32_t id = v091_frame_method(f);

	if (g == GUARD_TEXT)
		v091_conn_fail(c, AMQP_FRAME_ERROR, f->channel ? 0 : id, "Malformed UTF-8 in shortstr");
	else if (f->channel == 0 && c->state >= CONN_RUNNING) /* in RabbitMQ's words: none */
		v091_conn_fail(c, AMQP_INTERNAL_ERROR, 0, "%s", "");
	else if (f->channel == 0)
		v091_conn_silent(c);
	else if (g == GUARD_DEEP)
		v091_conn_fail(c, AMQP_FRAME_ERROR, id, "a table is nested deeper than %d levels",
			  V091_TABLE_DEPTH_MAX);
	else
		v091_conn_fail_decode(c, id, view_skip(f->bytes, 4));
}

static bool arguments_sound(struct conn *c, const struct frame *f, const char *layout)
{
	enum guard g = v091_layout_check(layout, view_skip(f->bytes, 4));

	if (g != GUARD_OK)
		arguments_fail(c, f, g);
	return g == GUARD_OK;
}

bool v091_method_sound(struct conn *c, const struct frame *f)
{
	uint32_t id = v091_frame_method(f);
	const struct channel_method *row = channel_method(id);

	return arguments_sound(c, f, row ? row->layout : conn_method(id)->layout);
}

/* Sound arguments. Lies in the pool, aliases the frame. NULL: the connection failed. */
static const void *decode(struct conn *c, const struct frame *f)
{
	static const uint8_t nothing[1];
	struct view arguments = view_skip(f->bytes, 4);
	uint32_t id = v091_frame_method(f);
	void *m = NULL;

	if (id == METHOD_UPDATE_SECRET) /* rabbitmq-c does not know it; nothing of it is needed */
		return nothing;
	if (amqp_decode_method(id, &c->pool, bytes_out(arguments), &m) < 0)
		v091_conn_fail_decode(c, id, arguments);
	return m;
}

static const char *state_name(enum conn_state state)
{
	switch (state) {
	case CONN_START:
		return "starting";
	case CONN_TUNE:
		return "tuning";
	case CONN_OPEN:
		return "opening";
	default:
		return "running";
	}
}

void v091_method_unknown(struct conn *c, const struct frame *f)
{
	uint32_t id = v091_frame_method(f);

	log_info("amqp.method_unknown", "peer=\"%s\" class=%u method=%u", c->wire->peer, id >> 16, id & 0xFFFF);
	v091_conn_finish(c);
}

void v091_method_on_connection(struct conn *c, const struct frame *f)
{
	uint32_t id = v091_frame_method(f);
	const struct conn_method *row = conn_method(id);
	const void *m;

	if (!v091_method_known(id)) {
		v091_method_unknown(c, f);
		return;
	}
	if (!v091_method_sound(c, f))
		return;
	if (!row || !(row->states & (1u << c->state))) {
		v091_conn_fail(c, AMQP_CHANNEL_ERROR, id, "unexpected method in connection state %s",
			  state_name(c->state));
		return;
	}
	m = decode(c, f);
	if (m)
		row->handle(c, m);
	recycle_amqp_pool(&c->pool);
}

void v091_method_on_channel(struct channel *ch, const struct frame *f)
{
	struct conn *c = ch->conn;
	uint32_t id = v091_frame_method(f);
	const struct channel_method *row = channel_method(id);
	const void *m;

	if (!row && !conn_method(id)) {
		v091_method_unknown(c, f);
		return;
	}
	if (!(row ? arguments_sound(c, f, row->layout) : v091_method_sound(c, f)))
		return;
	if (!row || !row->handle) { /* rabbitmq.md 4.28 */
		v091_channel_fail(ch, AMQP_COMMAND_INVALID, id, "unimplemented method");
		return;
	}
	m = decode(c, f);
	if (m)
		row->handle(ch, m);
	recycle_amqp_pool(&c->pool);
}
