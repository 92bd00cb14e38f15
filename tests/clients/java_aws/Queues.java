/* SPDX-License-Identifier: Apache-2.0 */

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;
import software.amazon.awssdk.services.sqs.model.QueueDoesNotExistException;

/** Made, listed, described, tagged, purged, deleted. */
final class Queues {
	private Queues() {}

	static void createAndFind(Context ctx) {
		String name = ctx.name("q");
		Map<QueueAttributeName, String> attributes = Map.of(QueueAttributeName.DELAY_SECONDS, "5");
		String url = ctx.sqs.createQueue(r -> r.queueName(name).attributes(attributes).tags(Map.of("a", "1"))).queueUrl();
		Check.equal(ctx.sqs.createQueue(r -> r.queueName(name).attributes(attributes)).queueUrl(), url, "made again");
		Check.equal(ctx.sqs.getQueueUrl(r -> r.queueName(name)).queueUrl(), url, "found");
		Check.equal(ctx.sqs.listQueues(r -> r.queueNamePrefix(name)).queueUrls(), List.of(url), "listed");
	}

	static void pages(Context ctx) {
		String prefix = ctx.name("page");
		for (int i = 0; i < 5; i++) {
			String name = prefix + "-" + i;
			ctx.sqs.createQueue(r -> r.queueName(name));
		}
		List<Integer> sizes = new ArrayList<>();
		ctx.sqs.listQueuesPaginator(r -> r.queueNamePrefix(prefix).maxResults(2)).forEach(page -> sizes.add(page.queueUrls().size()));
		Check.equal(sizes, List.of(2, 2, 1), "pages");
	}

	static void queueAttributes(Context ctx) {
		String url = ctx.queue(Map.of(QueueAttributeName.VISIBILITY_TIMEOUT, "7"));
		ctx.sqs.setQueueAttributes(r -> r.queueUrl(url).attributes(Map.of(QueueAttributeName.MESSAGE_RETENTION_PERIOD, "86400")));
		ctx.send(url, "m");
		Map<QueueAttributeName, String> got =
			ctx.sqs.getQueueAttributes(r -> r.queueUrl(url).attributeNames(QueueAttributeName.ALL)).attributes();
		Map.of(QueueAttributeName.VISIBILITY_TIMEOUT, "7", QueueAttributeName.MESSAGE_RETENTION_PERIOD, "86400",
			QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES, "1",
			QueueAttributeName.QUEUE_ARN, "arn:aws:sqs:eu-central-1:000000000000:" + url.substring(url.lastIndexOf('/') + 1))
			.forEach((name, wanted) -> Check.equal(got.get(name), wanted, name.toString()));
	}

	static void tags(Context ctx) {
		String url = ctx.queue(Map.of());
		ctx.sqs.tagQueue(r -> r.queueUrl(url).tags(Map.of("team", "a", "empty", "")));
		ctx.sqs.untagQueue(r -> r.queueUrl(url).tagKeys("team"));
		Check.equal(ctx.sqs.listQueueTags(r -> r.queueUrl(url)).tags(), Map.of("empty", ""), "tags");
	}

	static void purgeAndDelete(Context ctx) throws Exception {
		String url = ctx.queue(Map.of());
		ctx.send(url, "m");
		ctx.take(url, 1);
		ctx.sqs.purgeQueue(r -> r.queueUrl(url));
		QueueAttributeName leased = QueueAttributeName.APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE;
		Check.equal(ctx.sqs.getQueueAttributes(r -> r.queueUrl(url).attributeNames(leased)).attributes(), Map.of(leased, "0"),
			"in flight");
		ctx.sqs.deleteQueue(r -> r.queueUrl(url));
		Check.raises(QueueDoesNotExistException.class, () -> ctx.receive(url, 1, 0));
	}
}
