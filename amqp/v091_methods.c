/* SPDX-License-Identifier: Apache-2.0 */
/* Which method may come where, what its arguments look like and who handles it:
 * two tables, for channel 0 and for the others. What is in neither but known to
 * RabbitMQ is refused with 503 (rabbitmq.md 4.28); what RabbitMQ does not know
 * closes the socket (1.22). */
#include "amqp/v091_priv.h"

#include "base/log.h"

#define IN(state) (1u << (CONN_##state))

static const struct conn_method {
	uint32_t id;
	const char *layout; /* layout_check */
	uint16_t states;
	void (*handle)(struct conn *c, const void *m);
} conn_methods[] = {
	{AMQP_CONNECTION_START_OK_METHOD, "TsSs", IN(START), v091_on_start_ok},
	{AMQP_CONNECTION_TUNE_OK_METHOD, "hlh", IN(TUNE), v091_on_tune_ok},
	{AMQP_CONNECTION_OPEN_METHOD, "sso", IN(OPEN), v091_on_connection_open},
	{AMQP_CONNECTION_CLOSE_METHOD, "hshh", IN(RUNNING) | IN(CLOSING), v091_on_connection_close},
	{AMQP_CONNECTION_CLOSE_OK_METHOD, "", IN(CLOSING), v091_on_connection_close_ok},
	{METHOD_UPDATE_SECRET, "Ss", IN(RUNNING), v091_on_update_secret},
};

enum { PIPELINES = true, WAITS = false };

static const struct channel_method {
	uint32_t id;
	const char *layout;
	bool pipelines; /* may be dispatched while answers are outstanding */
	void (*handle)(struct channel *ch, const void *m);
	const char *later; /* no handler yet: the name to refuse it by */
} channel_methods[] = {
	{AMQP_CHANNEL_FLOW_METHOD, "o", WAITS, v091_on_channel_flow, NULL},
	{AMQP_CHANNEL_CLOSE_METHOD, "hshh", WAITS, v091_on_channel_close, NULL},
	{AMQP_CHANNEL_CLOSE_OK_METHOD, "", WAITS, v091_on_channel_close_ok, NULL},
	{AMQP_ACCESS_REQUEST_METHOD, "so", WAITS, v091_on_access_request, NULL},
	{AMQP_EXCHANGE_DECLARE_METHOD, "hssoT", PIPELINES, v091_on_exchange_declare, NULL},
	{AMQP_EXCHANGE_DELETE_METHOD, "hso", PIPELINES, v091_on_exchange_delete, NULL},
	{AMQP_EXCHANGE_BIND_METHOD, "hsssoT", PIPELINES, v091_on_exchange_bind, NULL},
	{AMQP_EXCHANGE_UNBIND_METHOD, "hsssoT", PIPELINES, v091_on_exchange_unbind, NULL},
	{AMQP_QUEUE_DECLARE_METHOD, "hsoT", PIPELINES, v091_on_queue_declare, NULL},
	{AMQP_QUEUE_BIND_METHOD, "hsssoT", PIPELINES, v091_on_queue_bind, NULL},
	{AMQP_QUEUE_PURGE_METHOD, "hso", PIPELINES, v091_on_queue_purge, NULL},
	{AMQP_QUEUE_DELETE_METHOD, "hso", PIPELINES, v091_on_queue_delete, NULL},
	{AMQP_QUEUE_UNBIND_METHOD, "hsssT", PIPELINES, v091_on_queue_unbind, NULL},
	{AMQP_BASIC_QOS_METHOD, "lho", WAITS, v091_on_qos, NULL},
	{AMQP_BASIC_CONSUME_METHOD, "hssoT", WAITS, v091_on_consume, NULL},
	{AMQP_BASIC_CANCEL_METHOD, "so", WAITS, v091_on_cancel, NULL},
	{AMQP_BASIC_PUBLISH_METHOD, "hsso", WAITS, v091_on_publish, NULL},
	{AMQP_BASIC_GET_METHOD, "hso", PIPELINES, v091_on_get, NULL},
	{AMQP_BASIC_ACK_METHOD, "Lo", WAITS, v091_on_ack, NULL},
	{AMQP_BASIC_REJECT_METHOD, "Lo", WAITS, v091_on_reject, NULL},
	{AMQP_BASIC_RECOVER_ASYNC_METHOD, "o", WAITS, v091_on_recover_async, NULL},
	{AMQP_BASIC_RECOVER_METHOD, "o", WAITS, v091_on_recover, NULL},
	{AMQP_BASIC_NACK_METHOD, "Lo", WAITS, v091_on_nack, NULL},
	{AMQP_CONFIRM_SELECT_METHOD, "o", WAITS, v091_on_confirm_select, NULL},
	{AMQP_TX_SELECT_METHOD, "", WAITS, NULL, "tx.select"},
	{AMQP_TX_COMMIT_METHOD, "", WAITS, NULL, "tx.commit"},
	{AMQP_TX_ROLLBACK_METHOD, "", WAITS, NULL, "tx.rollback"},
};

/* RabbitMQ has them, rabbitmq-c has no name for them: RabbitMQ's own additions
 * for AMQP 1.0 inside (rabbitmq.md 4.28) and the secret of a token. */
static const uint32_t known_besides[] = {
	METHOD_UPDATE_SECRET, METHOD_UPDATE_SECRET_OK, 0x003C00C8 /* basic.credit */,
	0x003C00C9 /* credit-ok */, 0x003C00CA /* credit-drained */,
};

uint32_t v091_frame_method(const struct frame *f)
{
	return f->bytes.n >= 4 ? be32_get(f->bytes.p) : 0;
}

bool v091_method_known(uint32_t id)
{
	for (size_t i = 0; i < sizeof(known_besides) / sizeof(known_besides[0]); i++)
		if (known_besides[i] == id)
			return true;
	return amqp_method_name(id) != NULL;
}

static const struct channel_method *channel_method(uint32_t id)
{
	size_t from = 0, to = sizeof(channel_methods) / sizeof(channel_methods[0]);

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

/* Checks and decodes; NULL: the connection failed. Lies in the pool, aliases the frame. */
static void *decode(struct conn *c, const struct frame *f, const char *layout)
{
	struct view arguments = view_skip(f->bytes, 4);
	uint32_t id = v091_frame_method(f);
	enum guard g = v091_layout_check(layout, arguments);
	void *m = NULL;

	if (g == GUARD_DEEP)
		v091_conn_fail(c, AMQP_FRAME_ERROR, id, "a table is nested deeper than %d levels",
			  V091_TABLE_DEPTH_MAX);
	else if (g == GUARD_BAD || amqp_decode_method(id, &c->pool, bytes_out(arguments), &m) < 0)
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

static const struct conn_method *conn_method(uint32_t id)
{
	for (size_t i = 0; i < sizeof(conn_methods) / sizeof(conn_methods[0]); i++)
		if (conn_methods[i].id == id)
			return &conn_methods[i];
	return NULL;
}

void v091_method_on_connection(struct conn *c, const struct frame *f)
{
	static const uint8_t nothing[1];
	uint32_t id = v091_frame_method(f);
	const struct conn_method *row = conn_method(id);
	const void *m = nothing;

	if (!v091_method_known(id)) {
		log_info("amqp.method_unknown", "peer=\"%s\" class=%u method=%u", c->wire->peer, id >> 16,
			 id & 0xFFFF);
		v091_conn_finish(c);
		return;
	}
	if (!row || !(row->states & (1u << c->state))) {
		v091_conn_fail(c, AMQP_CHANNEL_ERROR, id, "unexpected method in connection state %s",
			  state_name(c->state));
		return;
	}
	if (id == METHOD_UPDATE_SECRET) {
		if (v091_layout_check(row->layout, view_skip(f->bytes, 4)) != GUARD_OK) {
			v091_conn_fail_decode(c, id, view_skip(f->bytes, 4));
			return;
		}
	} else {
		m = decode(c, f, row->layout);
	}
	if (m)
		row->handle(c, m);
	recycle_amqp_pool(&c->pool);
}

void v091_method_on_channel(struct channel *ch, const struct frame *f)
{
	struct conn *c = ch->conn;
	uint32_t id = v091_frame_method(f);
	const struct channel_method *row = channel_method(id);
	void *m;

	if (!row) { /* rabbitmq.md 4.28 */
		v091_channel_fail(ch, AMQP_COMMAND_INVALID, id, "unimplemented method");
		return;
	}
	if (row->later) {
		v091_channel_fail(ch, AMQP_NOT_IMPLEMENTED, id, "%s", row->later);
		return;
	}
	m = decode(c, f, row->layout);
	if (m)
		row->handle(ch, m);
	recycle_amqp_pool(&c->pool);
}
