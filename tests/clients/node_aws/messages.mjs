// SPDX-License-Identifier: Apache-2.0
// Messages over AWS's SDK: sent, received, hidden, deleted, alone and in batches.
import { createHash } from 'node:crypto';
import { expect, queue, require, scenario, take } from './rig.mjs';

const md5 = (text) => createHash('md5').update(text).digest('hex');

scenario('send_receive_delete', async (ctx) => {
  const sqs = ctx.sqs();
  const QueueUrl = await queue(sqs, ctx);
  const body = 'grüße <&> "\'\n\t\u{1f600}';
  const sent = await sqs.SendMessage({ QueueUrl, MessageBody: body });
  expect(sent.MD5OfMessageBody, md5(body));
  const [got] = await take(sqs, QueueUrl, 1);
  expect([got.Body, got.MessageId, got.MD5OfBody], [body, sent.MessageId, md5(body)]);
  expect(got.Attributes.ApproximateReceiveCount, '1');
  require(Math.abs(Number(got.Attributes.SentTimestamp) - Date.now()) < 60000, `sent at ${got.Attributes.SentTimestamp}`);
  await sqs.DeleteMessage({ QueueUrl, ReceiptHandle: got.ReceiptHandle });
  await sqs.DeleteMessage({ QueueUrl, ReceiptHandle: got.ReceiptHandle }); // a second time is no error
  expect((await sqs.ReceiveMessage({ QueueUrl })).Messages, undefined);
});

scenario('attributes', async (ctx) => {
  const sqs = ctx.sqs();
  const QueueUrl = await queue(sqs, ctx);
  const MessageAttributes = {
    text: { DataType: 'String', StringValue: 'ü' },
    'custom.kind': { DataType: 'String.uuid', StringValue: 'u' },
    number: { DataType: 'Number', StringValue: '-1.5e3' },
    bytes: { DataType: 'Binary.png', BinaryValue: Uint8Array.from([0, 255, 1]) },
  };
  const trace = 'Root=1-5759e988-bd862e3fe1be46a994272793';
  const sent = await sqs.SendMessage({
    QueueUrl, MessageBody: 'm', MessageAttributes, MessageGroupId: 'tenant-1',
    MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: trace } },
  });
  require(sent.MD5OfMessageAttributes && sent.MD5OfMessageSystemAttributes, 'sums of the attributes');
  const [got] = await take(sqs, QueueUrl, 1);
  expect(Object.keys(got.MessageAttributes).sort(), Object.keys(MessageAttributes).sort());
  for (const [name, { DataType, StringValue, BinaryValue }] of Object.entries(MessageAttributes)) {
    const there = got.MessageAttributes[name];
    expect([there.DataType, there.StringValue, there.BinaryValue && [...there.BinaryValue]],
      [DataType, StringValue, BinaryValue && [...BinaryValue]], name);
  }
  expect(got.MD5OfMessageAttributes, sent.MD5OfMessageAttributes);
  expect([got.Attributes.AWSTraceHeader, got.Attributes.MessageGroupId, got.Attributes.SenderId], [trace, 'tenant-1', 'guest']);
  await sqs.ChangeMessageVisibility({ QueueUrl, ReceiptHandle: got.ReceiptHandle, VisibilityTimeout: 0 });
  const [some] = await take(sqs, QueueUrl, 1, { MessageAttributeNames: ['custom.*'], MessageSystemAttributeNames: ['SenderId'] });
  expect([Object.keys(some.MessageAttributes), Object.keys(some.Attributes)], [['custom.kind'], ['SenderId']]);
});

scenario('batches', async (ctx) => {
  const sqs = ctx.sqs();
  const QueueUrl = await queue(sqs, ctx);
  const Entries = Array.from({ length: 10 }, (_, i) => ({
    Id: `e${i}`, MessageBody: `m${i}`, MessageAttributes: { i: { DataType: 'Number', StringValue: `${i}` } },
  }));
  Entries[3].MessageAttributes.i.StringValue = 'three';
  const sent = await sqs.SendMessageBatch({ QueueUrl, Entries });
  expect(sent.Successful.map((e) => e.Id), Entries.filter((_, i) => i !== 3).map((e) => e.Id));
  expect(sent.Failed.map((e) => [e.Id, e.SenderFault, e.Code]), [['e3', true, 'InvalidParameterValue']]);
  const got = await take(sqs, QueueUrl, 9);
  expect(got.map((m) => m.Body).sort(), Entries.filter((_, i) => i !== 3).map((e) => e.MessageBody));
  const hidden = await sqs.ChangeMessageVisibilityBatch({
    QueueUrl, Entries: got.map((m, i) => ({ Id: `v${i}`, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: i ? 60 : 43201 })),
  });
  expect([hidden.Successful.length, hidden.Failed.length, hidden.Failed[0].Id], [8, 1, 'v0']);
  const deleted = await sqs.DeleteMessageBatch({
    QueueUrl,
    Entries: got.map((m, i) => ({ Id: `d${i}`, ReceiptHandle: i === 4 ? 'garbage' : m.ReceiptHandle })),
  });
  expect([deleted.Successful.length, deleted.Failed.map((e) => [e.Id, e.Code])], [8, [['d4', 'ReceiptHandleIsInvalid']]]);
});

scenario('visibility', async (ctx) => {
  const sqs = ctx.sqs();
  const QueueUrl = await queue(sqs, ctx, { VisibilityTimeout: '1' });
  await sqs.SendMessage({ QueueUrl, MessageBody: 'm' });
  const [first] = await take(sqs, QueueUrl, 1);
  expect((await sqs.ReceiveMessage({ QueueUrl })).Messages, undefined, 'while it is hidden');
  const [again] = await take(sqs, QueueUrl, 1, { VisibilityTimeout: 30, WaitTimeSeconds: 5 });
  expect([again.MessageId, again.Attributes.ApproximateReceiveCount], [first.MessageId, '2']);
  require(again.ReceiptHandle !== first.ReceiptHandle, 'a new handle for a new receive');
  await sqs.ChangeMessageVisibility({ QueueUrl, ReceiptHandle: again.ReceiptHandle, VisibilityTimeout: 0 });
  expect((await take(sqs, QueueUrl, 1))[0].Attributes.ApproximateReceiveCount, '3');
});

scenario('long_poll_and_delay', async (ctx) => {
  const sqs = ctx.sqs();
  const QueueUrl = await queue(sqs, ctx, { ReceiveMessageWaitTimeSeconds: '20' });
  const began = Date.now();
  const waiting = sqs.ReceiveMessage({ QueueUrl });
  await sqs.SendMessage({ QueueUrl, MessageBody: 'late', DelaySeconds: 1 });
  expect((await waiting).Messages[0].Body, 'late');
  const took = Date.now() - began;
  require(took >= 900 && took < 15000, `it took ${took} ms`);
  expect((await sqs.ReceiveMessage({ QueueUrl, WaitTimeSeconds: 1 })).Messages, undefined);
});

scenario('large', async (ctx) => {
  const sqs = ctx.sqs();
  const QueueUrl = await queue(sqs, ctx);
  const body = 'é'.repeat(512 * 1024); // 1 MiB of bytes
  await sqs.SendMessage({ QueueUrl, MessageBody: body });
  const [got] = await take(sqs, QueueUrl, 1);
  require(got.Body === body, `${got.Body.length} characters came`);
});
