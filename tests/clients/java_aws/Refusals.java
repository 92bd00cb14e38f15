/* SPDX-License-Identifier: Apache-2.0 */

import java.util.List;
import java.util.Map;
import software.amazon.awssdk.services.sqs.model.BatchEntryIdsNotDistinctException;
import software.amazon.awssdk.services.sqs.model.EmptyBatchRequestException;
import software.amazon.awssdk.services.sqs.model.InvalidAttributeNameException;
import software.amazon.awssdk.services.sqs.model.InvalidMessageContentsException;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;
import software.amazon.awssdk.services.sqs.model.QueueDoesNotExistException;
import software.amazon.awssdk.services.sqs.model.QueueNameExistsException;
import software.amazon.awssdk.services.sqs.model.ReceiptHandleIsInvalidException;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.SqsException;

/** Errors as the SDK shows them: its own classes, the codes of Query, AWS's texts (sqs-sns.md 1.2, 1.3). */
final class Refusals {
	private static final String PREFIX = "AWS.SimpleQueueService.";

	private Refusals() {}

	private static void refused(Class<? extends SqsException> kind, String code, int status, String text, Check.Action action) {
		SqsException error = Check.raises(kind, action);
		Check.equal(List.of(error.awsErrorDetails().errorCode(), error.statusCode()), List.of(code, status), text);
		Check.that(error.awsErrorDetails().errorMessage().contains(text), error.getMessage());
		Check.that(error.requestId() != null, "request id");
	}

	static void errorClasses(Context ctx) {
		String url = ctx.queue(Map.of(QueueAttributeName.DELAY_SECONDS, "1"));
		String name = url.substring(url.lastIndexOf('/') + 1);
		SendMessageBatchRequestEntry same = SendMessageBatchRequestEntry.builder().id("a").messageBody("m").build();
		refused(QueueDoesNotExistException.class, PREFIX + "NonExistentQueue", 400, "The specified queue does not exist.",
			() -> ctx.send(url + "-no", "m"));
		refused(QueueNameExistsException.class, "QueueAlreadyExists", 400, "DelaySeconds",
			() -> ctx.sqs.createQueue(r -> r.queueName(name).attributes(Map.of(QueueAttributeName.DELAY_SECONDS, "2"))));
		refused(EmptyBatchRequestException.class, PREFIX + "EmptyBatchRequest", 400, "at least one SendMessageBatchRequestEntry",
			() -> ctx.sqs.sendMessageBatch(r -> r.queueUrl(url).entries(List.of())));
		refused(BatchEntryIdsNotDistinctException.class, PREFIX + "BatchEntryIdsNotDistinct", 400, "Id a repeated.",
			() -> ctx.sqs.sendMessageBatch(r -> r.queueUrl(url).entries(same, same)));
		refused(InvalidMessageContentsException.class, "InvalidMessageContents", 400, "#x9", () -> ctx.send(url, "\u0001"));
		refused(ReceiptHandleIsInvalidException.class, "ReceiptHandleIsInvalid", 400, "\"garbage\"",
			() -> ctx.sqs.deleteMessage(r -> r.queueUrl(url).receiptHandle("garbage")));
		refused(InvalidAttributeNameException.class, "InvalidAttributeName", 400, "Unknown Attribute No.",
			() -> ctx.sqs.setQueueAttributes(r -> r.queueUrl(url).attributesWithStrings(Map.of("No", "1"))));
		refused(SqsException.class, "InvalidParameterValue", 400, "Value 901",
			() -> ctx.sqs.sendMessage(r -> r.queueUrl(url).messageBody("m").delaySeconds(901)));
	}

	static void credentials(Context ctx) {
		refused(SqsException.class, "SignatureDoesNotMatch", 403, "signature", () -> ctx.client("guest", "wrong").listQueues());
		refused(SqsException.class, "InvalidClientTokenId", 403, "security token", () -> ctx.client("AKIANOBODY", "guest").listQueues());
	}
}
