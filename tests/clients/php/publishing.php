<?php
// SPDX-License-Identifier: Apache-2.0
// Publishing, routing, confirms and returns (rabbitmq.md 2, 4.1 to 4.10).

use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPTable;

scenario('confirms', function (Context $ctx) {
    $channel = $ctx->channel();
    $queue = $ctx->queue($channel);
    $acked = $nacked = [];
    $channel->set_ack_handler(function ($message) use (&$acked) {
        $acked[] = $message->getBody();
    });
    $channel->set_nack_handler(function ($message) use (&$nacked) {
        $nacked[] = $message->getBody();
    });
    $channel->confirm_select();
    $sent = array_map(fn ($i) => "m$i", range(1, 500));
    send($channel, $queue, ...$sent);
    $channel->wait_for_pending_acks(DEADLINE);
    sort($acked);
    sort($sent);
    expect([$acked, $nacked], [$sent, []], 'confirmed');
    expect($channel->queue_declare($queue, passive: true)[1], 500, 'ready messages');
});

scenario('published_in_a_batch', function (Context $ctx) {
    $channel = $ctx->channel();
    $queue = $ctx->queue($channel);
    foreach (range(1, 200) as $i) {
        $channel->batch_basic_publish(new AMQPMessage("m$i"), '', $queue);
    }
    $channel->publish_batch();
    expect_ready($channel, $queue, 200, 'ready messages');
});

scenario('returned_before_confirmed', function (Context $ctx) { // 4.2
    $channel = $ctx->channel();
    $events = [];
    $channel->set_return_listener(function ($code, $text, $exchange, $key, $message) use (&$events) {
        $events[] = "return $code $text $exchange $key " . $message->getBody() . ' ' . $message->get('message_id');
    });
    $channel->set_ack_handler(function ($message) use (&$events) {
        $events[] = 'ack ' . $message->getBody();
    });
    $channel->confirm_select();
    $channel->basic_publish(new AMQPMessage('back', ['message_id' => 'id']), 'amq.topic', 'to.nobody', true);
    $channel->wait_for_pending_acks_returns(DEADLINE);
    $channel->basic_publish(new AMQPMessage('dropped'), 'amq.topic', 'to.nobody');
    $channel->wait_for_pending_acks_returns(DEADLINE);
    expect($events, ['return 312 NO_ROUTE amq.topic to.nobody back id', 'ack back', 'ack dropped'], 'events');
});

scenario('through_exchanges', function (Context $ctx) { // 2.10, 2.14, 2.15
    $channel = $ctx->channel();
    $queue = $ctx->queue($channel);
    [$topic, $headers] = [$ctx->name('topic'), $ctx->name('headers')];
    $channel->exchange_declare($topic, 'topic', auto_delete: true);
    $channel->exchange_declare($headers, 'headers', auto_delete: true);
    $channel->exchange_bind($headers, $topic, 'order.#');
    $channel->queue_bind($queue, $headers, '', false, new AMQPTable(['x-match' => 'any', 'n' => 3, 'a' => 'b']));
    $channel->queue_bind($queue, $topic, '*.made');
    foreach ([['order.made', 3], ['order.paid', 4], ['order.paid', 3], ['bill.made', 4]] as [$key, $n]) {
        $with = ['application_headers' => new AMQPTable(['n' => $n])];
        $channel->basic_publish(new AMQPMessage("$key $n", $with), $topic, $key);
    }
    $taken = (new Taken($channel, $queue, true))->exactly(3);
    expect($taken->bodies(), ['order.made 3', 'order.paid 3', 'bill.made 4'], 'what came');
});

scenario('transactions', function (Context $ctx) { // 4.10
    [$channel, $other] = [$ctx->channel(), $ctx->channel()];
    $queue = $other->queue_declare($ctx->name(), auto_delete: true)[0];
    try {
        $channel->tx_select();
    } catch (Exception $refused) {
        require_that(!$ctx->real, 'RabbitMQ has transactions');
        throw new Skip('tx.select is not answered yet');
    }
    send($channel, $queue, 'a', 'b');
    expect($other->queue_declare($queue, passive: true)[1], 0, 'before the commit');
    $channel->tx_commit();
    expect_ready($other, $queue, 2, 'after the commit');
    send($channel, $queue, 'c');
    $channel->tx_rollback();
    expect($other->queue_declare($queue, passive: true)[1], 2, 'after the rollback');
});
