/* SPDX-License-Identifier: Apache-2.0 */

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.core.SdkClient;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sns.SnsClient;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** One run of one scenario: its names, its clients, closed at its end. */
final class Context implements AutoCloseable {
	final SqsClient sqs;
	final SnsClient sns;
	private final int port;
	private final List<SdkClient> clients = new ArrayList<>();

	Context(int port) {
		this.port = port;
		sqs = client("guest", "guest");
		sns = opened(SnsClient.builder().httpClientBuilder(UrlConnectionHttpClient.builder()), "guest", "guest").build();
		clients.add(sns);
	}

	/** An error is seen, not tried again. */
	private <B extends AwsClientBuilder<B, C>, C> B opened(B builder, String key, String secret) {
		return builder.endpointOverride(URI.create("http://127.0.0.1:" + port)).region(Region.EU_CENTRAL_1)
			.credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create(key, secret)))
			.overrideConfiguration(o -> o.retryStrategy(r -> r.maxAttempts(1)).apiCallTimeout(Duration.ofSeconds(40)));
	}

	SqsClient client(String key, String secret) {
		SqsClient made = opened(SqsClient.builder().httpClientBuilder(UrlConnectionHttpClient.builder()), key, secret).build();
		clients.add(made);
		return made;
	}

	String name(String base) {
		return base + "-" + UUID.randomUUID().toString().substring(0, 8);
	}

	/** A new queue's URL. */
	String queue(Map<QueueAttributeName, String> attributes) {
		return sqs.createQueue(r -> r.queueName(name("q")).attributes(attributes)).queueUrl();
	}

	void send(String url, String body) {
		sqs.sendMessage(r -> r.queueUrl(url).messageBody(body));
	}

	/** One answer, with everything that belongs to the messages. */
	List<Message> receive(String url, int n, int wait) {
		return sqs.receiveMessage(r -> r.queueUrl(url).maxNumberOfMessages(n).waitTimeSeconds(wait).messageAttributeNames("All")
			.messageSystemAttributeNames(MessageSystemAttributeName.ALL)).messages();
	}

	/** Until there are n. */
	List<Message> take(String url, int n) throws Exception {
		List<Message> taken = new ArrayList<>();
		Check.until(() -> {
			taken.addAll(receive(url, Math.min(10, n - taken.size()), 1));
			return taken.size() >= n;
		}, n + " messages");
		return taken;
	}

	@Override
	public void close() {
		clients.forEach(SdkClient::close);
	}
}
