# SPDX-License-Identifier: Apache-2.0
"""py-amqp: errors as it raises them, refusals at login (rabbitmq.md 1.8–1.15, 1.24)."""

import socket

import amqp
import amqp.exceptions as kinds

from pyamqp_rig import connect, declare, drain, filled
from rig import Raises, expect, scenario


@scenario()
def channel_errors(ctx):
    """(kind, code, text, class and method); the connection lives and so does the channel, opened again"""
    connection = connect(ctx)
    setup = connection.channel()
    q, x = filled(setup, ctx.name(), ["m"]), ctx.name("x")
    setup.exchange_declare(x, "direct", durable=True, auto_delete=False)
    setup.queue_bind(q, x, "k")
    locked = declare(connect(ctx).channel())
    nowhere = f"no queue 'no{q}' in vhost '/'"
    rows = (
        (kinds.NotFound, 404, f"NOT_FOUND - {nowhere}", (50, 10), lambda c: c.queue_declare(f"no{q}", passive=True)),
        (kinds.NotFound, 404, f"NOT_FOUND - {nowhere}", (60, 70), lambda c: c.basic_get(f"no{q}")),
        (kinds.NotFound, 404, f"NOT_FOUND - {nowhere}", (60, 20), lambda c: c.basic_consume(f"no{q}")),
        (kinds.NotFound, 404, f"NOT_FOUND - {nowhere}", (50, 30), lambda c: c.queue_purge(f"no{q}")),
        (kinds.NotFound, 404, f"NOT_FOUND - no exchange 'no{x}' in vhost '/'", (50, 20), lambda c: c.queue_bind(q, f"no{x}")),
        (kinds.NotFound, 404, f"NOT_FOUND - no exchange 'no{x}' in vhost '/'", (40, 10), lambda c: c.exchange_declare(f"no{x}", "direct", passive=True)),
        (
            kinds.PreconditionFailed, 406,
            f"PRECONDITION_FAILED - inequivalent arg 'auto_delete' for queue '{q}' in vhost '/': received 'true' but current is 'false'",
            (50, 10), lambda c: c.queue_declare(q, durable=True, auto_delete=True),
        ),
        (
            kinds.PreconditionFailed, 406,
            f"PRECONDITION_FAILED - inequivalent arg 'x-expires' for queue '{q}' in vhost '/': received the value '5' of type 'signedint' but current is none",
            (50, 10), lambda c: c.queue_declare(q, durable=True, auto_delete=False, arguments={"x-expires": 5}),
        ),
        (
            kinds.PreconditionFailed, 406, f"PRECONDITION_FAILED - queue '{q}' in vhost '/' not empty",
            (50, 40), lambda c: c.queue_delete(q, if_empty=True),
        ),
        (
            kinds.AccessRefused, 403, "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'",
            (40, 10), lambda c: c.exchange_declare("amq.mine", "direct"),
        ),
        (
            kinds.ResourceLocked, 405,
            f"RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{locked}' in vhost '/'. It could be originally declared on another "
            "connection or the exclusive property value does not match that of the original declaration.",
            (50, 10), lambda c: c.queue_declare(locked, passive=True),
        ),
    )
    channel = connection.channel()
    for kind, code, text, method, act in rows:
        with Raises(kind) as r:
            act(channel)
        expect((r.error.reply_code, r.error.reply_text, r.error.method_sig), (code, text, method))
    declare(channel)


@scenario()
def errors_without_a_request(ctx):
    """Publish and ack have no reply: the next read raises"""
    connection = connect(ctx)
    rows = (
        (kinds.NotFound, "NOT_FOUND - no exchange 'nosuch-x' in vhost '/'", (60, 40), lambda c: c.basic_publish(amqp.Message("m"), "nosuch-x", "k")),
        (kinds.PreconditionFailed, "PRECONDITION_FAILED - unknown delivery tag 99", (60, 80), lambda c: c.basic_ack(99)),
        (kinds.PreconditionFailed, "PRECONDITION_FAILED - unknown delivery tag 7", (60, 90), lambda c: c.basic_reject(7, requeue=True)),
        (
            kinds.PreconditionFailed, "PRECONDITION_FAILED - invalid expiration 'soon': no_integer", (60, 40),
            lambda c: c.basic_publish(amqp.Message("m", expiration="soon"), "", "k"),
        ),
    )
    for kind, text, method, act in rows:
        channel = connection.channel()
        act(channel)
        with Raises(kind) as r:
            drain(connection, lambda: False, "the channel's close")
        expect((r.error.reply_text, r.error.method_sig), (text, method))
    declare(connection.channel())


@scenario()
def connection_errors(ctx):
    """(kind, text); the socket closes"""
    rows = (
        (kinds.NotAllowed, 530, "NOT_ALLOWED - attempt to reuse consumer tag 't'", lambda c, q: [c.basic_consume(q, "t") for _ in range(2)]),
        (kinds.AMQPNotImplementedError, 540, "NOT_IMPLEMENTED - requeue=false", lambda c, q: c.basic_recover(requeue=False)),
        (kinds.AMQPNotImplementedError, 540, "NOT_IMPLEMENTED - prefetch_size!=0 (10)", lambda c, q: c.basic_qos(10, 1, False)),
        (kinds.InvalidCommand, 503, "COMMAND_INVALID - unknown exchange type 'bogus'", lambda c, q: c.exchange_declare("x", "bogus")),
    )
    for kind, code, text, act in rows:
        connection = connect(ctx)
        channel = connection.channel()
        queue = declare(channel)
        with Raises(kind) as r:
            act(channel, queue)
            drain(connection, lambda: False, "the end")  # some of them have no answer to wait for
        expect((r.error.reply_code, r.error.reply_text), (code, text))
        expect(bool(connection.connected), False)


@scenario()
def logins(ctx):
    """1.6–1.8: AMQPLAIN is taken first, PLAIN too; a wrong password of each"""
    for method in (None, "AMQPLAIN", "PLAIN"):
        connect(ctx, login_method=method).channel()
        with Raises(kinds.AccessRefused) as r:
            connect(ctx, login_method=method, password="wrong")
        said = f"ACCESS_REFUSED - Login was refused using authentication mechanism {method or 'AMQPLAIN'}. For details see the broker logfile."
        expect((r.error.reply_code, r.error.reply_text), (403, said))


@scenario()
def no_such_vhost(ctx):
    """1.15"""
    with Raises(kinds.NotAllowed) as r:
        connect(ctx, virtual_host="nosuch")
    expect((r.error.reply_code, r.error.reply_text), (530, "NOT_ALLOWED - vhost nosuch not found"))


@scenario()
def capabilities(ctx):
    """1.5: those the server announces are mirrored by this client"""
    connection = connect(ctx)
    for name in ("consumer_cancel_notify", "connection.blocked", "authentication_failure_close", "publisher_confirms", "basic.nack"):
        expect(connection.server_capabilities.get(name), True, name)
    for name in ("consumer_cancel_notify", "connection.blocked", "authentication_failure_close"):
        expect(connection.client_properties["capabilities"].get(name), True, name)
    expect(isinstance(connection.sock, socket.socket), True)
