// SPDX-License-Identifier: Apache-2.0
// Consuming and settling (rabbitmq.md 4.11–4.23).
import { collect, expect, failure, filled, ready, scenario, until } from './rig.mjs';

const numbers = (n, from = 0) => Array.from({ length: n }, (_, i) => String(i + from));

scenario('cancelled_when_its_queue_goes', async (ctx) => {
  const connection = await ctx.connection();
  const channel = await ctx.channel(connection);
  const { queue } = await channel.assertQueue(ctx.name());
  const taken = await collect(channel, queue);
  await (await ctx.channel()).deleteQueue(queue);
  await until(() => taken.length, 'the cancellation');
  expect([...taken], [null]);
  await channel.assertQueue('', { exclusive: true });
});

scenario('prefetch', async (ctx) => {
  const channel = await ctx.confirming();
  const queue = await filled(ctx, channel, numbers(10));
  await channel.prefetch(3);
  const taken = await collect(channel, queue);
  await until(async () => taken.length === 3 && (await ready(channel, queue)) === 7, 'three out');
  channel.ack(taken[0]);
  await until(() => taken.length === 4, 'the fourth');
  channel.ack(taken[3], true);
  await until(async () => taken.length === 7 && (await ready(channel, queue)) === 3, 'three more');
  expect(taken.bodies(), numbers(7));
});

scenario('prefetch_of_the_channel', async (ctx) => {
  const channel = await ctx.confirming();
  const queue = await filled(ctx, channel, numbers(8));
  await channel.prefetch(2, true);
  const first = await collect(channel, queue);
  const second = await collect(channel, queue);
  await until(async () => first.length + second.length === 2 && (await ready(channel, queue)) === 6, 'two out');
  await channel.prefetch(5, true);
  await until(async () => first.length + second.length === 5 && (await ready(channel, queue)) === 3, 'five out');
});

scenario('requeued', async (ctx) => {
  const channel = await ctx.confirming();
  const queue = await filled(ctx, channel, numbers(4));
  const get = async () => channel.get(queue);
  const first = await get();
  const second = await get();
  expect([first.fields.redelivered, second.fields.redelivered], [false, false]);
  channel.nack(first);
  channel.reject(second, false);
  const again = await get();
  expect([again.content.toString(), again.fields.redelivered], ['0', true]);
  const third = await get();
  expect([third.content.toString(), third.fields.redelivered], ['2', false]);
  channel.nackAll();
  expect(await ready(channel, queue), 3);
  const taken = await collect(channel, queue);
  await until(() => taken.length === 3, 'three deliveries');
  expect(taken.map(({ content, fields }) => [content.toString(), fields.redelivered]), [['0', true], ['2', true], ['3', false]]);
  channel.ackAll();
  await channel.cancel(taken.tag);
  expect(await get(), false);
});

scenario('requeued_to_the_other', async (ctx) => {
  const connection = await ctx.connection();
  const channel = await ctx.confirming(connection);
  const queue = await filled(ctx, channel, ['m']);
  const mine = await collect(channel, queue);
  await until(() => mine.length, 'a delivery');
  const other = await ctx.channel(connection);
  const others = await collect(other, queue);
  await channel.cancel(mine.tag);
  channel.nack(mine[0]);
  await until(() => others.length, 'the redelivery');
  expect([others.bodies(), others[0].fields.redelivered], [['m'], true]);
});

scenario('closed_channel_gives_back', async (ctx) => {
  const connection = await ctx.connection();
  const channel = await ctx.confirming(connection);
  const queue = await filled(ctx, channel, numbers(5));
  const taken = await collect(channel, queue);
  await until(() => taken.length === 5, 'five deliveries');
  channel.ack(taken[1]);
  channel.ack(taken[3]);
  await channel.close();
  const other = await ctx.channel(connection);
  const again = await collect(other, queue);
  await until(() => again.length === 3, 'three deliveries');
  expect(again.map(({ content, fields }) => [content.toString(), fields.redelivered]), ['0', '2', '4'].map((body) => [body, true]));
});

scenario('recover', async (ctx) => {
  const channel = await ctx.confirming();
  const queue = await filled(ctx, channel, numbers(3));
  const taken = await collect(channel, queue);
  await until(() => taken.length === 3, 'three deliveries');
  channel.ack(taken[1]);
  await channel.recover();
  await until(() => taken.length === 5, 'two more');
  expect(
    taken.slice(3).map(({ content, fields }) => [content.toString(), fields.redelivered, fields.deliveryTag]),
    [['0', true, 4], ['2', true, 5]],
  );
});

scenario('no_ack', async (ctx) => {
  const connection = await ctx.connection();
  const channel = await ctx.confirming(connection);
  const queue = await filled(ctx, channel, numbers(50));
  await channel.prefetch(1);
  const taken = await collect(channel, queue, { noAck: true });
  await until(() => taken.length === 50, 'fifty deliveries');
  await channel.close();
  expect(await ready(await ctx.channel(connection), queue), 0);
});

scenario('exclusive_consumer', async (ctx) => {
  const connection = await ctx.connection();
  const channel = await ctx.channel(connection);
  const { queue } = await channel.assertQueue('', { exclusive: true });
  await collect(channel, queue, { exclusive: true, consumerTag: 'mine' });
  const other = await ctx.channel(connection);
  const error = await failure(collect(other, queue), 'consume');
  expect(
    [error.code, error.message],
    [403, `Operation failed: BasicConsume; 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - queue '${queue}' in vhost '/' in exclusive use"`],
  );
  expect(await channel.cancel('mine'), { consumerTag: 'mine' });
  await collect(await ctx.channel(connection), queue);
});

scenario('consumers_take_turns', async (ctx) => {
  const connection = await ctx.connection();
  const channel = await ctx.confirming(connection);
  const { queue } = await channel.assertQueue('', { exclusive: true });
  const consumers = [];
  for (let i = 0; i < 3; i += 1) consumers.push(await collect(await ctx.channel(connection), queue));
  for (const body of numbers(30)) channel.sendToQueue(queue, Buffer.from(body));
  await until(() => consumers.reduce((sum, taken) => sum + taken.length, 0) === 30, 'thirty deliveries');
  expect(consumers.map((taken) => taken.length), [10, 10, 10]);
});

scenario('request_and_direct_reply', async (ctx) => {
  // NestJS's default, and most tutorials': no reply queue at all (rabbitmq.md 4.26).
  const server = await ctx.channel();
  const { queue } = await server.assertQueue(ctx.name('rpc'), { autoDelete: true });
  await server.consume(queue, (request) => {
    const { replyTo, correlationId } = request.properties;
    server.sendToQueue(replyTo, Buffer.from(`re: ${request.content}`), { correlationId });
    server.ack(request);
  });
  const client = await ctx.channel();
  const answers = await collect(client, 'amq.rabbitmq.reply-to', { noAck: true });
  for (const i of numbers(20)) client.sendToQueue(queue, Buffer.from(i), { replyTo: 'amq.rabbitmq.reply-to', correlationId: i });
  await until(() => answers.length === 20, 'twenty answers');
  expect(answers.map(({ content, properties }) => [content.toString(), properties.correlationId]), numbers(20).map((i) => [`re: ${i}`, i]));
});

scenario('request_and_reply', async (ctx) => {
  // The NestJS way with a reply queue of its own: correlation id, noAck.
  const server = await ctx.channel();
  const { queue } = await server.assertQueue(ctx.name('rpc'), { autoDelete: true });
  await server.consume(queue, (request) => {
    const { replyTo, correlationId } = request.properties;
    server.sendToQueue(replyTo, Buffer.from(`re: ${request.content}`), { correlationId });
    server.ack(request);
  });
  const client = await ctx.channel();
  const reply = await client.assertQueue('', { exclusive: true, autoDelete: true });
  const answers = await collect(client, reply.queue, { noAck: true });
  for (const i of numbers(20)) client.sendToQueue(queue, Buffer.from(i), { replyTo: reply.queue, correlationId: i });
  await until(() => answers.length === 20, 'twenty answers');
  expect(answers.map(({ content, properties }) => [content.toString(), properties.correlationId]), numbers(20).map((i) => [`re: ${i}`, i]));
});
