<?php
// SPDX-License-Identifier: Apache-2.0
// What a program finds when the broker restarts on the same data; php-amqplib itself
// brings nothing back but the connection.

use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Exception\AMQPConnectionClosedException;
use PhpAmqpLib\Message\AMQPMessage;

const FORCED = "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'(0, 0)";

/** The end of a connection as who waits on it sees it; RabbitMQ may be gone before it has our close-ok. */
function forced(Context $ctx, Closure $action): void
{
    $error = raises(AMQPConnectionClosedException::class, $action);
    if (!$ctx->real || $error->getCode() !== SOCKET_EPIPE) {
        expect([$error->getCode(), $error->getMessage()], [320, FORCED], 'why');
    }
}

/** As programs do it: until it works. */
function reconnect(AMQPStreamConnection $connection): void
{
    $end = microtime(true) + DEADLINE;
    while (!$connection->isConnected()) {
        require_that(microtime(true) < $end, 'reconnection');
        try {
            $connection->reconnect();
        } catch (Exception) {
            usleep(50000);
        }
    }
}

scenario('worker_goes_on', function (Context $ctx) {
    $connection = $ctx->connection();
    $channel = $connection->channel();
    [$durable, $exchange] = [$ctx->name('durable'), $ctx->name('x')];
    $declare = function ($channel) use ($durable, $exchange) {
        $channel->exchange_declare($exchange, 'topic', durable: true, auto_delete: false);
        $channel->queue_declare($durable, durable: true, auto_delete: false);
        $channel->queue_declare("$durable-mine", exclusive: true);
        $channel->queue_bind("$durable-mine", $exchange, 'all.#');
        $channel->basic_qos(0, 2, false);
    };
    $declare($channel);
    $channel->queue_bind($durable, $exchange, 'all.#');
    $channel->confirm_select();
    foreach (['a', 'b', 'c', 'd'] as $body) {
        $channel->basic_publish(new AMQPMessage($body, ['delivery_mode' => 2]), '', $durable);
    }
    $channel->wait_for_pending_acks(DEADLINE);
    $taken = (new Taken($channel, $durable))->exactly(2);
    $taken->messages[0]->ack();
    $taken->exactly(3);
    say('restart');
    forced($ctx, fn () => $taken->until(4));
    answered('restarted');
    reconnect($connection);
    $channel = $connection->channel();
    $declare($channel);
    $channel->confirm_select();
    $channel->basic_publish(new AMQPMessage('after', ['delivery_mode' => 2]), $exchange, 'all.of.them', true);
    $channel->wait_for_pending_acks_returns(DEADLINE);
    expect(get($channel, "$durable-mine")->getBody(), 'after', 'of the exclusive queue');
    $again = new Taken($channel, $durable);
    for ($i = 0; $i < 4; $i++) {
        $again->until($i + 1)->messages[$i]->ack();
    }
    expect($again->bodies(), ['b', 'c', 'd', 'after'], 'what was left');
    expect(
        array_map(fn ($message) => (bool) $message->isRedelivered(), $again->messages),
        [true, true, false, false],
        'redelivered',
    );
    $channel->queue_delete($durable);
    $channel->exchange_delete($exchange);
});

scenario('down_for_a_while', function (Context $ctx) {
    $connection = $ctx->connection();
    $channel = $connection->channel();
    $queue = $ctx->name();
    $channel->queue_declare($queue, durable: true, auto_delete: false);
    say('stop');
    forced($ctx, fn () => $channel->wait(null, false, DEADLINE));
    answered('stopped');
    raises(Exception::class, fn () => $connection->reconnect());
    say('start');
    answered('started');
    reconnect($connection);
    $channel = $connection->channel();
    send($channel, $queue, 'm');
    expect($channel->queue_delete($queue), 1, 'published after it');
});
