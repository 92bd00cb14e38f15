<?php
// SPDX-License-Identifier: Apache-2.0
// php-amqplib, unchanged, against a broker. Called by ../external.py with PORT BROKER
// [NAME-PART...]; says one line a scenario. Those of recovering.php restart the broker
// and come last.

require_once 'PhpAmqpLib/autoload.php';
require_once __DIR__ . '/rig.php';

foreach (['publishing', 'consuming', 'settling', 'contents', 'refusals', 'application', 'recovering'] as $topic) {
    require_once __DIR__ . "/$topic.php";
}

function run(string $name, Closure $body, Context $ctx): bool
{
    try {
        $body($ctx);
        say("ok $name");
        return true;
    } catch (Skip $skip) {
        say("skip $name: " . $skip->getMessage());
        return true;
    } catch (Throwable $error) {
        $kind = $error instanceof Unmet ? '' : get_class($error) . ' ';
        say("FAIL $name: " . preg_replace('/\s+/', ' ', $kind . $error->getMessage()));
        fwrite(STDERR, "$error\n");
        return false;
    } finally {
        $ctx->close();
    }
}

[, $port, $broker] = $argv;
$parts = array_slice($argv, 3);
say('client php-amqplib ' . (defined('PhpAmqpLib\Package::VERSION') ? PhpAmqpLib\Package::VERSION : ''));
$well = true;
foreach ($scenarios as $name => $body) {
    $asked = array_filter($parts, fn ($part) => str_contains($name, $part));
    if (!$parts || $asked) {
        $well = run($name, $body, new Context((int) $port, $broker === 'rabbitmq')) && $well;
    }
}
exit($well ? 0 : 1);
