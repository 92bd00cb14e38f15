<?php
// SPDX-License-Identifier: Apache-2.0
// What every scenario uses: registration, names, connections closed at its end,
// expectations with texts, waits with a deadline.

use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Exception\AMQPTimeoutException;
use PhpAmqpLib\Message\AMQPMessage;

const DEADLINE = 15.0;
const QUIET = 0.06;

$scenarios = []; // name => body, in the order of their files

class Skip extends Exception
{
}

class Unmet extends Exception
{
}

/** A scenario, named after its file. */
function scenario(string $name, Closure $body): void
{
    global $scenarios;
    $topic = basename(debug_backtrace(DEBUG_BACKTRACE_IGNORE_ARGS, 1)[0]['file'], '.php');
    $scenarios["php_$topic.$name"] = $body;
}

function brief(mixed $value): string
{
    $text = var_export($value, true);
    return strlen($text) <= 400 ? $text : substr($text, 0, 400) . '… (' . strlen($text) . ')';
}

function expect(mixed $got, mixed $wanted, string $what): void
{
    if ($got !== $wanted) {
        throw new Unmet("$what: got " . brief($got) . ', expected ' . brief($wanted));
    }
}

function require_that(bool $truth, string $what): void
{
    if (!$truth) {
        throw new Unmet($what);
    }
}

/** The exception of that class which it must end with. */
function raises(string $kind, Closure $action): Throwable
{
    try {
        $action();
    } catch (Throwable $error) {
        if ($error instanceof $kind) {
            return $error;
        }
        throw $error;
    }
    throw new Unmet("no $kind was raised");
}

/* The lines between this runner and the one who holds its broker (../external.py). */

function say(string $line): void
{
    fwrite(STDOUT, "$line\n");
    fflush(STDOUT);
}

function answered(string $answer): void
{
    expect(rtrim((string) fgets(STDIN)), $answer, 'answer');
}

/** Lets a channel work until the test holds. */
function pump(AMQPChannel $channel, Closure $test, string $what): void
{
    $end = microtime(true) + DEADLINE;
    while (!$test()) {
        require_that(microtime(true) < $end, "$what: not within " . DEADLINE . ' s');
        try {
            $channel->wait(null, false, 0.05);
        } catch (AMQPTimeoutException) {
            continue;
        }
    }
}

/** Lets it work for a short while in which nothing should come. */
function quiet(AMQPChannel $channel): void
{
    $end = microtime(true) + QUIET;
    pump($channel, fn () => microtime(true) > $end, 'quiet');
}

/** A consumer that only collects. */
class Taken
{
    /** @var AMQPMessage[] */
    public array $messages = [];
    public string $tag;

    public function __construct(
        private AMQPChannel $channel,
        string $queue,
        bool $no_ack = false,
        string $tag = '',
        bool $exclusive = false,
    ) {
        $collect = function (AMQPMessage $message) {
            $this->messages[] = $message;
        };
        $this->tag = $channel->basic_consume($queue, $tag, false, $no_ack, $exclusive, false, $collect);
    }

    public function until(int $n): static
    {
        pump($this->channel, fn () => count($this->messages) >= $n, "$n deliveries");
        return $this;
    }

    public function exactly(int $n): static
    {
        $this->until($n);
        quiet($this->channel);
        expect(count($this->messages), $n, 'deliveries ' . implode(' ', $this->bodies()));
        return $this;
    }

    /** @return string[] */
    public function bodies(): array
    {
        return array_map(fn ($message) => $message->getBody(), $this->messages);
    }
}

/** One run of one scenario. */
class Context
{
    /** @var AMQPStreamConnection[] */
    private array $connections = [];

    public function __construct(public readonly int $port, public readonly bool $real)
    {
    }

    public function name(string $base = 'q'): string
    {
        return $base . '-' . bin2hex(random_bytes(4));
    }

    public function connection(
        string $password = 'guest',
        string $vhost = '/',
        string $mechanism = 'AMQPLAIN',
        int $heartbeat = 0,
    ): AMQPStreamConnection {
        $connection = new AMQPStreamConnection(
            '127.0.0.1', $this->port, 'guest', $password, $vhost, login_method: $mechanism, connection_timeout: DEADLINE,
            read_write_timeout: DEADLINE, heartbeat: $heartbeat, channel_rpc_timeout: DEADLINE,
        );
        $this->connections[] = $connection;
        return $connection;
    }

    /** Of a connection of its own. */
    public function channel(): AMQPChannel
    {
        return $this->connection()->channel();
    }

    /** A new queue that this connection alone sees. */
    public function queue(AMQPChannel $channel): string
    {
        return $channel->queue_declare($this->name(), exclusive: true)[0];
    }

    public function close(): void
    {
        foreach ($this->connections as $connection) {
            try {
                $connection->close();
            } catch (Throwable) {
                continue; // the scenario's business
            }
        }
    }
}

function send(AMQPChannel $channel, string $queue, string ...$bodies): void
{
    foreach ($bodies as $body) {
        $channel->basic_publish(new AMQPMessage($body), '', $queue);
    }
}

/** Ready messages; RabbitMQ's count may overtake a publish that no confirm was waited for. */
function expect_ready(AMQPChannel $channel, string $queue, int $wanted, string $what): void
{
    $end = microtime(true) + DEADLINE;
    do {
        $got = $channel->queue_declare($queue, passive: true)[1];
    } while ($got !== $wanted && microtime(true) < $end);
    expect($got, $wanted, $what);
}

/** basic.get until there is one. */
function get(AMQPChannel $channel, string $queue, bool $no_ack = true): AMQPMessage
{
    $end = microtime(true) + DEADLINE;
    while (($message = $channel->basic_get($queue, $no_ack)) === null) {
        require_that(microtime(true) < $end, 'basic.get: nothing came');
        usleep(5000);
    }
    return $message;
}
