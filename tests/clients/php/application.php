<?php
// SPDX-License-Identifier: Apache-2.0
// Delays as Laravel and Symfony make them: a temporary queue for each, from which a
// job goes back to its work queue when its time is over (rabbitmq.md 3.13, 3.14, 3.16).

use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Exception\AMQPProtocolChannelException;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPTable;

/** Laravel's queue driver: QUEUE.delay.MS, gone when nobody used it for twice its time. */
class LaravelQueue
{
    public function __construct(private AMQPChannel $channel, public readonly string $name)
    {
        $channel->confirm_select();
        $channel->queue_declare($name, durable: true, auto_delete: false);
    }

    public function delayed(int $ms): string
    {
        return "$this->name.delay.$ms";
    }

    public function later(int $ms, string $job, int $attempts = 0): void
    {
        $this->channel->queue_declare($this->delayed($ms), durable: true, auto_delete: false, arguments: new AMQPTable([
            'x-dead-letter-exchange' => '', 'x-dead-letter-routing-key' => $this->name,
            'x-message-ttl' => $ms, 'x-expires' => 2 * $ms,
        ]));
        $message = new AMQPMessage($job, [
            'delivery_mode' => 2, 'content_type' => 'application/json',
            'application_headers' => new AMQPTable(['laravel' => ['attempts' => $attempts]]),
        ]);
        $this->channel->basic_publish($message, '', $this->delayed($ms));
        $this->channel->wait_for_pending_acks(DEADLINE);
    }

    public static function attempts(AMQPMessage $message): int
    {
        return $message->get('application_headers')->getNativeData()['laravel']['attempts'];
    }
}

/** Whether it is gone; a channel of its own, which a 404 ends. */
function gone(Context $ctx, string $queue): bool
{
    try {
        $ctx->channel()->queue_declare($queue, passive: true);
        return false;
    } catch (AMQPProtocolChannelException $error) {
        expect($error->amqp_reply_code, 404, 'code');
        return true;
    }
}

/** Asking is use too, and begins its time anew (3.14): so asked only when that has passed. */
function wait_gone(Context $ctx, string $queue, int $expires_ms): void
{
    $end = microtime(true) + DEADLINE;
    do {
        require_that(microtime(true) < $end, "$queue is still there");
        usleep(($expires_ms + 300) * 1000);
    } while (!gone($ctx, $queue));
}

scenario('laravel_backs_off', function (Context $ctx) {
    $channel = $ctx->channel();
    $laravel = new LaravelQueue($channel, $ctx->name('laravel'));
    $ladder = [200, 400, 800];
    $seen = [];
    $channel->basic_qos(0, 1, false);
    $channel->basic_consume($laravel->name, callback: function (AMQPMessage $message) use ($laravel, $ladder, &$seen) {
        $attempts = LaravelQueue::attempts($message);
        $death = $message->get('application_headers')->getNativeData()['x-death'][0];
        $seen[] = [$attempts, $death['queue'], $death['reason'], $death['count'], $message->getRoutingKey(), (bool) $message->isRedelivered()];
        if ($attempts + 1 < count($ladder)) {
            $laravel->later($ladder[$attempts + 1], $message->getBody(), $attempts + 1);
        }
        $message->ack();
    });
    $began = microtime(true);
    $laravel->later($ladder[0], '{"job":"Mail"}');
    pump($channel, function () use (&$seen) {
        return count($seen) === 3;
    }, 'three attempts');
    $took = microtime(true) - $began;
    require_that($took >= array_sum($ladder) / 1000 - 0.01, "all delays took $took s");
    foreach ($ladder as $i => $ms) {
        expect($seen[$i], [$i, $laravel->delayed($ms), 'expired', 1, $laravel->name, false], "attempt $i");
    }
    foreach ($ladder as $ms) {
        wait_gone($ctx, $laravel->delayed($ms), 2 * $ms);
    }
    $channel->queue_delete($laravel->name);
});

scenario('symfony_delays', function (Context $ctx) {
    // Messenger: the exchange `delays`, a queue a delay and routing key that outlives it by some seconds.
    $channel = $ctx->channel();
    $channel->confirm_select();
    [$messages, $delays] = [$ctx->name('messages'), $ctx->name('delays')];
    $channel->exchange_declare($messages, 'fanout', durable: true, auto_delete: false);
    $channel->exchange_declare($delays, 'direct', durable: true, auto_delete: false);
    $channel->queue_declare($messages, durable: true, auto_delete: false);
    $channel->queue_bind($messages, $messages);
    $send = function (string $body, int $ms) use ($channel, $messages, $delays) {
        $name = "delay_{$messages}__{$ms}_delay";
        $channel->queue_declare($name, durable: true, auto_delete: false, arguments: new AMQPTable([
            'x-message-ttl' => $ms, 'x-expires' => $ms + 1000, 'x-dead-letter-exchange' => $messages, 'x-dead-letter-routing-key' => '',
        ]));
        $channel->queue_bind($name, $delays, $name);
        $message = new AMQPMessage($body, ['delivery_mode' => 2, 'application_headers' => new AMQPTable(['type' => 'App\\Mail'])]);
        $channel->basic_publish($message, $delays, $name);
        return $name;
    };
    $late = $send('late', 900);
    $soon = $send('soon', 100);
    $send('middle', 500);
    $send('middle too', 500);
    $channel->wait_for_pending_acks(DEADLINE);
    $taken = (new Taken($channel, $messages))->exactly(4);
    expect($taken->bodies(), ['soon', 'middle', 'middle too', 'late'], 'in the order of their times');
    foreach ($taken->messages as $message) {
        expect([$message->getExchange(), $message->getRoutingKey()], [$messages, ''], 'where it comes from');
        expect($message->get('application_headers')->getNativeData()['type'], 'App\\Mail', 'its own header');
        $message->ack();
    }
    wait_gone($ctx, $late, 1900);
    expect(gone($ctx, $soon), true, 'the other one is gone too');
    $channel->queue_delete($messages);
    $channel->exchange_delete($messages);
    $channel->exchange_delete($delays);
});
