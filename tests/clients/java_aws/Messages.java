/* SPDX-License-Identifier: Apache-2.0 */

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchResponse;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchResponse;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeNameForSends;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeValue;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchResponse;
import software.amazon.awssdk.services.sqs.model.SendMessageResponse;

/** Sent, received, hidden, deleted, alone and in batches; the SDK checks the MD5 sums. */
final class Messages {
	private Messages() {}

	static void sendReceiveDelete(Context ctx) throws Exception {
		String url = ctx.queue(Map.of());
		String body = "grüße <&> \"'\n\t\uD83D\uDE00";
		SendMessageResponse sent = ctx.sqs.sendMessage(r -> r.queueUrl(url).messageBody(body));
		Message got = ctx.take(url, 1).get(0);
		Check.equal(List.of(got.body(), got.messageId(), got.md5OfBody()),
			List.of(body, sent.messageId(), sent.md5OfMessageBody()), "message");
		Check.equal(got.attributes().get(MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT), "1", "receive count");
		for (int i = 0; i < 2; i++) { // a second time is no error
			ctx.sqs.deleteMessage(r -> r.queueUrl(url).receiptHandle(got.receiptHandle()));
		}
		Check.equal(ctx.receive(url, 1, 0), List.of(), "messages left");
	}

	static void attributes(Context ctx) throws Exception {
		String url = ctx.queue(Map.of());
		Map<String, MessageAttributeValue> given = Map.of(
			"text", MessageAttributeValue.builder().dataType("String").stringValue("ü").build(),
			"custom.kind", MessageAttributeValue.builder().dataType("String.uuid").stringValue("u").build(),
			"number", MessageAttributeValue.builder().dataType("Number").stringValue("-1.5e3").build(),
			"bytes", MessageAttributeValue.builder().dataType("Binary.png")
				.binaryValue(SdkBytes.fromByteArray(new byte[] {0, -1, 1})).build());
		String trace = "Root=1-5759e988-bd862e3fe1be46a994272793";
		SendMessageResponse sent = ctx.sqs.sendMessage(r -> r.queueUrl(url).messageBody("m").messageAttributes(given)
			.messageGroupId("tenant-1").messageSystemAttributes(Map.of(MessageSystemAttributeNameForSends.AWS_TRACE_HEADER,
				MessageSystemAttributeValue.builder().dataType("String").stringValue(trace).build())));
		Message got = ctx.take(url, 1).get(0);
		Check.equal(got.messageAttributes(), given, "attributes");
		Check.equal(got.md5OfMessageAttributes(), sent.md5OfMessageAttributes(), "their sum");
		Check.equal(got.attributes().get(MessageSystemAttributeName.AWS_TRACE_HEADER), trace, "trace header");
		Check.equal(got.attributes().get(MessageSystemAttributeName.MESSAGE_GROUP_ID), "tenant-1", "group");
	}

	static void batches(Context ctx) throws Exception {
		String url = ctx.queue(Map.of());
		List<SendMessageBatchRequestEntry> entries = new ArrayList<>();
		for (int i = 0; i < 10; i++) {
			entries.add(SendMessageBatchRequestEntry.builder().id("e" + i).messageBody("m" + i)
				.delaySeconds(i == 3 ? 901 : 0).build());
		}
		SendMessageBatchResponse sent = ctx.sqs.sendMessageBatch(r -> r.queueUrl(url).entries(entries));
		Check.equal(List.of(sent.successful().size(), sent.failed().size()), List.of(9, 1), "sent");
		Check.equal(List.of(sent.failed().get(0).id(), sent.failed().get(0).code(), sent.failed().get(0).senderFault()),
			List.of("e3", "InvalidParameterValue", true), "failed");
		List<ChangeMessageVisibilityBatchRequestEntry> hide = new ArrayList<>();
		List<DeleteMessageBatchRequestEntry> remove = new ArrayList<>();
		for (Message m : ctx.take(url, 9)) {
			int i = hide.size();
			hide.add(ChangeMessageVisibilityBatchRequestEntry.builder().id("x" + i).receiptHandle(m.receiptHandle())
				.visibilityTimeout(i == 0 ? 43201 : 60).build());
			remove.add(DeleteMessageBatchRequestEntry.builder().id("x" + i)
				.receiptHandle(i == 4 ? "garbage" : m.receiptHandle()).build());
		}
		ChangeMessageVisibilityBatchResponse hidden = ctx.sqs.changeMessageVisibilityBatch(r -> r.queueUrl(url).entries(hide));
		Check.equal(List.of(hidden.successful().size(), hidden.failed().get(0).id()), List.of(8, "x0"), "hidden");
		DeleteMessageBatchResponse removed = ctx.sqs.deleteMessageBatch(r -> r.queueUrl(url).entries(remove));
		Check.equal(List.of(removed.successful().size(), removed.failed().get(0).code()), List.of(8, "ReceiptHandleIsInvalid"),
			"removed");
	}

	static void visibility(Context ctx) throws Exception {
		String url = ctx.queue(Map.of(QueueAttributeName.VISIBILITY_TIMEOUT, "1"));
		ctx.send(url, "m");
		Message first = ctx.take(url, 1).get(0);
		Check.equal(ctx.receive(url, 1, 0), List.of(), "while it is hidden");
		Message again = ctx.take(url, 1).get(0);
		Check.equal(List.of(again.messageId(), again.attributes().get(MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT)),
			List.of(first.messageId(), "2"), "again");
		ctx.sqs.changeMessageVisibility(r -> r.queueUrl(url).receiptHandle(again.receiptHandle()).visibilityTimeout(0));
		Check.equal(ctx.take(url, 1).get(0).attributes().get(MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT), "3", "count");
	}

	static void longPollAndDelay(Context ctx) {
		String url = ctx.queue(Map.of(QueueAttributeName.RECEIVE_MESSAGE_WAIT_TIME_SECONDS, "20"));
		long began = System.nanoTime();
		ctx.sqs.sendMessage(r -> r.queueUrl(url).messageBody("late").delaySeconds(1));
		Check.equal(ctx.sqs.receiveMessage(r -> r.queueUrl(url)).messages().get(0).body(), "late", "body");
		long ms = (System.nanoTime() - began) / 1_000_000;
		Check.that(ms >= 900 && ms < Check.DEADLINE_MS, "it took " + ms + " ms");
	}

	/** Expect: 100-continue and a body of the largest size. */
	static void large(Context ctx) throws Exception {
		String url = ctx.queue(Map.of());
		String body = "é".repeat(512 * 1024);
		ctx.send(url, body);
		Check.that(ctx.take(url, 1).get(0).body().equals(body), "the same body");
	}
}
