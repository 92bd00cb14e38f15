<?php
// SPDX-License-Identifier: Apache-2.0
// Consumers: deliveries, acknowledgements, prefetch, cancellation, RPC (rabbitmq.md 4.11 to 4.17).

use PhpAmqpLib\Connection\Heartbeat\PCNTLHeartbeatSender;
use PhpAmqpLib\Exception\AMQPBasicCancelException;
use PhpAmqpLib\Exception\AMQPTimeoutException;
use PhpAmqpLib\Message\AMQPMessage;

scenario('in_order_with_acks', function (Context $ctx) {
    $channel = $ctx->channel();
    $queue = $channel->queue_declare($ctx->name(), auto_delete: false)[0];
    $sent = array_map(fn ($i) => "m$i", range(1, 200));
    send($channel, $queue, ...$sent);
    $channel->basic_qos(0, 20, false);
    $bodies = [];
    $tag = $channel->basic_consume($queue, callback: function (AMQPMessage $message) use (&$bodies) {
        $bodies[] = $message->getBody();
        if (count($bodies) % 10 === 0) {
            $message->ack(true);
        }
        if ($message->getBody() === 'm200') {
            $message->getChannel()->basic_cancel($message->getConsumerTag());
        }
    });
    require_that(str_starts_with($tag, 'amq.ctag-'), "the broker's consumer tag $tag");
    $channel->consume();
    expect($bodies, $sent, 'bodies');
    expect($channel->queue_declare($queue, passive: true)[2], 0, 'consumers');
    expect($channel->queue_delete($queue), 0, 'all are acknowledged');
});

scenario('cancelled_when_the_queue_goes', function (Context $ctx) { // 4.13
    [$channel, $other] = [$ctx->channel(), $ctx->channel()];
    $queue = $other->queue_declare($ctx->name(), auto_delete: false)[0];
    $taken = new Taken($channel, $queue, tag: 'mine');
    $other->queue_delete($queue);
    $cancel = raises(AMQPBasicCancelException::class, fn () => $taken->until(1));
    expect($cancel->getConsumerTag(), 'mine', 'consumer tag');
    $channel->queue_declare($ctx->name(), exclusive: true);
});

scenario('prefetch_of_each_consumer', function (Context $ctx) { // 4.17
    $channel = $ctx->channel();
    $queue = $ctx->queue($channel);
    send($channel, $queue, ...array_map('strval', range(0, 9)));
    $channel->basic_qos(0, 2, false);
    $first = (new Taken($channel, $queue))->exactly(2);
    $channel->basic_qos(0, 3, false);
    $second = (new Taken($channel, $queue))->exactly(3);
    $first->messages[0]->ack();
    expect($first->exactly(3)->bodies(), ['0', '1', '5'], 'of the first');
    $second->exactly(3);
    expect_ready($channel, $queue, 4, 'ready');
});

scenario('prefetch_of_the_channel', function (Context $ctx) { // 4.17
    $channel = $ctx->channel();
    $queue = $ctx->queue($channel);
    $channel->basic_qos(0, 3, true);
    [$first, $second] = [new Taken($channel, $queue), new Taken($channel, $queue)];
    send($channel, $queue, ...array_map('strval', range(0, 7)));
    $both = fn () => count($first->messages) + count($second->messages);
    pump($channel, fn () => $both() >= 3, 'three of both');
    quiet($channel);
    expect($both(), 3, 'of both');
    $channel->basic_ack(2, true);
    pump($channel, fn () => $both() >= 5, 'two more');
    quiet($channel);
    expect($both(), 5, 'of both');
});

scenario('rpc', function (Context $ctx) {
    [$serving, $calling] = [$ctx->channel(), $ctx->channel()];
    $requests = $serving->queue_declare($ctx->name('rpc'))[0];
    $serving->basic_consume($requests, no_ack: true, callback: function (AMQPMessage $request) {
        $with = ['correlation_id' => $request->get('correlation_id')];
        $answer = new AMQPMessage(strtoupper($request->getBody()), $with);
        $request->getChannel()->basic_publish($answer, '', $request->get('reply_to'));
    });
    $replies = $calling->queue_declare('', exclusive: true)[0];
    require_that(str_starts_with($replies, 'amq.gen-'), "the broker's queue name $replies");
    $taken = new Taken($calling, $replies, true);
    foreach (['one', 'two', 'three'] as $i => $word) {
        $with = ['reply_to' => $replies, 'correlation_id' => "c$i"];
        $calling->basic_publish(new AMQPMessage($word, $with), '', $requests);
        $serving->wait(null, false, DEADLINE);
        $answer = $taken->until($i + 1)->messages[$i];
        expect([$answer->getBody(), $answer->get('correlation_id')], [strtoupper($word), "c$i"], 'answer');
    }
});

scenario('heartbeats_by_alarm', function (Context $ctx) { // 1.13, 9
    $connection = $ctx->connection(heartbeat: 2);
    expect($connection->getHeartbeat(), 2, 'heartbeat');
    $channel = $connection->channel();
    $queue = $ctx->queue($channel);
    $taken = new Taken($channel, $queue, true);
    $sender = new PCNTLHeartbeatSender($connection);
    $sender->register();
    $end = microtime(true) + 5.5;
    while (microtime(true) < $end) {
        usleep(200000); // as a worker that is busy; the alarm interrupts it
    }
    $sender->unregister();
    send($channel, $queue, 'm');
    $taken->until(1);
});

scenario('heartbeats_missed', function (Context $ctx) { // 1.13: a silent worker loses its connection
    $connection = $ctx->connection(heartbeat: 1);
    $channel = $connection->channel();
    $queue = $channel->queue_declare($ctx->name(), auto_delete: true)[0];
    sleep(4);
    raises(Exception::class, function () use ($channel, $queue) {
        for ($i = 0; $i < 3; $i++) {
            $channel->queue_declare($queue, passive: true);
        }
    });
});
