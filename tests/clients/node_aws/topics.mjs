// SPDX-License-Identifier: Apache-2.0
// SNS over AWS's SDK (Query and XML): topics, subscriptions, filter policies, envelopes.
import { expect, failure, queue, require, scenario, sns as SNS, take } from './rig.mjs';

const arnOf = async (sqs, QueueUrl) =>
  (await sqs.GetQueueAttributes({ QueueUrl, AttributeNames: ['QueueArn'] })).Attributes.QueueArn;

// A topic and a queue that is subscribed to it.
async function subscribed(ctx, Attributes) {
  const [sns, sqs] = [ctx.sns(), ctx.sqs()];
  const { TopicArn } = await sns.CreateTopic({ Name: ctx.name('topic') });
  const QueueUrl = await queue(sqs, ctx);
  const Endpoint = await arnOf(sqs, QueueUrl);
  const { SubscriptionArn } = await sns.Subscribe({ TopicArn, Protocol: 'sqs', Endpoint, Attributes, ReturnSubscriptionArn: true });
  return { sns, sqs, TopicArn, QueueUrl, Endpoint, SubscriptionArn };
}

scenario('topics', async (ctx) => {
  const sns = ctx.sns();
  const Name = ctx.name('topic');
  const { TopicArn } = await sns.CreateTopic({ Name, Attributes: { DisplayName: 'shown' }, Tags: [{ Key: 'k', Value: 'v' }] });
  expect(TopicArn, `arn:aws:sns:eu-central-1:000000000000:${Name}`);
  expect((await sns.CreateTopic({ Name, Attributes: { DisplayName: 'shown' } })).TopicArn, TopicArn, 'made again');
  expect((await sns.GetTopicAttributes({ TopicArn })).Attributes.DisplayName, 'shown');
  expect((await sns.ListTagsForResource({ ResourceArn: TopicArn })).Tags, [{ Key: 'k', Value: 'v' }]);
  const arns = [];
  for await (const page of SNS.paginateListTopics({ client: ctx.snsClient() }, {})) arns.push(...page.Topics.map((t) => t.TopicArn));
  require(arns.includes(TopicArn), 'the topic is not listed');
  require(arns.some((arn) => arn.includes(':amq-topic-')), 'an exchange is not listed');
  await sns.DeleteTopic({ TopicArn });
  const error = await failure(sns.GetTopicAttributes({ TopicArn }), 'after its deletion');
  require(error instanceof SNS.NotFoundException, `${error.constructor.name}: ${error.message}`);
});

scenario('publish_envelope', async (ctx) => {
  const { sns, sqs, TopicArn, QueueUrl } = await subscribed(ctx);
  const { MessageId } = await sns.Publish({
    TopicArn, Message: 'grüße', Subject: 'hello', MessageAttributes: { kind: { DataType: 'String', StringValue: 'a' } },
  });
  const [got] = await take(sqs, QueueUrl, 1);
  const envelope = JSON.parse(got.Body);
  expect([envelope.Type, envelope.MessageId, envelope.TopicArn, envelope.Subject, envelope.Message],
    ['Notification', MessageId, TopicArn, 'hello', 'grüße']);
  expect([envelope.MessageAttributes, got.MessageAttributes], [{ kind: { Type: 'String', Value: 'a' } }, undefined]);
});

scenario('publish_raw_and_filtered', async (ctx) => {
  const { sns, sqs, TopicArn, QueueUrl, Endpoint, SubscriptionArn } = await subscribed(ctx, {
    RawMessageDelivery: 'true', FilterPolicy: JSON.stringify({ kind: ['a', { prefix: 'b-' }], n: [{ numeric: ['>', 5] }] }),
  });
  const send = (Message, kind, n) => sns.Publish({
    TopicArn, Message,
    MessageAttributes: { kind: { DataType: 'String', StringValue: kind }, n: { DataType: 'Number', StringValue: n } },
  });
  await send('no: kind', 'c', '6');
  await send('no: number', 'a', '5');
  await send('one', 'a', '6');
  await send('two', 'b-1', '5.5');
  const got = await take(sqs, QueueUrl, 2);
  expect(got.map((m) => [m.Body, m.MessageAttributes.kind.StringValue]).sort(), [['one', 'a'], ['two', 'b-1']]);
  const { Subscriptions } = await sns.ListSubscriptionsByTopic({ TopicArn });
  expect(Subscriptions.map((s) => [s.SubscriptionArn, s.Protocol, s.Endpoint]), [[SubscriptionArn, 'sqs', Endpoint]]);
  await sns.SetSubscriptionAttributes({ SubscriptionArn, AttributeName: 'FilterPolicy', AttributeValue: '{}' });
  await send('three', 'c', '0');
  expect((await take(sqs, QueueUrl, 1))[0].Body, 'three');
  await sns.Unsubscribe({ SubscriptionArn });
  expect((await sns.ListSubscriptionsByTopic({ TopicArn })).Subscriptions ?? [], []);
});

scenario('publish_batch', async (ctx) => {
  const { sns, sqs, TopicArn, QueueUrl } = await subscribed(ctx, { RawMessageDelivery: 'true' });
  const PublishBatchRequestEntries = Array.from({ length: 10 }, (_, i) => ({ Id: `e${i}`, Message: `m${i}` }));
  const { Successful, Failed } = await sns.PublishBatch({ TopicArn, PublishBatchRequestEntries });
  expect([Successful.map((e) => e.Id), Failed ?? []], [PublishBatchRequestEntries.map((e) => e.Id), []]);
  const got = await take(sqs, QueueUrl, 10);
  expect(got.map((m) => m.Body).sort(), PublishBatchRequestEntries.map((e) => e.Message));
});

scenario('topic_errors', async (ctx) => {
  const { sns, TopicArn, Endpoint } = await subscribed(ctx);
  const rows = [
    ['Publish', { TopicArn: `${TopicArn}-no`, Message: 'm' }, 'NotFoundException', 404, 'Topic does not exist'],
    ['Publish', { TopicArn, Message: '' }, 'InvalidParameterException', 400, 'Empty message'],
    ['Subscribe', { TopicArn, Protocol: 'pigeon', Endpoint }, 'InvalidParameterException', 400, 'does not support this protocol string: pigeon'],
    ['Subscribe', { TopicArn, Protocol: 'sqs', Endpoint, Attributes: { FilterPolicy: '{"a":"b"}' } }, 'InvalidParameterException', 400, '"a" must be an object or an array'],
    ['GetSubscriptionAttributes', { SubscriptionArn: `${TopicArn}:00000000-0000-0000-0000-000000000000` }, 'NotFoundException', 404, 'Subscription does not exist'],
  ];
  for (const [command, input, kind, status, text] of rows) {
    const error = await failure(sns[command](input), command);
    require(error instanceof SNS[kind], `${command}: ${error.constructor.name} ${error.message}`);
    expect(error.$metadata.httpStatusCode, status, command);
    require(error.message.includes(text), `${command}: ${error.message}`);
  }
});
