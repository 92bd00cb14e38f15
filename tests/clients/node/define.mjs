// SPDX-License-Identifier: Apache-2.0
// Exchanges, queues, bindings (rabbitmq.md 2, 3).
import { expect, failure, ready, require, scenario } from './rig.mjs';

const bodies = async (channel, queue) => {
  const out = [];
  for (;;) {
    const message = await channel.get(queue, { noAck: true });
    if (!message) return out;
    out.push(message.content.toString());
  }
};

scenario('routing', async (ctx) => {
  const channel = await ctx.confirming();
  const rows = [
    ['direct', ['a.b', 'c'], ['a.b', 'c']],
    ['topic', ['a.*', '#.z', 'm.#'], ['a.b', 'z', 'x.y.z', 'm', 'm.n.o']],
    ['fanout', ['', 'ignored'], ['a.b', 'c', 'a.b.c', 'z', 'x.y.z', 'm', 'm.n.o', '']],
  ];
  for (const [type, patterns, wanted] of rows) {
    const { exchange } = await channel.assertExchange(ctx.name(type), type, { durable: false, autoDelete: true });
    const { queue } = await channel.assertQueue('', { exclusive: true });
    for (const pattern of patterns) await channel.bindQueue(queue, exchange, pattern);
    for (const key of ['a.b', 'c', 'a.b.c', 'z', 'x.y.z', 'm', 'm.n.o', '']) channel.publish(exchange, key, Buffer.from(key));
    await channel.waitForConfirms();
    expect(await bodies(channel, queue), wanted, type);
    for (const pattern of patterns) await channel.unbindQueue(queue, exchange, pattern);
    const gone = await failure((await ctx.channel()).checkExchange(exchange), 'the auto-delete exchange');
    expect(gone.code, 404, type);
  }
});

scenario('exchange_to_exchange', async (ctx) => {
  const channel = await ctx.confirming();
  const { exchange: source } = await channel.assertExchange(ctx.name('in'), 'topic', { durable: false });
  const { exchange: middle } = await channel.assertExchange(ctx.name('out'), 'fanout', { durable: false, internal: true });
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await channel.bindExchange(middle, source, 'order.#');
  await channel.bindQueue(queue, middle, '');
  await channel.bindQueue(queue, source, 'order.new');
  for (const key of ['order.new', 'order.old', 'other']) channel.publish(source, key, Buffer.from(key));
  await channel.waitForConfirms();
  expect(await bodies(channel, queue), ['order.new', 'order.old']);
  await channel.unbindExchange(middle, source, 'order.#');
  for (const key of ['order.new', 'order.old']) channel.publish(source, key, Buffer.from(key));
  await channel.waitForConfirms();
  expect(await bodies(channel, queue), ['order.new']);
  await channel.deleteExchange(middle);
  await channel.deleteExchange(source);
});

scenario('declares_in_a_row', async (ctx) => {
  // amqplib queues requests; the broker answers in order.
  const channel = await ctx.channel();
  const names = Array.from({ length: 50 }, () => ctx.name());
  const answers = await Promise.all(names.map((name) => channel.assertQueue(name, { durable: false, autoDelete: false })));
  expect(answers.map(({ queue }) => queue), names);
  await Promise.all(names.map((name) => channel.deleteQueue(name)));
});

scenario('declared_again', async (ctx) => {
  const channel = await ctx.channel();
  const queue = ctx.name();
  const options = { durable: true, messageTtl: 60000, expires: 60000, maxLength: 10, maxPriority: 5, deadLetterExchange: 'amq.fanout', deadLetterRoutingKey: 'k' };
  for (let i = 0; i < 2; i += 1) expect(await channel.assertQueue(queue, options), { queue, messageCount: 0, consumerCount: 0 });
  expect(await channel.checkQueue(queue), { queue, messageCount: 0, consumerCount: 0 });
  await channel.deleteQueue(queue);
});

scenario('server_named', async (ctx) => {
  const connection = await ctx.connection();
  const channel = await ctx.channel(connection);
  const { queue } = await channel.assertQueue('', { exclusive: true });
  require(/^amq\.gen-[A-Za-z0-9_-]{22}$/.test(queue), `name ${queue}`);
  await connection.close();
  expect((await failure((await ctx.channel()).checkQueue(queue), 'the exclusive queue')).code, 404);
});

scenario('purge_and_delete', async (ctx) => {
  const channel = await ctx.confirming();
  const { queue } = await channel.assertQueue(ctx.name());
  for (let i = 0; i < 5; i += 1) channel.sendToQueue(queue, Buffer.from('m'));
  await channel.waitForConfirms();
  await channel.get(queue);
  expect(await channel.purgeQueue(queue), { messageCount: 4 });
  expect(await ready(channel, queue), 0);
  expect(await channel.deleteQueue(queue), { messageCount: 0 });
  expect(await channel.deleteQueue(queue), { messageCount: 0 }, 'one that is not there');
  await channel.deleteExchange(ctx.name('nosuch'));
});

scenario('auto_delete_queue', async (ctx) => {
  const channel = await ctx.channel();
  const { queue } = await channel.assertQueue(ctx.name(), { autoDelete: true, durable: false });
  const { consumerTag } = await channel.consume(queue, () => {});
  expect((await channel.checkQueue(queue)).consumerCount, 1);
  await channel.cancel(consumerTag);
  expect((await failure(channel.checkQueue(queue), 'the auto-delete queue')).code, 404);
});
