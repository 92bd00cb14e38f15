// SPDX-License-Identifier: Apache-2.0
// What the runners of Node's clients share: registration, expectations with texts,
// waits with a deadline, the run.
//
// A scenario is an async function of one `ctx`. It uses names made by ctx.name() only,
// so that scenarios can run at once; those of `restarting` run alone, after the others.
import { createInterface } from 'node:readline';
import { inspect, isDeepStrictEqual } from 'node:util';
import { randomBytes } from 'node:crypto';

const DEADLINE_MS = 15000;
const SCENARIO_MS_MAX = 60000;
const JOBS = 8;

export const [home, port, broker, ...parts] = process.argv.slice(2);

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

// Names of its own, and what has to be closed at its end.
export class Scenario {
  closing = [];

  name(base = 'q') {
    return `${base}-${randomBytes(5).toString('hex')}`;
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

let failed = 0;

async function runOne({ name, run }, Context) {
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

// The scenarios of one client; their names begin with the prefix.
export function client(prefix) {
  const scenarios = [];
  return {
    scenario: (name, run) => scenarios.push({ name: `${prefix}.${name}`, run }),
    restarting: (name, run) => scenarios.push({ name: `${prefix}.${name}`, run, alone: true }),
    async main(label, Context) {
      console.log(`client ${label}`);
      const chosen = scenarios.filter(({ name }) => !parts.length || parts.some((part) => name.includes(part)));
      const together = chosen.filter(({ alone }) => !alone);
      const worker = async () => {
        while (together.length) await runOne(together.shift(), Context);
      };
      await Promise.all(Array.from({ length: JOBS }, worker));
      for (const one of chosen.filter(({ alone }) => alone)) await runOne(one, Context);
      process.exit(failed ? 1 : 0);
    },
  };
}
