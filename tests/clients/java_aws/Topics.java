/* SPDX-License-Identifier: Apache-2.0 */

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.protocols.jsoncore.JsonNode;
import software.amazon.awssdk.services.sns.model.InvalidParameterException;
import software.amazon.awssdk.services.sns.model.MessageAttributeValue;
import software.amazon.awssdk.services.sns.model.NotFoundException;
import software.amazon.awssdk.services.sns.model.PublishBatchRequestEntry;
import software.amazon.awssdk.services.sns.model.PublishBatchResponse;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** SNS (Query and XML): topics, subscriptions, filter policies, envelopes. */
final class Topics {
	private Topics() {}

	private record Subscription(String topic, String queue, String arn) {}

	/** A topic and a queue that is subscribed to it. */
	private static Subscription subscribed(Context ctx, Map<String, String> attributes) {
		String topic = ctx.sns.createTopic(r -> r.name(ctx.name("topic"))).topicArn();
		String queue = ctx.queue(Map.of());
		String endpoint = ctx.sqs.getQueueAttributes(r -> r.queueUrl(queue).attributeNames(QueueAttributeName.QUEUE_ARN))
			.attributes().get(QueueAttributeName.QUEUE_ARN);
		String arn = ctx.sns.subscribe(r -> r.topicArn(topic).protocol("sqs").endpoint(endpoint).attributes(attributes)
			.returnSubscriptionArn(true)).subscriptionArn();
		return new Subscription(topic, queue, arn);
	}

	private static String publish(Context ctx, String topic, String message, String kind) {
		return ctx.sns.publish(r -> r.topicArn(topic).message(message).messageAttributes(
			Map.of("kind", MessageAttributeValue.builder().dataType("String").stringValue(kind).build()))).messageId();
	}

	static void topics(Context ctx) {
		String name = ctx.name("topic");
		String arn = ctx.sns.createTopic(r -> r.name(name).attributes(Map.of("DisplayName", "shown"))).topicArn();
		Check.equal(arn, "arn:aws:sns:eu-central-1:000000000000:" + name, "ARN");
		Check.equal(ctx.sns.getTopicAttributes(r -> r.topicArn(arn)).attributes().get("DisplayName"), "shown", "DisplayName");
		String exchange = "arn:aws:sns:eu-central-1:000000000000:amq-topic-";
		Check.that(ctx.sns.listTopicsPaginator().topics().stream().anyMatch(t -> t.topicArn().startsWith(exchange)),
			"an exchange is among the topics");
		ctx.sns.deleteTopic(r -> r.topicArn(arn));
		Check.raises(NotFoundException.class, () -> ctx.sns.getTopicAttributes(r -> r.topicArn(arn)));
	}

	static void publishEnvelope(Context ctx) throws Exception {
		Subscription s = subscribed(ctx, Map.of());
		String id = publish(ctx, s.topic, "grüße", "a");
		Map<String, JsonNode> envelope = JsonNode.parser().parse(ctx.take(s.queue, 1).get(0).body()).asObject();
		Map.of("Type", "Notification", "MessageId", id, "TopicArn", s.topic, "Message", "grüße")
			.forEach((name, wanted) -> Check.equal(envelope.get(name).asString(), wanted, name));
		Check.equal(envelope.get("MessageAttributes").asObject().get("kind").asObject().get("Value").asString(), "a", "attribute");
	}

	static void publishFiltered(Context ctx) throws Exception {
		Subscription s = subscribed(ctx,
			Map.of("RawMessageDelivery", "true", "FilterPolicy", "{\"kind\":[\"a\",{\"prefix\":\"b-\"}]}"));
		for (String kind : List.of("c", "a", "ab", "b-1")) {
			publish(ctx, s.topic, "kind " + kind, kind);
		}
		List<String> bodies = ctx.take(s.queue, 2).stream().map(Message::body).sorted().toList();
		Check.equal(bodies, List.of("kind a", "kind b-1"), "bodies");
		Check.equal(ctx.receive(s.queue, 10, 0), List.of(), "others");
		ctx.sns.unsubscribe(r -> r.subscriptionArn(s.arn));
		Check.equal(ctx.sns.listSubscriptionsByTopic(r -> r.topicArn(s.topic)).subscriptions(), List.of(), "subscriptions left");
	}

	static void publishBatch(Context ctx) throws Exception {
		Subscription s = subscribed(ctx, Map.of("RawMessageDelivery", "true"));
		List<PublishBatchRequestEntry> entries = new ArrayList<>();
		for (int i = 0; i < 10; i++) {
			entries.add(PublishBatchRequestEntry.builder().id("e" + i).message("m" + i).build());
		}
		PublishBatchResponse out = ctx.sns.publishBatch(r -> r.topicArn(s.topic).publishBatchRequestEntries(entries));
		Check.equal(List.of(out.successful().size(), out.failed().size()), List.of(10, 0), "published");
		Check.equal(ctx.take(s.queue, 10).size(), 10, "messages");
	}

	static void errorClasses(Context ctx) {
		Subscription s = subscribed(ctx, Map.of());
		Check.equal(Check.raises(NotFoundException.class, () -> publish(ctx, s.topic + "-no", "m", "a")).statusCode(), 404, "status");
		Check.raises(InvalidParameterException.class, () -> publish(ctx, s.topic, "", "a"));
		String text = Check.raises(InvalidParameterException.class, () -> ctx.sns.setSubscriptionAttributes(
			r -> r.subscriptionArn(s.arn).attributeName("FilterPolicy").attributeValue("{\"a\":\"b\"}"))).getMessage();
		Check.that(text.contains("\"a\" must be an object or an array"), text);
	}
}
