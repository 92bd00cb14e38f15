// SPDX-License-Identifier: Apache-2.0
// Errors as the SDK shows them: its own classes, their names and texts (sqs-sns.md 1.2, 1.3).
import { expect, failure, options, queue, require, scenario, sdk } from './rig.mjs';

// class: of the SDK; null: it has none for this error
async function refused(promise, what, [kind, name, status, text]) {
  const error = await failure(promise, what);
  require(!kind || error instanceof sdk[kind], `${what}: ${error.constructor.name}, expected ${kind}`);
  require(error instanceof sdk.SQSServiceException, `${what}: ${error.constructor.name} ${error.message}`);
  expect([error.name, error.$metadata.httpStatusCode, error.$fault], [name, status, status < 500 ? 'client' : 'server'], what);
  require(error.message.includes(text), `${what}: ${error.message}`);
  require(error.$metadata.requestId, `${what}: no request id`);
}

scenario('error_classes', async (ctx) => {
  const sqs = ctx.sqs();
  const QueueUrl = await queue(sqs, ctx, { DelaySeconds: '1' });
  const QueueName = QueueUrl.split('/').pop();
  const missing = QueueUrl.replace(QueueName, 'nosuch');
  const gone = 'The specified queue does not exist.';
  const entry = (Id) => ({ Id, MessageBody: 'm' });
  const rows = [
    ['GetQueueUrl', { QueueName: 'nosuch' }, ['QueueDoesNotExist', 'QueueDoesNotExist', 400, gone]],
    ['SendMessage', { QueueUrl: missing, MessageBody: 'm' }, ['QueueDoesNotExist', 'QueueDoesNotExist', 400, gone]],
    ['ReceiveMessage', { QueueUrl: missing }, ['QueueDoesNotExist', 'QueueDoesNotExist', 400, gone]],
    ['DeleteQueue', { QueueUrl: missing }, ['QueueDoesNotExist', 'QueueDoesNotExist', 400, gone]],
    ['CreateQueue', { QueueName, Attributes: { DelaySeconds: '2' } }, ['QueueNameExists', 'QueueNameExists', 400, 'DelaySeconds']],
    ['CreateQueue', { QueueName: 'no spaces' }, [null, 'InvalidParameterValue', 400, 'Can only include alphanumeric']],
    ['SendMessageBatch', { QueueUrl, Entries: [] }, ['EmptyBatchRequest', 'EmptyBatchRequest', 400, 'at least one SendMessageBatchRequestEntry']],
    ['SendMessageBatch', { QueueUrl, Entries: [entry('a'), entry('a')] },
      ['BatchEntryIdsNotDistinct', 'BatchEntryIdsNotDistinct', 400, 'Id a repeated.']],
    ['SendMessageBatch', { QueueUrl, Entries: [entry('a b')] }, ['InvalidBatchEntryId', 'InvalidBatchEntryId', 400, 'A batch entry id']],
    ['SendMessageBatch', { QueueUrl, Entries: Array.from({ length: 11 }, (_, i) => entry(`${i}`)) },
      ['TooManyEntriesInBatchRequest', 'TooManyEntriesInBatchRequest', 400, 'You have sent 11.']],
    ['SendMessage', { QueueUrl, MessageBody: 'a\u0001' }, ['InvalidMessageContents', 'InvalidMessageContents', 400, '#x9']],
    ['SendMessage', { QueueUrl, MessageBody: '' }, [null, 'MissingParameter', 400, 'MessageBody']],
    ['SendMessage', { QueueUrl, MessageBody: 'm', DelaySeconds: 901 }, [null, 'InvalidParameterValue', 400, 'Value 901']],
    ['DeleteMessage', { QueueUrl, ReceiptHandle: 'garbage' }, ['ReceiptHandleIsInvalid', 'ReceiptHandleIsInvalid', 400, '"garbage"']],
    ['ReceiveMessage', { QueueUrl, MaxNumberOfMessages: 11 }, [null, 'InvalidParameterValue', 400, 'Must be between 1 and 10']],
    ['SetQueueAttributes', { QueueUrl, Attributes: { Nonsense: '1' } },
      ['InvalidAttributeName', 'InvalidAttributeName', 400, 'Unknown Attribute Nonsense.']],
    ['SetQueueAttributes', { QueueUrl, Attributes: { VisibilityTimeout: '-1' } },
      ['InvalidAttributeValue', 'InvalidAttributeValue', 400, 'VisibilityTimeout']],
    ['GetQueueAttributes', { QueueUrl, AttributeNames: ['Nonsense'] },
      ['InvalidAttributeName', 'InvalidAttributeName', 400, 'Unknown Attribute Nonsense.']],
  ];
  for (const [command, input, wanted] of rows) {
    await refused(sqs[command](input), `${command} ${JSON.stringify(input).slice(0, 120)}`, wanted);
  }
});

scenario('credentials', async (ctx) => {
  const list = (credentials) => ctx.sqs({ credentials }).ListQueues({});
  const wrong = { ...options.credentials, secretAccessKey: 'wrong' };
  await refused(list(wrong), 'wrong secret', [null, 'SignatureDoesNotMatch', 403, 'signature']);
  const unknown = { ...options.credentials, accessKeyId: 'AKIANOBODY' };
  await refused(list(unknown), 'unknown key', [null, 'InvalidClientTokenId', 403, 'security token']);
});
