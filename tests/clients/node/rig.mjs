// SPDX-License-Identifier: Apache-2.0
// What every scenario of amqplib uses: its connections, and what harness.mjs has.
import { createRequire } from 'node:module';
import path from 'node:path';
import { Scenario, broker, client, home, port, within } from './harness.mjs';

export * from './harness.mjs';

export const load = createRequire(path.join(home, 'package.json'));
export const amqplib = load('amqplib');
const { version } = load('./node_modules/amqplib/package.json');
export const real = broker === 'rabbitmq';

const scenarios = client('node');
export const { scenario, restarting } = scenarios;

class Context extends Scenario {
  address(given = {}) {
    return { protocol: 'amqp', hostname: '127.0.0.1', port: Number(port), username: 'guest', password: 'guest', heartbeat: 0, ...given };
  }

  async connection(given) {
    const connection = await within(amqplib.connect(this.address(given)), 'connect');
    connection.on('error', () => {}); // who cares listens too; an unheard one would end the process
    this.closing.push(() => connection.close());
    return connection;
  }

  async channel(connection) {
    const channel = await (connection ?? (await this.connection())).createChannel();
    channel.on('error', () => {});
    return channel;
  }

  async confirming(connection) {
    const channel = await (connection ?? (await this.connection())).createConfirmChannel();
    channel.on('error', () => {});
    return channel;
  }
}

// A new durable queue with these bodies, confirmed.
export async function filled(ctx, channel, bodies) {
  const { queue } = await channel.assertQueue(ctx.name());
  for (const body of bodies) channel.sendToQueue(queue, Buffer.from(body), { persistent: true });
  await channel.waitForConfirms();
  return queue;
}

// A consumer that only collects: deliveries, and null when the server cancels it.
export async function collect(channel, queue, options) {
  const taken = [];
  const { consumerTag } = await channel.consume(queue, (message) => taken.push(message), options);
  taken.tag = consumerTag;
  taken.bodies = () => taken.map((message) => message.content.toString());
  return taken;
}

export const ready = async (channel, queue) => (await channel.checkQueue(queue)).messageCount;

export const main = () => scenarios.main(`amqplib ${version}`, Context);
