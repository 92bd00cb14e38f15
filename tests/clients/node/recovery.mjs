// SPDX-License-Identifier: Apache-2.0
// The broker goes and comes again on the same port and data.
import { amqplib, ask, event, expect, failure, require, restarting, until, within } from './rig.mjs';

const persistent = { persistent: true };

restarting('recovery', async (ctx) => {
  // amqplib's own: reconnects, runs `setup` on the new connection, hands out new channels.
  const [exchange, queue, passing] = [ctx.name('x'), ctx.name(), ctx.name('passing')];
  const taken = [];
  let setups = 0;
  const setup = async (connection) => {
    setups += 1;
    const channel = await connection.createChannel();
    await channel.assertExchange(exchange, 'topic', { durable: true });
    await channel.assertQueue(queue, { durable: true });
    await channel.bindQueue(queue, exchange, 'k.#');
    await channel.prefetch(10);
    await channel.consume(queue, (message) => {
      if (!message) return;
      taken.push([message.content.toString(), message.fields.redelivered]);
      if (message.properties.type !== 'keep') channel.ack(message);
    });
  };
  const recovery = { initialDelay: 50, maxDelay: 200, setup };
  const connection = await within(amqplib.connect(ctx.address(), { recovery }), 'connect');
  connection.on('error', () => {});
  ctx.closing.push(() => connection.close());
  let channel = await connection.createConfirmChannel();
  channel.on('error', () => {});
  await channel.assertQueue(passing, { durable: false });
  channel.publish(exchange, 'k.1', Buffer.from('settled'), persistent);
  channel.publish(exchange, 'k.2', Buffer.from('held'), { ...persistent, type: 'keep' });
  await channel.waitForConfirms();
  await until(() => taken.length === 2, 'two deliveries');

  const lost = event(connection, 'disconnect');
  const back = event(connection, 'connect', 60000);
  await ask('stop');
  await lost;
  await event(connection, 'connect-failed');
  await ask('start');
  await back;
  expect(setups >= 2, true, 'setup ran again');
  await until(() => taken.length === 3, 'the redelivery');
  expect(taken, [['settled', false], ['held', false], ['held', true]]);
  channel = await connection.createConfirmChannel();
  channel.on('error', () => {});
  channel.publish(exchange, 'k.3', Buffer.from('after'), persistent);
  await channel.waitForConfirms();
  await until(() => taken.length === 4, 'the consumer goes on');
  expect(taken[3], ['after', false]);
  expect((await failure(channel.checkQueue(passing), 'the transient queue')).code, 404);
});

restarting('confirmed_messages_are_still_there', async (ctx) => {
  const connection = await ctx.connection();
  const channel = await ctx.confirming(connection);
  const { queue } = await channel.assertQueue(ctx.name(), { durable: true });
  const closed = event(connection, 'close');
  for (let i = 0; i < 100; i += 1) channel.sendToQueue(queue, Buffer.from(String(i)), i % 5 ? persistent : {});
  channel.sendToQueue(queue, Buffer.alloc(5 * 1024 * 1024, 'x'), persistent);
  await channel.waitForConfirms();
  await ask('restart');
  const [error] = await closed;
  expect([error?.code, error?.message.split(' - ')[0]], [320, 'Connection closed: 320 (CONNECTION-FORCED) with message "CONNECTION_FORCED']);
  const again = await ctx.channel();
  const wanted = Array.from({ length: 100 }, (_, i) => i).filter((i) => i % 5);
  expect(await again.checkQueue(queue), { queue, messageCount: 81, consumerCount: 0 });
  for (const i of wanted) {
    const message = await again.get(queue);
    expect([message.content.toString(), message.fields.redelivered], [String(i), false]);
    again.ack(message);
  }
  require((await again.get(queue)).content.equals(Buffer.alloc(5 * 1024 * 1024, 'x')), 'the large one differs');
});
