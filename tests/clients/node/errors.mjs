// SPDX-License-Identifier: Apache-2.0
// Errors as amqplib shows them (rabbitmq.md 1.24): the channel ends, the connection lives.
import { event, expect, failure, scenario, within } from './rig.mjs';

const NAMES = { 403: 'ACCESS-REFUSED', 404: 'NOT-FOUND', 405: 'RESOURCE-LOCKED', 406: 'PRECONDITION-FAILED' };

// What a request fails with, and that the channel's error is of the same text.
async function refused(ctx, connection, operation, request, [code, text]) {
  const channel = await ctx.confirming(connection);
  const heard = event(channel, 'error');
  const closed = event(channel, 'close');
  const error = await failure(request(channel), operation);
  const said = `${code} (${NAMES[code]}) with message "${text}"`;
  expect([error.code, error.message], [code, `Operation failed: ${operation}; ${said}`]);
  const [same] = await heard;
  expect([same.code, same.message], [code, `Channel closed by server: ${said}`], operation);
  await closed;
}

scenario('channel_errors', async (ctx) => {
  const connection = await ctx.connection();
  const setup = await ctx.confirming(connection);
  const q = ctx.name();
  const x = ctx.name('x');
  await setup.assertQueue(q, { durable: true });
  await setup.assertExchange(x, 'direct', { durable: true });
  await setup.bindQueue(q, x, 'k');
  await setup.consume(q, () => {});
  const vhost = "in vhost '/'";
  const rows = [
    ['QueueDeclare', (c) => c.checkQueue(`no${q}`), [404, `NOT_FOUND - no queue 'no${q}' ${vhost}`]],
    ['ExchangeDeclare', (c) => c.checkExchange(`no${x}`), [404, `NOT_FOUND - no exchange 'no${x}' ${vhost}`]],
    ['QueueDeclare', (c) => c.assertQueue(q, { durable: false }),
      [406, `PRECONDITION_FAILED - inequivalent arg 'durable' for queue '${q}' ${vhost}: received 'false' but current is 'true'`]],
    ['QueueDeclare', (c) => c.assertQueue(q, { durable: true, messageTtl: 5 }),
      [406, `PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue '${q}' ${vhost}: ` +
        "received the value '5' of type 'byte' but current is none"]],
    ['ExchangeDeclare', (c) => c.assertExchange(x, 'fanout'),
      [406, `PRECONDITION_FAILED - inequivalent arg 'type' for exchange '${x}' ${vhost}: received 'fanout' but current is 'direct'`]],
    ['QueueDeclare', (c) => c.assertQueue('amq.mine'),
      [403, "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'"]],
    ['ExchangeDeclare', (c) => c.assertExchange('amq.mine', 'direct'),
      [403, "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'"]],
    ['QueueBind', (c) => c.bindQueue(q, `no${x}`, ''), [404, `NOT_FOUND - no exchange 'no${x}' ${vhost}`]],
    ['QueueBind', (c) => c.bindQueue(`no${q}`, x, ''), [404, `NOT_FOUND - no queue 'no${q}' ${vhost}`]],
    ['BasicConsume', (c) => c.consume(`no${q}`, () => {}), [404, `NOT_FOUND - no queue 'no${q}' ${vhost}`]],
    ['BasicGet', (c) => c.get(`no${q}`), [404, `NOT_FOUND - no queue 'no${q}' ${vhost}`]],
    ['QueuePurge', (c) => c.purgeQueue(`no${q}`), [404, `NOT_FOUND - no queue 'no${q}' ${vhost}`]],
    ['QueueDelete', (c) => c.deleteQueue(q, { ifUnused: true }), [406, `PRECONDITION_FAILED - queue '${q}' ${vhost} in use`]],
    ['ExchangeDelete', (c) => c.deleteExchange(x, { ifUnused: true }), [406, `PRECONDITION_FAILED - exchange '${x}' ${vhost} in use`]],
    ['ExchangeDelete', (c) => c.deleteExchange('amq.direct'),
      [403, `ACCESS_REFUSED - deletion of system exchange 'amq.direct' ${vhost} not allowed`]],
    ['QueueBind', (c) => c.bindQueue(q, '', 'k'), [403, 'ACCESS_REFUSED - operation not permitted on the default exchange']],
  ];
  for (const [operation, request, wanted] of rows) await refused(ctx, connection, operation, request, wanted);
  setup.sendToQueue(q, Buffer.from('the connection lives'));
  await setup.waitForConfirms();
});

scenario('errors_without_a_request', async (ctx) => {
  // Publish and ack have no reply: only the channel's error tells.
  const connection = await ctx.connection();
  const rows = [
    [(c) => c.publish('nosuch-x', 'k', Buffer.from('m')), 404, "NOT_FOUND - no exchange 'nosuch-x' in vhost '/'", 60, 40],
    [(c) => c.ack({ fields: { deliveryTag: 99 } }), 406, 'PRECONDITION_FAILED - unknown delivery tag 99', 60, 80],
    [(c) => c.nack({ fields: { deliveryTag: 7 } }), 406, 'PRECONDITION_FAILED - unknown delivery tag 7', 60, 120],
    [(c) => c.reject({ fields: { deliveryTag: 7 } }), 406, 'PRECONDITION_FAILED - unknown delivery tag 7', 60, 90],
    [(c) => c.publish('', 'k', Buffer.from('m'), { expiration: 'soon' }), 406, "PRECONDITION_FAILED - invalid expiration 'soon': no_integer", 60, 40],
    [(c) => c.publish('', 'k', Buffer.from('m'), { userId: 'bob' }), 406,
      "PRECONDITION_FAILED - user_id property set to 'bob' but authenticated user was 'guest'", 60, 40],
  ];
  for (const [act, code, text, classId, methodId] of rows) {
    const channel = await ctx.channel(connection);
    const heard = event(channel, 'error');
    act(channel);
    const [error] = await heard;
    expect([error.code, error.classId, error.methodId], [code, classId, methodId], text);
    expect(error.message, `Channel closed by server: ${code} (${NAMES[code]}) with message "${text}"`);
  }
  await (await ctx.channel(connection)).assertQueue('', { exclusive: true });
});

scenario('pending_confirms_are_lost', async (ctx) => {
  const channel = await ctx.confirming();
  const outcome = new Promise((done) => channel.publish('nosuch-x', 'k', Buffer.from('m'), {}, done));
  const error = await within(outcome, 'the callback');
  expect(error?.message, 'channel closed');
});

scenario('locked_queue', async (ctx) => {
  const owner = await ctx.channel();
  const { queue } = await owner.assertQueue('', { exclusive: true });
  const text =
    `RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '${queue}' in vhost '/'. It could be originally declared on ` +
    'another connection or the exclusive property value does not match that of the original declaration.';
  const connection = await ctx.connection();
  const rows = [
    ['QueueDeclare', (c) => c.checkQueue(queue)],
    ['BasicConsume', (c) => c.consume(queue, () => {})],
    ['BasicGet', (c) => c.get(queue)],
    ['QueueDelete', (c) => c.deleteQueue(queue)],
  ];
  for (const [operation, request] of rows) await refused(ctx, connection, operation, request, [405, text]);
  const channel = await ctx.confirming(connection);
  channel.sendToQueue(queue, Buffer.from('allowed'));
  await channel.waitForConfirms();
  expect((await owner.get(queue)).content.toString(), 'allowed');
});

scenario('connection_errors', async (ctx) => {
  const rows = [
    [async (c) => {
      const { queue } = await c.assertQueue('', { exclusive: true });
      await c.consume(queue, () => {}, { consumerTag: 't' });
      c.consume(queue, () => {}, { consumerTag: 't' }).catch(() => {});
    }, 530, 'NOT-ALLOWED', "NOT_ALLOWED - attempt to reuse consumer tag 't'"],
    [async (c) => c.assertExchange(ctx.name('x'), 'bogus').catch(() => {}), 503, 'COMMAND-INVALID', "COMMAND_INVALID - unknown exchange type 'bogus'"],
  ];
  for (const [act, code, name, text] of rows) {
    const connection = await ctx.connection();
    const channel = await ctx.channel(connection);
    const heard = event(connection, 'error');
    const closed = event(connection, 'close');
    await act(channel);
    const [error] = await heard;
    expect([error.code, error.message], [code, `Connection closed: ${code} (${name}) with message "${text}"`]);
    await closed;
  }
});
