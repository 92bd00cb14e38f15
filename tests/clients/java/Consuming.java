/* SPDX-License-Identifier: Apache-2.0 */

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.RpcClient;
import com.rabbitmq.client.RpcClientParams;
import com.rabbitmq.client.RpcServer;
import com.rabbitmq.client.StringRpcServer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Consumers: deliveries, acknowledgements, prefetch, cancellation, RPC (rabbitmq.md 4.11 to 4.17). */
final class Consuming {
	private Consuming() {}

	static void inOrderWithAcks(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		String queue = ctx.name("q");
		channel.queueDeclare(queue, false, false, false, null);
		List<String> sent = IntStream.range(0, 300).mapToObj(i -> "m" + i).collect(Collectors.toList());
		Context.send(channel, queue, sent.toArray(String[]::new));
		channel.basicQos(50);
		Taken taken = new Taken(channel) {
			@Override
			public void handleDelivery(String tag, com.rabbitmq.client.Envelope e, AMQP.BasicProperties p, byte[] body) {
				super.handleDelivery(tag, e, p, body);
				try {
					if (count() % 25 == 0) {
						getChannel().basicAck(e.getDeliveryTag(), true);
					}
				} catch (java.io.IOException error) {
					throw new java.io.UncheckedIOException(error);
				}
			}
		};
		String tag = channel.basicConsume(queue, taken);
		Check.that(tag.startsWith("amq.ctag-"), "the broker's consumer tag " + tag);
		taken.until(300);
		Check.equal(taken.bodies(), sent, "bodies");
		Check.equal(taken.tag(299), 300L, "last delivery tag");
		Check.that(taken.deliveries.stream().noneMatch(d -> d.getEnvelope().isRedeliver()), "nothing is redelivered");
		channel.basicCancel(tag);
		Check.until(() -> !taken.events.isEmpty(), "cancel-ok");
		Check.equal(taken.events, List.of("cancel-ok " + tag), "events");
		Check.equal(channel.queueDelete(queue).getMessageCount(), 0, "all are acknowledged");
	}

	/** 4.13 */
	static void cancelledWhenTheQueueGoes(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		Channel other = ctx.channel();
		String queue = ctx.name("q");
		other.queueDeclare(queue, false, false, false, null);
		Taken taken = new Taken(channel);
		channel.basicConsume(queue, false, "mine", taken);
		Context.send(other, queue, "m");
		taken.until(1);
		Check.equal(other.queueDelete(queue).getMessageCount(), 0, "ready messages at its end");
		Check.until(() -> !taken.events.isEmpty(), "cancellation");
		Check.equal(taken.events, List.of("cancel mine"), "events");
		// What it had is gone with the queue, the channel goes on.
		channel.basicAck(taken.tag(0), false);
		channel.basicConsume(ctx.queue(channel), false, "mine", new Taken(channel));
	}

	/** 4.14 */
	static void cancelledByItself(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		String queue = ctx.name("q");
		channel.queueDeclare(queue, false, false, false, null);
		Taken taken = Taken.from(channel, queue, false);
		Context.send(channel, queue, "a", "b");
		taken.until(2);
		channel.basicCancel(taken.getConsumerTag());
		Check.equal(channel.queueDeclarePassive(queue).getConsumerCount(), 0, "consumers");
		Context.send(channel, queue, "c");
		Context.expectReady(channel, queue, 1, "ready; the others are still taken");
		channel.basicAck(taken.tag(1), true);
		Check.equal(channel.queueDelete(queue).getMessageCount(), 1, "messages at its end");
	}

	/** 4.17: global=false counts for each consumer made after it */
	static void prefetchOfEachConsumer(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		String queue = ctx.queue(channel);
		Context.send(channel, queue, "0", "1", "2", "3", "4", "5", "6", "7", "8", "9");
		channel.basicQos(2);
		Taken first = Taken.from(channel, queue, false).exactly(2);
		channel.basicQos(3);
		Taken second = Taken.from(channel, queue, false).exactly(3);
		first.exactly(2);
		channel.basicAck(first.tag(0), false);
		first.exactly(3);
		second.exactly(3);
		Check.equal(first.bodies(), List.of("0", "1", "5"), "of the first");
		Context.expectReady(channel, queue, 4, "ready");
	}

	/** 4.17: global=true is one budget of the channel, and acts at once */
	static void prefetchOfTheChannel(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		String queue = ctx.queue(channel);
		channel.basicQos(0, 3, true);
		Taken first = Taken.from(channel, queue, false);
		Taken second = Taken.from(channel, queue, false);
		Context.send(channel, queue, "0", "1", "2", "3", "4", "5", "6", "7");
		Check.until(() -> first.count() + second.count() == 3, "three of both");
		first.exactly(first.count());
		Check.equal(first.count() + second.count(), 3, "of both");
		channel.basicAck(2, true);
		Check.until(() -> first.count() + second.count() == 5, "two more");
		channel.basicQos(0, 4, true);
		Check.until(() -> first.count() + second.count() == 6, "one more");
		first.exactly(first.count());
		Context.expectReady(channel, queue, 2, "ready");
	}

	/** 4.12 */
	static void exclusively(Context ctx) throws Exception {
		Connection connection = ctx.connection();
		Channel channel = connection.createChannel();
		String queue = ctx.queue(channel);
		channel.basicConsume(queue, true, "alone", false, true, null, new Taken(channel));
		Channel refused = connection.createChannel();
		Refusals.channelCloses(refused, () -> refused.basicConsume(queue, new Taken(refused)), 403,
			"ACCESS_REFUSED - queue '" + queue + "' in vhost '/' in exclusive use", 60, 20);
		channel.basicCancel("alone");
		Channel now = connection.createChannel();
		now.basicConsume(queue, new Taken(now));
	}

	/** 4.25: consumers of different channels in turns */
	static void inTurns(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		String queue = ctx.name("q");
		channel.queueDeclare(queue, false, false, true, null);
		List<Taken> all = new ArrayList<>();
		for (int i = 0; i < 3; i++) {
			Channel own = ctx.channel();
			own.basicQos(1);
			all.add(Taken.from(own, queue, false));
		}
		Context.send(channel, queue, "a", "b", "c");
		for (Taken taken : all) {
			taken.exactly(1);
		}
	}

	/** RabbitMQ's RpcServer and RpcClient over an exclusive reply queue that the broker names */
	static void rpc(Context ctx) throws Exception {
		Channel serving = ctx.channel();
		String requests = ctx.name("rpc");
		serving.queueDeclare(requests, false, false, true, null);
		RpcServer server = new StringRpcServer(serving, requests) {
			@Override
			public String handleStringCall(String request, AMQP.BasicProperties reply) {
				return request.toUpperCase(java.util.Locale.ROOT);
			}
		};
		Thread loop = new Thread(() -> {
			try {
				server.mainloop();
			} catch (java.io.IOException | com.rabbitmq.client.ShutdownSignalException ended) {
				// with the connection, at the scenario's end
			}
		});
		loop.setDaemon(true);
		loop.start();
		Channel calling = ctx.channel();
		String replies = calling.queueDeclare().getQueue();
		Check.that(replies.startsWith("amq.gen-"), "the broker's queue name " + replies);
		RpcClientParams parameters = new RpcClientParams()
			.channel(calling).exchange("").routingKey(requests).replyTo(replies).timeout(Check.DEADLINE_MS);
		try (RpcClient client = new RpcClient(parameters)) {
			for (String word : List.of("one", "two", "three")) {
				Check.equal(client.stringCall(word), word.toUpperCase(java.util.Locale.ROOT), "answer");
			}
			RpcClient.Response response = client.responseCall(Context.bytes("four"));
			Check.equal(response.getEnvelope().getRoutingKey(), replies, "key of the answer");
		}
		// The client's own default: no queue for the answers (rabbitmq.md 4.26).
		parameters = new RpcClientParams().channel(ctx.channel()).exchange("").routingKey(requests).timeout(Check.DEADLINE_MS);
		try (RpcClient client = new RpcClient(parameters)) {
			Check.equal(client.stringCall("direct"), "DIRECT", "answer");
		}
		server.close();
	}

	/** 3.1: "" is the queue that this channel declared last */
	static void fromTheQueueDeclaredLast(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		String queue = channel.queueDeclare().getQueue();
		channel.queueBind("", "amq.direct", queue);
		Taken taken = Taken.from(channel, "", true);
		channel.basicPublish("amq.direct", queue, null, Context.bytes("m"));
		Delivery delivery = taken.until(1).deliveries.get(0);
		Check.equal(delivery.getEnvelope().getExchange(), "amq.direct", "exchange");
		Check.equal(channel.messageCount(queue), 0L, "messages");
		Check.equal(channel.consumerCount(queue), 1L, "consumers");
	}
}
