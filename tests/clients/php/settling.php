<?php
// SPDX-License-Identifier: Apache-2.0
// basic.get, ack, nack, reject and what comes again (rabbitmq.md 4.18 to 4.23).

scenario('got', function (Context $ctx) { // 4.18, 9: polled
    $channel = $ctx->channel();
    $queue = $ctx->queue($channel);
    expect($channel->basic_get($queue), null, 'of an empty queue');
    send($channel, $queue, '0', '1', '2');
    for ($i = 0; $i < 3; $i++) {
        $message = get($channel, $queue, false);
        expect(
            [$message->getDeliveryTag(), $message->getMessageCount(), $message->getExchange(), $message->getRoutingKey(),
                (bool) $message->isRedelivered(), $message->getBody()],
            [$i + 1, 2 - $i, '', $queue, false, (string) $i],
            'basic.get',
        );
    }
    $channel->basic_ack(0, true);
    expect($channel->basic_get($queue), null, 'of an emptied queue');
});

scenario('requeued', function (Context $ctx) { // 4.20
    $channel = $ctx->channel();
    $queue = $ctx->queue($channel);
    send($channel, $queue, '0', '1', '2', '3');
    for ($i = 0; $i < 4; $i++) {
        $messages[] = get($channel, $queue, false);
    }
    $messages[1]->nack(true, true);
    $messages[2]->reject(false);
    $messages[3]->reject(true);
    foreach (['0', '1', '3'] as $wanted) {
        $message = get($channel, $queue);
        expect([$message->getBody(), (bool) $message->isRedelivered()], [$wanted, true], 'again');
    }
    expect($channel->basic_get($queue), null, 'the rejected one is gone');
});

scenario('recovered', function (Context $ctx) { // 4.23
    $channel = $ctx->channel();
    $queue = $ctx->queue($channel);
    $taken = new Taken($channel, $queue);
    send($channel, $queue, 'a', 'b');
    $taken->until(2);
    $channel->basic_recover(true);
    expect($taken->exactly(4)->bodies(), ['a', 'b', 'a', 'b'], 'deliveries');
});

scenario('back_when_the_connection_closes', function (Context $ctx) { // 4.21
    $own = $ctx->connection();
    $channel = $own->channel();
    $queue = $channel->queue_declare($ctx->name(), auto_delete: true)[0];
    send($channel, $queue, 'm');
    get($channel, $queue, false);
    $own->close();
    expect((bool) get($ctx->channel(), $queue)->isRedelivered(), true, 'redelivered');
});

scenario('purged', function (Context $ctx) { // 3.12
    $channel = $ctx->channel();
    $queue = $ctx->queue($channel);
    $channel->confirm_select();
    send($channel, $queue, '0', '1', '2');
    $channel->wait_for_pending_acks(DEADLINE);
    get($channel, $queue, false);
    expect($channel->queue_purge($queue), 2, 'purged');
});
