// SPDX-License-Identifier: Apache-2.0
// Publishing: confirms, returns, contents (rabbitmq.md 4.1–4.8).
import { collect, expect, require, scenario, until, within } from './rig.mjs';

scenario('confirms_and_acks', async (ctx) => {
  const channel = await ctx.confirming();
  const { queue } = await channel.assertQueue(ctx.name(), { durable: true });
  const confirmed = [];
  for (let i = 0; i < 300; i += 1) {
    channel.sendToQueue(queue, Buffer.from(String(i)), { persistent: true }, (error) => confirmed.push(error ?? i));
  }
  await channel.waitForConfirms();
  expect(confirmed, Array.from({ length: 300 }, (_, i) => i));
  const taken = [];
  await channel.consume(queue, (message) => {
    taken.push(message.content.toString());
    channel.ack(message);
  });
  await until(() => taken.length === 300, '300 deliveries');
  expect(taken, confirmed.map(String));
  await channel.close();
  expect((await (await ctx.channel()).deleteQueue(queue)).messageCount, 0);
});

scenario('return_before_confirm', async (ctx) => {
  const channel = await ctx.confirming();
  const seen = [];
  channel.on('return', (message) => seen.push(message));
  const key = ctx.name('nobody');
  await within(
    new Promise((done) => {
      const options = { mandatory: true, messageId: 'm1', headers: { a: 1 } };
      channel.publish('amq.direct', key, Buffer.from('back'), options, (error) => done(seen.push(error ?? 'confirmed')));
    }),
    'the confirm',
  );
  expect(seen.length, 2);
  const [{ fields, properties, content }, last] = seen;
  expect(last, 'confirmed');
  expect([fields.replyCode, fields.replyText, fields.exchange, fields.routingKey], [312, 'NO_ROUTE', 'amq.direct', key]);
  expect([properties.messageId, properties.headers, content.toString()], ['m1', { a: 1 }, 'back']);
});

scenario('unroutable_is_confirmed', async (ctx) => {
  const channel = await ctx.confirming();
  channel.publish('amq.topic', ctx.name('nobody'), Buffer.from('lost'));
  channel.publish('', ctx.name('nobody'), Buffer.from('lost'));
  await within(channel.waitForConfirms(), 'both confirms');
});

scenario('properties_and_headers', async (ctx) => {
  const channel = await ctx.confirming();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  const given = {
    contentType: 'application/json', contentEncoding: 'utf-8', priority: 3, correlationId: 'c-1', replyTo: 'r-1', expiration: '60000',
    messageId: 'm-1', timestamp: 1_700_000_000, type: 't-1', userId: 'guest', appId: 'a-1', deliveryMode: 2,
    headers: {
      text: 'ä ß 語', yes: true, no: false, small: -5, large: 2 ** 40, real: 1.5, nothing: null, list: [1, 'two', [3]],
      table: { inner: { deep: 'x' } }, bytes: Buffer.from([0, 1, 255]), short: { '!': 'int16', value: -300 }, time: { '!': 'timestamp', value: 1234 },
    },
  };
  channel.sendToQueue(queue, Buffer.from('{}'), given);
  await channel.waitForConfirms();
  const { properties, fields } = await channel.get(queue, { noAck: true });
  const headers = { ...given.headers, short: -300 }; // amqplib reads a typed number as a number
  expect({ ...properties, headers: null }, { ...given, headers: null, clusterId: undefined });
  expect(properties.headers, headers);
  expect([fields.redelivered, fields.exchange, fields.routingKey, fields.messageCount], [false, '', queue, 0]);
});

scenario('large_message', async (ctx) => {
  const channel = await ctx.confirming();
  const { queue } = await channel.assertQueue(ctx.name());
  const body = Buffer.alloc(5 * 1024 * 1024);
  for (let i = 0; i < body.length; i += 4) body.writeUInt32LE((i * 2654435761) >>> 0, i);
  for (let i = 0; i < 3; i += 1) channel.sendToQueue(queue, body, { persistent: i === 1, headers: { i } });
  await channel.waitForConfirms();
  const taken = await collect(channel, queue);
  await until(() => taken.length === 3, 'three deliveries');
  taken.forEach((message, i) => {
    require(message.content.equals(body), `message ${i} differs`);
    expect(message.properties.headers, { i });
    channel.ack(message);
  });
  await channel.deleteQueue(queue);
});

scenario('empty_body', async (ctx) => {
  const channel = await ctx.confirming();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  channel.sendToQueue(queue, Buffer.alloc(0), { type: 'nothing' });
  await channel.waitForConfirms();
  const message = await channel.get(queue);
  expect([message.content.length, message.properties.type], [0, 'nothing']);
});

scenario('interleaved_channels', async (ctx) => {
  // Frames of several large contents take turns on one socket.
  const connection = await ctx.connection();
  const channels = await Promise.all(Array.from({ length: 6 }, () => ctx.confirming(connection)));
  const queues = await Promise.all(channels.map((channel) => channel.assertQueue('', { exclusive: true })));
  for (let round = 0; round < 4; round += 1) {
    channels.forEach((channel, i) => channel.sendToQueue(queues[i].queue, Buffer.alloc(300_000 + i, `${i}${round}`)));
  }
  await Promise.all(channels.map((channel) => channel.waitForConfirms()));
  for (let i = 0; i < 6; i += 1) {
    const taken = await collect(channels[i], queues[i].queue, { noAck: true });
    await until(() => taken.length === 4, 'four deliveries');
    taken.forEach(({ content }, round) => require(content.equals(Buffer.alloc(300_000 + i, `${i}${round}`)), `${i} ${round} differs`));
  }
});
