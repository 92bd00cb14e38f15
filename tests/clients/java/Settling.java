/* SPDX-License-Identifier: Apache-2.0 */

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.GetResponse;
import java.util.List;

/** basic.get, ack, nack, reject, recover and what comes again (rabbitmq.md 4.18 to 4.23). */
final class Settling {
	private Settling() {}

	/** 4.18 */
	static void got(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		String queue = ctx.queue(channel);
		Check.equal(channel.basicGet(queue, false), null, "of an empty queue");
		Context.send(channel, queue, "a", "b", "c");
		for (int i = 1; i <= 3; i++) {
			GetResponse response = Context.get(channel, queue, false);
			Check.equal(response.getEnvelope().getDeliveryTag(), (long) i, "delivery tag");
			Check.equal(response.getMessageCount(), 3 - i, "remaining");
			Check.equal(response.getEnvelope().getExchange(), "", "exchange");
			Check.equal(response.getEnvelope().getRoutingKey(), queue, "key");
		}
		channel.basicAck(0, true);
		Check.equal(channel.basicGet(queue, false), null, "of an emptied queue");
		channel.basicAck(0, true);
		channel.queueDeclarePassive(queue);
	}

	/** 4.20: to its old place, marked */
	static void requeued(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		String queue = ctx.queue(channel);
		Context.send(channel, queue, "0", "1", "2", "3", "4");
		for (int i = 0; i < 4; i++) {
			Context.get(channel, queue, false);
		}
		channel.basicNack(2, true, true);
		channel.basicReject(4, true);
		channel.basicReject(3, false);
		for (String wanted : List.of("0 true", "1 true", "3 true", "4 false")) {
			GetResponse response = Context.get(channel, queue, true);
			Check.equal(Context.text(response.getBody()) + " " + response.getEnvelope().isRedeliver(), wanted, "again");
		}
		Check.equal(channel.basicGet(queue, true), null, "the rejected one is gone");
	}

	/** A consumer that puts back what it has not seen before */
	static void requeuedWhileConsuming(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		String queue = ctx.queue(channel);
		channel.basicQos(1);
		Taken taken = Taken.from(channel, queue, false);
		Context.send(channel, queue, "a", "b");
		for (int i = 0; i < 4; i++) {
			taken.until(i + 1);
			if (taken.deliveries.get(i).getEnvelope().isRedeliver()) {
				channel.basicAck(taken.tag(i), false);
			} else {
				channel.basicNack(taken.tag(i), false, true);
			}
		}
		taken.exactly(4);
		Check.equal(taken.bodies(), List.of("a", "a", "b", "b"), "deliveries");
		Context.expectReady(channel, queue, 0, "ready");
	}

	/** 4.21 */
	static void backWhenTheChannelCloses(Context ctx) throws Exception {
		Connection connection = ctx.connection();
		Channel channel = connection.createChannel();
		String queue = ctx.queue(channel);
		Context.send(channel, queue, "a", "b", "c");
		Taken.from(channel, queue, false).until(3);
		channel.basicAck(2, false);
		channel.close();
		Channel next = connection.createChannel();
		Taken again = Taken.from(next, queue, false).exactly(2);
		Check.equal(again.bodies(), List.of("a", "c"), "what comes again");
		Check.that(again.deliveries.stream().allMatch(d -> d.getEnvelope().isRedeliver()), "redelivered");
	}

	private static String sentTo(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		String queue = ctx.name("q");
		channel.queueDeclare(queue, false, false, true, null);
		channel.confirmSelect();
		Context.send(channel, queue, "m");
		channel.waitForConfirmsOrDie(Check.DEADLINE_MS);
		return queue;
	}

	/** 4.21: also when the connection just ends */
	static void backWhenTheConnectionCloses(Context ctx) throws Exception {
		String queue = sentTo(ctx);
		Connection connection = ctx.connection();
		Context.get(connection.createChannel(), queue, false);
		connection.abort();
		Check.that(Context.get(ctx.channel(), queue, true).getEnvelope().isRedeliver(), "redelivered");
	}

	/** 4.23 */
	static void recovered(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		String queue = ctx.queue(channel);
		Taken taken = Taken.from(channel, queue, false);
		Context.send(channel, queue, "a", "b");
		taken.until(2);
		channel.basicRecover();
		taken.exactly(4);
		Check.equal(taken.bodies(), List.of("a", "b", "a", "b"), "deliveries");
		Check.that(taken.deliveries.get(3).getEnvelope().isRedeliver(), "redelivered");
	}

	/** 3.12: purging counts and takes only what is ready */
	static void purged(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		String queue = ctx.queue(channel);
		Context.send(channel, queue, "a", "b", "c");
		long tag = Context.get(channel, queue, false).getEnvelope().getDeliveryTag();
		Check.equal(channel.queuePurge(queue).getMessageCount(), 2, "purged");
		channel.basicNack(tag, false, true);
		Check.equal(Context.text(Context.get(channel, queue, true).getBody()), "a", "what was taken meanwhile");
	}
}
