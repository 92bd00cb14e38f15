// SPDX-License-Identifier: Apache-2.0
// What every scenario uses: registration, connections that are closed at its end,
// expectations with texts, waits with a deadline.
//
// A scenario is an async function of one `ctx`. It uses names made by ctx.name() only,
// so that scenarios can run at once; those of `restarting` run alone, after the others.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { inspect, isDeepStrictEqual } from 'node:util';
import { randomBytes } from 'node:crypto';
import path from 'node:path';

const DEADLINE_MS = 15000;
const SCENARIO_MS_MAX = 60000;
const JOBS = 8;

const [home, port, broker, ...parts] = process.argv.slice(2);
const load = createRequire(path.join(home, 'package.json'));
export const amqplib = load('amqplib');
const { version } = load('./node_modules/amqplib/package.json');
export const real = broker === 'rabbitmq';

const scenarios = [];
export const scenario = (name, run) => scenarios.push({ name: `node.${name}`, run });
export const restarting = (name, run) => scenarios.push({ name: `node.${name}`, run, alone: true });

// Why a scenario does not apply here.
export class Skip extends Error {}

const short = (value) => inspect(value, { depth: 4, breakLength: Infinity, maxStringLength: 300, maxArrayLength: 20 });

export function expect(got, wanted, what = '') {
  if (!isDeepStrictEqual(got, wanted)) {
    throw new Error(`${what && `${what}: `}got ${short(got)}, expected ${short(wanted)}`);
  }
}

export function require(truth, what) {
  if (!truth) throw new Error(what);
}

const later = (ms) => new Promise((done) => setTimeout(done, ms));

// Time that must pass, such as several heartbeats.
export const idle = later;

export async function until(test, what, ms = DEADLINE_MS) {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await test();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${ms} ms`);
    await later(10);
  }
}

// A promise that must come in time.
export function within(promise, what, ms = DEADLINE_MS) {
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// The error with which a promise must fail.
export function failure(promise, what) {
  return within(promise, what).then(
    (value) => {
      throw new Error(`${what}: no error, but ${short(value)}`);
    },
    (error) => error,
  );
}

// The next event of that name, as an array of its arguments.
export const event = (emitter, name, ms) =>
  within(new Promise((done) => emitter.once(name, (...given) => done(given))), `event ${name}`, ms);

const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// The broker on the same port and data: 'stop', 'start' or 'restart'.
export async function ask(word) {
  process.stdout.write(`${word}\n`);
  const { value, done } = await within(input.next(), word, SCENARIO_MS_MAX);
  require(!done && value.startsWith(word), `${word}: answered ${value}`);
}

class Context {
  closing = [];

  name(base = 'q') {
    return `${base}-${randomBytes(5).toString('hex')}`;
  }

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

  async close() {
    for (const close of this.closing.reverse()) {
      try {
        await within(close(), 'close', 2000);
      } catch {
        // it may be closed already, which is the scenario's business
      }
    }
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

let failed = 0;

async function runOne({ name, run }) {
  const ctx = new Context();
  const began = Date.now();
  try {
    await within(run(ctx), 'the scenario', SCENARIO_MS_MAX);
    console.log(`ok ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  } catch (error) {
    const text = String(error.message).replace(/\s+/g, ' ');
    if (error instanceof Skip) {
      console.log(`skip ${name}: ${text}`);
    } else {
      failed += 1;
      console.log(`FAIL ${name}: ${text}`);
      console.error(error);
    }
  } finally {
    await ctx.close();
  }
}

export async function main() {
  console.log(`client amqplib ${version}`);
  const chosen = scenarios.filter(({ name }) => !parts.length || parts.some((part) => name.includes(part)));
  const together = chosen.filter(({ alone }) => !alone);
  const worker = async () => {
    while (together.length) await runOne(together.shift());
  };
  await Promise.all(Array.from({ length: JOBS }, worker));
  for (const one of chosen.filter(({ alone }) => alone)) await runOne(one);
  process.exit(failed ? 1 : 0);
}
