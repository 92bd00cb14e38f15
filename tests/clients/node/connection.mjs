// SPDX-License-Identifier: Apache-2.0
// Opening, idling, refusals (rabbitmq.md 1.4–1.18).
import { amqplib, event, expect, failure, idle, require, scenario } from './rig.mjs';

scenario('heartbeats', async (ctx) => {
  // amqplib ends a connection on which nothing came for two intervals; so does the broker.
  const connection = await ctx.connection({ heartbeat: 1 });
  let ended = null;
  connection.on('close', (error) => {
    ended = error ?? new Error('closed');
  });
  await idle(4500);
  expect(ended, null);
  const channel = await ctx.channel(connection);
  await channel.assertQueue('', { exclusive: true });
});

scenario('server_properties', async (ctx) => {
  const { serverProperties } = (await ctx.connection()).connection;
  expect(serverProperties.product, 'RabbitMQ');
  require(/^\d+\.\d+\.\d+/.test(serverProperties.version), `version ${serverProperties.version}`);
  for (const name of ['publisher_confirms', 'exchange_exchange_bindings', 'basic.nack', 'consumer_cancel_notify', 'connection.blocked']) {
    expect(serverProperties.capabilities[name], true, name);
  }
});

scenario('small_frames', async (ctx) => {
  const connection = await ctx.connection({ frameMax: 4096 });
  const channel = await ctx.confirming(connection);
  const { queue } = await channel.assertQueue('', { exclusive: true });
  const body = Buffer.alloc(100_000, 'abcdefghij');
  channel.sendToQueue(queue, body);
  await channel.waitForConfirms();
  require((await channel.get(queue)).content.equals(body), 'another body');
});

scenario('wrong_password', async (ctx) => {
  const error = await failure(amqplib.connect(ctx.address({ password: 'wrong' })), 'connect');
  expect(
    error.message,
    'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused using ' +
      'authentication mechanism PLAIN. For details see the broker logfile."',
  );
});

scenario('no_such_vhost', async (ctx) => {
  const error = await failure(amqplib.connect(ctx.address({ vhost: 'nosuch' })), 'connect');
  expect(error.message, 'Expected ConnectionOpenOk; got <ConnectionClose channel:0>'); // all that amqplib says of a 530
});

scenario('update_secret', async (ctx) => {
  const connection = await ctx.connection();
  const done = event(connection, 'update-secret-ok');
  await connection.updateSecret(Buffer.from('guest'), 'renewed');
  await done;
  await (await ctx.channel(connection)).assertQueue('', { exclusive: true });
});

scenario('many_channels', async (ctx) => {
  const connection = await ctx.connection();
  const channels = await Promise.all(Array.from({ length: 100 }, () => ctx.confirming(connection)));
  const { queue } = await channels[0].assertQueue('', { exclusive: true });
  channels.forEach((channel, i) => channel.sendToQueue(queue, Buffer.from(String(i))));
  await Promise.all(channels.map((channel) => channel.waitForConfirms()));
  await Promise.all(channels.slice(1).map((channel) => channel.close()));
  expect((await channels[0].deleteQueue(queue)).messageCount, 100);
});
