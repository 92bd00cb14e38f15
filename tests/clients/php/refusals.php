<?php
// SPDX-License-Identifier: Apache-2.0
// Refusals as php-amqplib's exceptions show them, and what goes on afterwards (rabbitmq.md 1.24, 2, 3).

use PhpAmqpLib\Connection\AbstractConnection;
use PhpAmqpLib\Exception\AMQPChannelClosedException;
use PhpAmqpLib\Exception\AMQPConnectionClosedException;
use PhpAmqpLib\Exception\AMQPProtocolChannelException;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPTable;

function channel_refuses(AbstractConnection $connection, int $code, string $text, array $offender, Closure $action): void
{
    $channel = $connection->channel();
    $number = $channel->getChannelId();
    $error = raises(AMQPProtocolChannelException::class, function () use ($channel, $action) {
        $action($channel);
        $channel->wait(null, false, DEADLINE);
    });
    expect([$error->amqp_reply_code, $error->amqp_reply_text, $error->amqp_method_sig], [$code, $text, $offender], 'channel.close');
    require_that(!$channel->is_open(), 'the channel is closed');
    require_that($connection->isConnected(), 'the connection lives');
    raises(AMQPChannelClosedException::class, fn () => $channel->basic_publish(new AMQPMessage('m'), '', 'q'));
    $connection->channel($number)->close();
}

scenario('of_a_channel', function (Context $ctx) {
    $connection = $ctx->connection();
    $name = $ctx->name('nosuch');
    $locked = $ctx->queue($ctx->channel());
    $ttl = new AMQPTable(['x-message-ttl' => 60000]);
    $mine = $connection->channel()->queue_declare($ctx->name(), arguments: $ttl)[0];
    $no_queue = "NOT_FOUND - no queue '$name' in vhost '/'";
    $no_exchange = "NOT_FOUND - no exchange '$name' in vhost '/'";
    $differs = fn ($what, $how) => "PRECONDITION_FAILED - inequivalent arg '$what' for queue '$mine' in vhost '/': received $how";
    $rows = [
        [404, $no_queue, [50, 10], fn ($c) => $c->queue_declare($name, passive: true)],
        [404, $no_exchange, [40, 10], fn ($c) => $c->exchange_declare($name, 'direct', passive: true)],
        [404, $no_exchange, [50, 20], fn ($c) => $c->queue_bind($mine, $name)],
        [404, $no_queue, [50, 30], fn ($c) => $c->queue_purge($name)],
        [404, $no_queue, [60, 20], fn ($c) => $c->basic_consume($name)],
        [404, $no_queue, [60, 70], fn ($c) => $c->basic_get($name)],
        [404, $no_exchange, [60, 40], fn ($c) => $c->basic_publish(new AMQPMessage('m'), $name)],
        [406, $differs('durable', "'true' but current is 'false'"), [50, 10],
            fn ($c) => $c->queue_declare($mine, durable: true, arguments: $ttl)],
        [406, $differs('x-message-ttl', "none but current is the value '60000' of type 'signedint'"), [50, 10],
            fn ($c) => $c->queue_declare($mine)],
        [403, "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'", [50, 10],
            fn ($c) => $c->queue_declare('amq.mine')],
        [403, 'ACCESS_REFUSED - operation not permitted on the default exchange', [50, 20],
            fn ($c) => $c->queue_bind($mine, '', 'k')],
        [405, "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '$locked' in vhost '/'. It could be "
            . 'originally declared on another connection or the exclusive property value does not match that of the '
            . 'original declaration.', [50, 40], fn ($c) => $c->queue_delete($locked)],
        [406, 'PRECONDITION_FAILED - unknown delivery tag 99', [60, 80], fn ($c) => $c->basic_ack(99)],
        [406, 'PRECONDITION_FAILED - unknown delivery tag 98', [60, 120], fn ($c) => $c->basic_nack(98)],
        [406, "PRECONDITION_FAILED - invalid expiration 'abc': no_integer", [60, 40],
            fn ($c) => $c->basic_publish(new AMQPMessage('m', ['expiration' => 'abc']), '', $mine)],
    ];
    foreach ($rows as [$code, $text, $offender, $action]) {
        channel_refuses($connection, $code, $text, $offender, $action);
    }
    expect($connection->channel()->queue_delete($name), 0, 'deleting what is not there is no error');
});

scenario('of_a_connection', function (Context $ctx) { // php-amqplib adds the offender to the text
    $rows = [
        [503, "COMMAND_INVALID - unknown exchange type 'bogus'(40, 10)", fn ($c) => $c->exchange_declare($ctx->name(), 'bogus')],
        [540, 'NOT_IMPLEMENTED - immediate=true(60, 40)', fn ($c) => $c->basic_publish(new AMQPMessage('m'), '', 'q', false, true)],
        [540, 'NOT_IMPLEMENTED - prefetch_size!=0 (10)(60, 10)', fn ($c) => $c->basic_qos(10, 0, false)],
        [540, 'NOT_IMPLEMENTED - requeue=false(60, 110)', fn ($c) => $c->basic_recover(false)],
        [540, 'NOT_IMPLEMENTED - active=false(20, 20)', fn ($c) => $c->flow(false)],
    ];
    foreach ($rows as [$code, $text, $action]) {
        $connection = $ctx->connection();
        $channel = $connection->channel();
        $error = raises(AMQPConnectionClosedException::class, function () use ($channel, $action) {
            $action($channel);
            $channel->wait(null, false, DEADLINE);
        });
        expect([$error->getCode(), $error->getMessage()], [$code, $text], 'connection.close');
        require_that(!$connection->isConnected(), 'the connection is closed');
    }
});

scenario('logins', function (Context $ctx) { // 1.6 to 1.8, 1.15
    foreach (['AMQPLAIN', 'PLAIN'] as $mechanism) {
        $connection = $ctx->connection(mechanism: $mechanism);
        expect($connection->getServerProperties()['product'][1], 'RabbitMQ', 'product');
        $error = raises(AMQPConnectionClosedException::class, fn () => $ctx->connection('wrong', mechanism: $mechanism));
        expect([$error->getCode(), $error->getMessage()], [403, 'ACCESS_REFUSED - Login was refused using authentication '
            . "mechanism $mechanism. For details see the broker logfile.(0, 0)"], 'refused');
    }
    $error = raises(AMQPConnectionClosedException::class, fn () => $ctx->connection(vhost: 'nosuch'));
    expect([$error->getCode(), $error->getMessage()], [530, 'NOT_ALLOWED - vhost nosuch not found(10, 40)'], 'no such vhost');
});

scenario('passive_then_declared', function (Context $ctx) { // 9
    $connection = $ctx->connection();
    $name = $ctx->name();
    $missing = [404, "NOT_FOUND - no queue '$name' in vhost '/'", [50, 10]];
    channel_refuses($connection, ...[...$missing, fn ($c) => $c->queue_declare($name, passive: true)]);
    $channel = $connection->channel();
    $channel->queue_declare($name, durable: true);
    expect($channel->queue_declare($name, passive: true), [$name, 0, 0], 'passive');
});
