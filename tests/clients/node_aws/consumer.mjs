// SPDX-License-Identifier: Apache-2.0
// sqs-consumer: polls, hands over, deletes what was handled, leaves what failed.
import { Consumer, event, expect, queue, require, scenario, until } from './rig.mjs';

const consumer = (ctx, queueUrl, given) => {
  const made = Consumer.create({ queueUrl, sqs: ctx.client(), waitTimeSeconds: 2, batchSize: 10, ...given });
  made.on('error', () => {});
  ctx.closing.push(async () => made.stop({ abort: true }));
  return made;
};

const left = async (sqs, QueueUrl) => {
  const { Attributes } = await sqs.GetQueueAttributes({ QueueUrl, AttributeNames: ['All'] });
  return Number(Attributes.ApproximateNumberOfMessages) + Number(Attributes.ApproximateNumberOfMessagesNotVisible);
};

scenario('consumer_takes_all', async (ctx) => {
  const sqs = ctx.sqs();
  const QueueUrl = await queue(sqs, ctx);
  const seen = [];
  const app = consumer(ctx, QueueUrl, { handleMessage: async (message) => (seen.push(message.Body), message) });
  app.start();
  for (let i = 0; i < 25; i += 1) await sqs.SendMessage({ QueueUrl, MessageBody: `m${i}` });
  await until(async () => (await left(sqs, QueueUrl)) === 0, 'everything is deleted');
  expect(seen.length, 25);
  expect(new Set(seen).size, 25);
});

scenario('consumer_failure_comes_again', async (ctx) => {
  const sqs = ctx.sqs();
  const QueueUrl = await queue(sqs, ctx, { VisibilityTimeout: '60' });
  let tries = 0;
  const handleMessage = async (message) => {
    tries += 1;
    if (tries === 1) throw new Error('not yet');
    return message;
  };
  const app = consumer(ctx, QueueUrl, { handleMessage, terminateVisibilityTimeout: true, attributeNames: ['ApproximateReceiveCount'] });
  const failed = event(app, 'processing_error');
  app.start();
  await sqs.SendMessage({ QueueUrl, MessageBody: 'm' });
  const [error, message] = await failed;
  require(error.message.includes('not yet'), error.message);
  expect(message.Attributes.ApproximateReceiveCount, '1');
  await until(async () => (await left(sqs, QueueUrl)) === 0, 'the second try succeeds');
  expect(tries, 2);
});

scenario('consumer_batches', async (ctx) => {
  const sqs = ctx.sqs();
  const QueueUrl = await queue(sqs, ctx);
  const Entries = Array.from({ length: 10 }, (_, i) => ({ Id: `${i}`, MessageBody: `m${i}` }));
  await sqs.SendMessageBatch({ QueueUrl, Entries });
  const sizes = [];
  // Only some of a batch are done: the others come again once their time is over.
  const app = consumer(ctx, QueueUrl, {
    visibilityTimeout: 1,
    handleMessageBatch: async (messages) => {
      sizes.push(messages.length);
      return sizes.length === 1 ? messages.slice(0, 4) : messages;
    },
  });
  app.start();
  await until(async () => (await left(sqs, QueueUrl)) === 0, 'all batches are done');
  require(sizes.length > 1 && sizes.reduce((a, b) => a + b) >= 16, `batches of ${sizes}`);
});

scenario('consumer_of_no_queue', async (ctx) => {
  const sqs = ctx.sqs();
  const QueueUrl = await queue(sqs, ctx);
  await sqs.DeleteQueue({ QueueUrl });
  const app = consumer(ctx, QueueUrl, { handleMessage: async (message) => message });
  const failed = event(app, 'error');
  app.start();
  const [error] = await failed;
  require(/QueueDoesNotExist|does not exist/.test(`${error.code} ${error.message}`), `${error.code} ${error.message}`);
});
