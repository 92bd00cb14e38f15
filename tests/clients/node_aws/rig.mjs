// SPDX-License-Identifier: Apache-2.0
// What every scenario of AWS's SDK for JavaScript uses: a client, queues, and what
// ../node/harness.mjs has. The SDK checks the MD5 sums of what it gets by itself.
import { createRequire } from 'node:module';
import path from 'node:path';
import { Scenario, client, home, port, until } from '../node/harness.mjs';

export * from '../node/harness.mjs';

const load = createRequire(path.join(home, 'package.json'));
export const sdk = load('@aws-sdk/client-sqs');
export const sns = load('@aws-sdk/client-sns');
export const { Consumer } = load('sqs-consumer');
const version = (name) => load(`./node_modules/${name}/package.json`).version;

const scenarios = client('aws_node');
export const { scenario, restarting } = scenarios;

export const options = {
  endpoint: `http://127.0.0.1:${port}`,
  region: 'eu-central-1',
  credentials: { accessKeyId: 'guest', secretAccessKey: 'guest' },
  maxAttempts: 1, // an error is seen, not tried again
};

class Context extends Scenario {
  client(given = {}) {
    const made = new sdk.SQSClient({ ...options, ...given });
    this.closing.push(async () => made.destroy());
    return made;
  }

  // A client whose commands are called by name: ctx.sqs().SendMessage({...})
  sqs(given) {
    const sender = this.client(given);
    return new Proxy({}, { get: (_, name) => (input) => sender.send(new sdk[`${name}Command`](input)) });
  }

  snsClient() {
    const made = new sns.SNSClient(options);
    this.closing.push(async () => made.destroy());
    return made;
  }

  sns() {
    const sender = this.snsClient();
    return new Proxy({}, { get: (_, name) => (input) => sender.send(new sns[`${name}Command`](input)) });
  }
}

// A new queue: its URL.
export const queue = async (sqs, ctx, Attributes) => (await sqs.CreateQueue({ QueueName: ctx.name(), Attributes })).QueueUrl;

// Messages until there are n, with everything that belongs to them.
export async function take(sqs, QueueUrl, n, given = {}) {
  const taken = [];
  await until(async () => {
    const { Messages = [] } = await sqs.ReceiveMessage({
      QueueUrl, MaxNumberOfMessages: Math.min(10, n - taken.length), WaitTimeSeconds: 1, MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All'], ...given,
    });
    taken.push(...Messages);
    return taken.length >= n;
  }, `${n} messages`);
  return taken;
}

export const main = () =>
  scenarios.main(`@aws-sdk/client-sqs ${version('@aws-sdk/client-sqs')}, sqs-consumer ${version('sqs-consumer')}`, Context);
