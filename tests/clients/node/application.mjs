// SPDX-License-Identifier: Apache-2.0
// A service as rascal makes them from one configuration: exchanges bound to exchanges,
// confirmed publications, recovery of what fails, a counter of redeliveries.
import { ask, event, expect, load, require, restarting, scenario, until, within } from './rig.mjs';

const RETRY_MS = 200;
const { BrokerAsPromised } = load('rascal');

const queue = (args) => ({ options: { arguments: args } });

function configuration(ctx, namespace) {
  const { hostname, port, username: user, password } = ctx.address();
  return {
    vhosts: {
      '/': {
        namespace,
        connection: { hostname, port, user, password, options: { heartbeat: 10 }, retry: { min: 50, max: 200 } },
        exchanges: ['incoming', 'orders', 'delay', 'retry', 'dead'],
        queues: {
          save: queue({ 'x-dead-letter-exchange': 'dead', 'x-dead-letter-routing-key': 'dead' }),
          delayed: queue({ 'x-message-ttl': RETRY_MS, 'x-dead-letter-exchange': 'retry' }),
          dead: {},
        },
        bindings: {
          orders: { source: 'incoming', destination: 'orders', destinationType: 'exchange', bindingKeys: ['order.#', 'refund.*'] },
          save: { source: 'orders', destination: 'save', bindingKey: '*.eu' },
          delayed: { source: 'delay', destination: 'delayed' },
          retry: { source: 'retry', destination: 'save' },
          dead: { source: 'dead', destination: 'dead' },
        },
        publications: { order: { exchange: 'incoming' }, later: { exchange: 'delay' } },
        subscriptions: {
          save: { queue: 'save', prefetch: 3, retry: { min: 50, max: 200 }, redeliveries: { limit: 3, counter: 'inMemory' } },
          dead: { queue: 'dead' },
        },
      },
    },
    redeliveries: { counters: { inMemory: { size: 10 } } },
    recovery: [
      { strategy: 'republish', defer: 10, attempts: 2 },
      { strategy: 'forward', attempts: 1, publication: 'later', xDeathFix: true },
      { strategy: 'nack' },
    ],
  };
}

// Started, and everything it made is deleted at the end.
async function service(ctx) {
  const namespace = ctx.name('shop');
  const config = configuration(ctx, namespace);
  const broker = await within(BrokerAsPromised.create(structuredClone(config)), 'rascal');
  broker.on('error', () => {});
  ctx.closing.push(async () => {
    await broker.shutdown();
    const channel = await ctx.channel();
    for (const name of Object.keys(config.vhosts['/'].queues)) await channel.deleteQueue(`${namespace}:${name}`);
    for (const name of config.vhosts['/'].exchanges) await channel.deleteExchange(`${namespace}:${name}`);
  });
  return { broker, namespace, recovery: config.recovery };
}

// Its outcome: 'success', 'return' or 'error'.
async function publish(broker, name, content, routingKey) {
  const publication = await broker.publish(name, content, { routingKey });
  return within(
    new Promise((done, fail) => {
      let returned = false;
      publication.on('return', () => { returned = true; });
      publication.on('success', () => done(returned ? 'return' : 'success'));
      publication.on('error', fail);
    }),
    `the confirm of ${routingKey}`,
  );
}

// What comes, with its key; `settle` gets how often that content has come.
async function subscribe(broker, name, settle) {
  const taken = [];
  const session = await broker.subscribe(name);
  session.on('error', () => {});
  session.on('message', (message, content, ackOrNack) => {
    taken.push({ content, key: message.fields.routingKey, message });
    settle(ackOrNack, taken.filter((one) => one.content === content).length, content);
  });
  taken.session = session;
  taken.contents = () => taken.map(({ content }) => content);
  return taken;
}

const settled = (ackOrNack) => ackOrNack();

scenario('application_routes', async (ctx) => {
  const { broker } = await service(ctx);
  const taken = await subscribe(broker, 'save', settled);
  const outcomes = [];
  for (const key of ['order.eu', 'order.us', 'refund.eu', 'refund.eu.late', 'news.eu']) outcomes.push(await publish(broker, 'order', key, key));
  expect(outcomes, ['success', 'return', 'success', 'return', 'return']);
  await until(() => taken.length === 2, 'two orders');
  expect(taken.map(({ content, key }) => [content, key]), [['order.eu', 'order.eu'], ['refund.eu', 'refund.eu']]);
});

scenario('application_recovers', async (ctx) => {
  const { broker, namespace, recovery } = await service(ctx);
  const began = [];
  const taken = await subscribe(broker, 'save', (ackOrNack, times, content) => {
    began.push(Date.now());
    if (content === 'bad' || times < 2) ackOrNack(new Error(`no room for ${content}`), recovery);
    else ackOrNack();
  });
  const dead = await subscribe(broker, 'dead', settled);
  await publish(broker, 'order', 'bad', 'order.eu');
  await until(() => dead.length === 1, 'the dead one');
  // The first, two republished, one by the delay queue.
  expect(taken.contents(), Array(4).fill('bad'));
  require(began[3] - began[2] >= RETRY_MS - 1, `came back after ${began[3] - began[2]} ms`);
  const { headers } = dead[0].message.properties;
  expect(headers.rascal.error.message, 'no room for bad');
  expect(headers.rascal.recovery[`${namespace}:save`], { republished: 2, forwarded: 1 });
  expect(headers['x-death'].map((death) => [death.queue, death.reason, death.count]), [
    [`${namespace}:save`, 'rejected', 1],
    [`${namespace}:delayed`, 'expired', 1],
  ]);
  await publish(broker, 'order', 'twice', 'refund.eu');
  await until(() => taken.length === 6, 'the one that recovers');
  expect(taken.contents().slice(4), ['twice', 'twice']);
});

scenario('application_counts_redeliveries', async (ctx) => {
  const { broker } = await service(ctx);
  const exceeded = [];
  const taken = await subscribe(broker, 'save', (ackOrNack, times, content) => {
    if (content === 'poison') ackOrNack(new Error('poison'), { strategy: 'nack', requeue: true });
    else ackOrNack();
  });
  taken.session.on('redeliveries_exceeded', (error, message, ackOrNack) => {
    exceeded.push(message.properties.headers.rascal.redeliveries);
    ackOrNack(error, { strategy: 'nack' });
  });
  const dead = await subscribe(broker, 'dead', settled);
  await publish(broker, 'order', 'poison', 'order.eu');
  await publish(broker, 'order', 'good', 'order.eu');
  await until(() => dead.length === 1 && taken.contents().includes('good'), 'the poison is dead, the other one done');
  expect(exceeded, [4]);
  expect(taken.filter(({ content }) => content === 'poison').map(({ message }) => message.fields.redelivered), [false, true, true, true]);
  expect(dead.contents(), ['poison']);
});

restarting('application_reconnects', async (ctx) => {
  const { broker } = await service(ctx);
  let hold = true;
  const taken = await subscribe(broker, 'save', (ackOrNack) => {
    if (!hold) ackOrNack();
  });
  expect(await publish(broker, 'order', 'before', 'order.eu'), 'success');
  await until(() => taken.length === 1, 'the first');
  hold = false;
  const again = event(broker, 'connect', 30000);
  await ask('restart');
  await again;
  await until(() => taken.length === 2, 'what was not settled comes again');
  expect(await publish(broker, 'order', 'after', 'order.eu'), 'success');
  await until(() => taken.length === 3, 'the one after it');
  expect(taken.map(({ content, message }) => [content, message.fields.redelivered]), [['before', false], ['before', true], ['after', false]]);
});
