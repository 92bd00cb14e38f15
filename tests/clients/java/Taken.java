/* SPDX-License-Identifier: Apache-2.0 */

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.ShutdownSignalException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;

/** A consumer that only collects. */
class Taken extends DefaultConsumer {
	private static final int QUIET_MS = 60;
	final List<Delivery> deliveries = new CopyOnWriteArrayList<>();
	final List<String> events = new CopyOnWriteArrayList<>();

	Taken(Channel channel) {
		super(channel);
	}

	/** Subscribed. */
	static Taken from(Channel channel, String queue, boolean acknowledged) throws Exception {
		Taken taken = new Taken(channel);
		channel.basicConsume(queue, acknowledged, taken);
		return taken;
	}

	@Override
	public void handleDelivery(String tag, Envelope envelope, AMQP.BasicProperties properties, byte[] body) {
		deliveries.add(new Delivery(envelope, properties, body));
	}

	@Override
	public void handleCancel(String tag) {
		events.add("cancel " + tag);
	}

	@Override
	public void handleCancelOk(String tag) {
		events.add("cancel-ok " + tag);
	}

	@Override
	public void handleShutdownSignal(String tag, ShutdownSignalException signal) {
		events.add("shutdown " + tag);
	}

	int count() {
		return deliveries.size();
	}

	List<String> bodies() {
		return deliveries.stream().map(d -> Context.text(d.getBody())).collect(Collectors.toList());
	}

	long tag(int index) {
		return deliveries.get(index).getEnvelope().getDeliveryTag();
	}

	Taken until(int n) throws Exception {
		Check.until(() -> count() >= n, n + " deliveries");
		return this;
	}

	/** Exactly n, also a while after the broker has answered something that was asked later. */
	Taken exactly(int n) throws Exception {
		until(n);
		getChannel().exchangeDeclarePassive("amq.direct");
		Thread.sleep(QUIET_MS);
		Check.equal(count(), n, "deliveries " + bodies());
		return this;
	}
}
