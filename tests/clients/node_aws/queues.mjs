// SPDX-License-Identifier: Apache-2.0
// Queues over AWS's SDK: made, listed, described, tagged, purged, deleted.
import { expect, queue, require, scenario, sdk, take } from './rig.mjs';

scenario('create_and_find', async (ctx) => {
  const sqs = ctx.sqs();
  const QueueName = ctx.name();
  const { QueueUrl } = await sqs.CreateQueue({ QueueName, Attributes: { DelaySeconds: '5' }, tags: { a: '1' } });
  expect((await sqs.CreateQueue({ QueueName, Attributes: { DelaySeconds: '5' } })).QueueUrl, QueueUrl, 'made again');
  expect((await sqs.GetQueueUrl({ QueueName })).QueueUrl, QueueUrl);
  const { QueueUrls } = await sqs.ListQueues({ QueueNamePrefix: QueueName });
  expect(QueueUrls, [QueueUrl]);
  expect((await sqs.ListQueues({ QueueNamePrefix: `${QueueName}-none` })).QueueUrls, undefined);
});

scenario('pages', async (ctx) => {
  const sqs = ctx.sqs();
  const prefix = ctx.name('page');
  for (let i = 0; i < 5; i += 1) await sqs.CreateQueue({ QueueName: `${prefix}-${i}` });
  const urls = [];
  let pages = 0;
  for await (const page of sdk.paginateListQueues({ client: ctx.client(), pageSize: 2 }, { QueueNamePrefix: prefix })) {
    urls.push(...page.QueueUrls);
    pages += 1;
  }
  expect([urls.map((url) => url.split('/').pop()), pages], [[0, 1, 2, 3, 4].map((i) => `${prefix}-${i}`), 3]);
});

scenario('queue_attributes', async (ctx) => {
  const sqs = ctx.sqs();
  const QueueUrl = await queue(sqs, ctx, { VisibilityTimeout: '7' });
  await sqs.SetQueueAttributes({ QueueUrl, Attributes: { MessageRetentionPeriod: '86400', MaximumMessageSize: '2048' } });
  await sqs.SendMessage({ QueueUrl, MessageBody: 'm' });
  const { Attributes } = await sqs.GetQueueAttributes({ QueueUrl, AttributeNames: ['All'] });
  const wanted = {
    VisibilityTimeout: '7', MessageRetentionPeriod: '86400', MaximumMessageSize: '2048', DelaySeconds: '0',
    ReceiveMessageWaitTimeSeconds: '0', ApproximateNumberOfMessages: '1', ApproximateNumberOfMessagesNotVisible: '0',
    ApproximateNumberOfMessagesDelayed: '0', SqsManagedSseEnabled: 'true',
    QueueArn: `arn:aws:sqs:eu-central-1:000000000000:${QueueUrl.split('/').pop()}`,
  };
  for (const [name, value] of Object.entries(wanted)) expect(Attributes[name], value, name);
  require(Number(Attributes.CreatedTimestamp) > 1.6e9, `created at ${Attributes.CreatedTimestamp}`);
  expect((await sqs.GetQueueAttributes({ QueueUrl, AttributeNames: ['DelaySeconds'] })).Attributes, { DelaySeconds: '0' });
  expect((await sqs.GetQueueAttributes({ QueueUrl, AttributeNames: ['RedrivePolicy'] })).Attributes, undefined);
});

scenario('tags', async (ctx) => {
  const sqs = ctx.sqs();
  const QueueUrl = await queue(sqs, ctx);
  expect((await sqs.ListQueueTags({ QueueUrl })).Tags, undefined);
  await sqs.TagQueue({ QueueUrl, Tags: { team: 'a', empty: '' } });
  await sqs.TagQueue({ QueueUrl, Tags: { team: 'b', stage: 'test' } });
  expect((await sqs.ListQueueTags({ QueueUrl })).Tags, { team: 'b', empty: '', stage: 'test' });
  await sqs.UntagQueue({ QueueUrl, TagKeys: ['team', 'absent'] });
  expect((await sqs.ListQueueTags({ QueueUrl })).Tags, { empty: '', stage: 'test' });
});

scenario('purge_and_delete', async (ctx) => {
  const sqs = ctx.sqs();
  const QueueUrl = await queue(sqs, ctx);
  for (let i = 0; i < 3; i += 1) await sqs.SendMessage({ QueueUrl, MessageBody: `m${i}` });
  await take(sqs, QueueUrl, 1);
  await sqs.PurgeQueue({ QueueUrl });
  const { Attributes } = await sqs.GetQueueAttributes({ QueueUrl, AttributeNames: ['All'] });
  expect([Attributes.ApproximateNumberOfMessages, Attributes.ApproximateNumberOfMessagesNotVisible], ['0', '0']);
  await sqs.DeleteQueue({ QueueUrl });
  expect((await sqs.ListQueues({ QueueNamePrefix: QueueUrl.split('/').pop() })).QueueUrls, undefined);
});

scenario('permissions', async (ctx) => {
  const sqs = ctx.sqs();
  const QueueUrl = await queue(sqs, ctx);
  await sqs.AddPermission({ QueueUrl, Label: 'readers', AWSAccountIds: ['111111111111'], Actions: ['ReceiveMessage', 'DeleteMessage'] });
  const { Attributes } = await sqs.GetQueueAttributes({ QueueUrl, AttributeNames: ['Policy'] });
  const [statement] = JSON.parse(Attributes.Policy).Statement;
  expect([statement.Sid, statement.Action], ['readers', ['SQS:ReceiveMessage', 'SQS:DeleteMessage']]);
  await sqs.RemovePermission({ QueueUrl, Label: 'readers' });
  expect((await sqs.GetQueueAttributes({ QueueUrl, AttributeNames: ['Policy'] })).Attributes, undefined);
});
