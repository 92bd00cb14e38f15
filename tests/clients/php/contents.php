<?php
// SPDX-License-Identifier: Apache-2.0
// What a message carries comes out as it went in (rabbitmq.md 1.23, 4.7).

use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPAbstractCollection as Kind;
use PhpAmqpLib\Wire\AMQPDecimal;
use PhpAmqpLib\Wire\AMQPTable;

function through(AMQPChannel $channel, AMQPMessage $message): AMQPMessage
{
    $queue = $channel->queue_declare('', exclusive: true)[0];
    $channel->basic_publish($message, '', $queue);
    return get($channel, $queue);
}

scenario('headers_of_every_kind', function (Context $ctx) {
    $headers = new AMQPTable([
        'string' => 'żółw 🐢', 'int' => -5, 'big' => PHP_INT_MIN, 'true' => true, 'false' => false, 'null' => null,
        'empty' => '', 'when' => new DateTime('@1700000001'), 'list' => ['a', 1, [true, ['k' => 'v']]],
        'table' => ['inner' => ['deep' => 1]], 'decimal' => new AMQPDecimal(1234, 2),
    ]);
    $headers->set('byte', -128, Kind::T_INT_SHORTSHORT);
    $headers->set('unsigned byte', 255, Kind::T_INT_SHORTSHORT_U);
    $headers->set('short', -32768, Kind::T_INT_SHORT);
    $headers->set('unsigned short', 65535, Kind::T_INT_SHORT_U);
    $headers->set('unsigned', 4294967295, Kind::T_INT_LONG_U);
    $headers->set('bytes', "\x00\xff\xc3", Kind::T_BYTES);
    $message = through($ctx->channel(), new AMQPMessage('m', ['application_headers' => $headers]));
    $kinds = function (AMQPTable $table): array {
        $out = [];
        foreach ($table as $key => [$kind, $value]) {
            $out[$key] = [$kind, $value instanceof Kind || $value instanceof AMQPDecimal ? null : $value];
        }
        ksort($out);
        return $out;
    };
    $got = $message->get('application_headers');
    expect(array_column($kinds($got), 0), array_column($kinds($headers), 0), 'kinds');
    $plain = function (AMQPTable $table): array {
        $data = $table->getNativeData();
        $data['when'] = $data['when']->getTimestamp();
        $data['decimal'] = [$data['decimal']->getN(), $data['decimal']->getE()];
        ksort($data);
        return $data;
    };
    expect($plain($got), $plain($headers), 'headers');
});

scenario('every_property', function (Context $ctx) {
    $given = [
        'content_type' => 'text/plain', 'content_encoding' => 'utf-8', 'delivery_mode' => 2, 'priority' => 9,
        'correlation_id' => 'c', 'reply_to' => 'r', 'expiration' => '60000', 'message_id' => 'm', 'timestamp' => 1700000001,
        'type' => 't', 'user_id' => 'guest', 'app_id' => 'a', 'cluster_id' => 'x',
    ];
    $channel = $ctx->channel();
    $got = through($channel, new AMQPMessage('m', $given))->get_properties();
    ksort($got);
    ksort($given);
    expect($got, $given, 'all of them');
    $bare = through($channel, new AMQPMessage(''));
    expect([$bare->get_properties(), $bare->getBody()], [[], ''], 'none of them');
});

scenario('large', function (Context $ctx) {
    $body = random_bytes((5 << 20) + 13);
    $channel = $ctx->channel();
    $channel->confirm_select();
    require_that(through($channel, new AMQPMessage($body))->getBody() === $body, 'by basic.get');
    $queue = $ctx->queue($channel);
    $taken = new Taken($channel, $queue);
    send($channel, $queue, $body);
    $channel->wait_for_pending_acks(DEADLINE);
    require_that($taken->until(1)->messages[0]->getBody() === $body, 'by a consumer');
    $taken->messages[0]->nack(true);
    $again = $taken->until(2)->messages[1];
    require_that($again->getBody() === $body && $again->isRedelivered(), 'again');
    $again->ack();
});

scenario('sizes_around_a_frame', function (Context $ctx) { // 1.23
    $channel = $ctx->channel();
    foreach ([0, 1, 131063, 131064, 131065, 262128, 262129] as $size) {
        $body = $size ? str_repeat('x', $size) : '';
        expect(strlen(through($channel, new AMQPMessage($body))->getBody()), $size, 'body');
    }
});
