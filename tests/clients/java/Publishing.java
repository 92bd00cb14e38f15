/* SPDX-License-Identifier: Apache-2.0 */

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.BuiltinExchangeType;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.ConfirmListener;
import com.rabbitmq.client.MessageProperties;
import com.rabbitmq.client.Return;
import com.rabbitmq.client.ShutdownSignalException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CopyOnWriteArrayList;

/** Publishing, routing, confirms and returns (rabbitmq.md 2, 4.1 to 4.8). */
final class Publishing {
	private Publishing() {}

	static void confirmsWaitedFor(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		String queue = ctx.queue(channel);
		Context.send(channel, queue, "before", "select");
		Check.equal(channel.getNextPublishSeqNo(), 0L, "number before confirm.select");
		channel.confirmSelect();
		for (int i = 1; i <= 500; i++) {
			Check.equal(channel.getNextPublishSeqNo(), (long) i, "publish sequence number");
			channel.basicPublish("", queue, MessageProperties.PERSISTENT_BASIC, Context.bytes("m" + i));
		}
		channel.waitForConfirmsOrDie(Check.DEADLINE_MS);
		Context.expectReady(channel, queue, 502, "ready messages");
		Check.that(channel.waitForConfirms(Check.DEADLINE_MS), "nothing outstanding");
	}

	/** The bookkeeping of RabbitMQ's own tutorial: merged tags clear what is below them */
	static void confirmsListenedTo(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		String queue = ctx.queue(channel);
		ConcurrentSkipListSet<Long> outstanding = new ConcurrentSkipListSet<>();
		List<String> wrong = new CopyOnWriteArrayList<>();
		channel.confirmSelect();
		channel.addConfirmListener(new ConfirmListener() {
			@Override
			public void handleAck(long tag, boolean multiple) {
				if (!outstanding.contains(tag)) {
					wrong.add("ack " + tag + " of nothing");
				} else if (multiple) {
					outstanding.headSet(tag, true).clear();
				} else {
					outstanding.remove(tag);
				}
			}

			@Override
			public void handleNack(long tag, boolean multiple) {
				wrong.add("nack " + tag);
			}
		});
		for (int i = 0; i < 3000; i++) {
			outstanding.add(channel.getNextPublishSeqNo());
			channel.basicPublish("", queue, null, Context.bytes("m" + i));
		}
		Check.until(outstanding::isEmpty, "confirms of 3000 messages");
		Check.equal(wrong, List.of(), "wrong confirms");
		Context.expectReady(channel, queue, 3000, "ready messages");
	}

	/** 4.2: 312 with everything that was published, and before the confirm */
	static void returnedBeforeConfirmed(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		List<String> events = new CopyOnWriteArrayList<>();
		List<Return> returned = new CopyOnWriteArrayList<>();
		channel.addReturnListener(message -> {
			returned.add(message);
			events.add("return");
		});
		channel.addConfirmListener((tag, multiple) -> events.add("ack " + tag), (tag, multiple) -> events.add("nack " + tag));
		channel.confirmSelect();
		AMQP.BasicProperties properties =
			new AMQP.BasicProperties.Builder().messageId("id").headers(Map.of("n", 1)).deliveryMode(2).build();
		channel.basicPublish("amq.topic", "to.nobody", true, properties, Context.bytes("back"));
		channel.waitForConfirmsOrDie(Check.DEADLINE_MS);
		channel.basicPublish("", ctx.name("nosuch"), true, null, new byte[0]);
		channel.waitForConfirmsOrDie(Check.DEADLINE_MS);
		channel.basicPublish("amq.topic", "to.nobody", false, null, Context.bytes("dropped"));
		channel.waitForConfirmsOrDie(Check.DEADLINE_MS);
		Check.equal(events, List.of("return", "ack 1", "return", "ack 2", "ack 3"), "events");
		Return first = returned.get(0);
		Check.equal(first.getReplyCode() + " " + first.getReplyText(), "312 NO_ROUTE", "reply");
		Check.equal(first.getExchange() + " " + first.getRoutingKey(), "amq.topic to.nobody", "where to");
		Check.equal(Context.text(first.getBody()), "back", "body");
		Check.equal(first.getProperties(), properties, "properties");
		Check.equal(returned.get(1).getBody().length, 0, "empty body");
	}

	/** 2.22: pending confirms are lost with the channel */
	static void toAnExchangeThatIsNot(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		String exchange = ctx.name("nosuch");
		channel.confirmSelect();
		channel.basicPublish(exchange, "k", null, Context.bytes("m"));
		ShutdownSignalException signal =
			Check.raises(ShutdownSignalException.class, () -> channel.waitForConfirms(Check.DEADLINE_MS));
		Refusals.channelClosed(channel, signal, 404, "NOT_FOUND - no exchange '" + exchange + "' in vhost '/'", 60, 40);
	}

	/** 2.10, 2.14: exchanges bound to exchanges; a message comes to a queue once */
	static void throughExchanges(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		String queue = ctx.queue(channel);
		String topic = ctx.name("topic");
		String fanout = ctx.name("fanout");
		channel.exchangeDeclare(topic, BuiltinExchangeType.TOPIC, false, true, null);
		channel.exchangeDeclare(fanout, BuiltinExchangeType.FANOUT, false, true, null);
		channel.exchangeBind(fanout, topic, "order.#");
		channel.queueBind(queue, fanout, "");
		channel.queueBind(queue, topic, "*.made");
		for (String key : List.of("order", "order.made", "bill.made", "bill.paid", "order.a.b")) {
			channel.basicPublish(topic, key, null, Context.bytes(key));
		}
		Taken taken = Taken.from(channel, queue, true).exactly(4);
		Check.equal(taken.bodies(), List.of("order", "order.made", "bill.made", "order.a.b"), "what came");
		Check.equal(taken.deliveries.get(1).getEnvelope().getExchange(), topic, "the exchange it was published to");
	}

	/** 2.15, with what Java gives as values */
	static void byHeaders(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		String all = ctx.queue(channel);
		String any = ctx.queue(channel);
		channel.queueBind(all, "amq.headers", "", Map.of("x-match", "all", "run", all, "size", 3L));
		channel.queueBind(any, "amq.match", "", Map.of("x-match", "any", "run", all, "size", 3L));
		for (Map<String, Object> headers : List.<Map<String, Object>>of(
				Map.of("run", all, "size", 3), Map.of("run", all, "size", "3"), Map.of("run", "other", "size", 4))) {
			AMQP.BasicProperties properties = new AMQP.BasicProperties.Builder().headers(headers).build();
			channel.basicPublish("amq.headers", "", properties, Context.bytes(String.valueOf(headers.get("size"))));
			channel.basicPublish("amq.match", "", properties, Context.bytes(String.valueOf(headers.get("size"))));
		}
		Context.expectReady(channel, all, 1, "all");
		Context.expectReady(channel, any, 2, "any");
	}

	/** 4.10 */
	static void transactions(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		Channel other = ctx.channel();
		String queue = ctx.name("tx");
		other.queueDeclare(queue, false, false, true, null);
		try {
			channel.txSelect();
		} catch (java.io.IOException refused) {
			Check.that(!ctx.real, "RabbitMQ has transactions");
			throw new Check.Skip("tx.select is not answered yet");
		}
		Context.send(channel, queue, "a", "b");
		Context.expectReady(other, queue, 0, "before the commit");
		channel.txCommit();
		Context.expectReady(other, queue, 2, "after the commit");
		Context.send(channel, queue, "c");
		channel.txRollback();
		Context.expectReady(other, queue, 2, "after the rollback");
		long tag = Context.get(channel, queue, false).getEnvelope().getDeliveryTag();
		channel.basicAck(tag, false);
		channel.txRollback();
		channel.basicAck(tag, false);
		channel.txCommit();
		channel.close();
		Check.equal(Context.text(Context.get(other, queue, true).getBody()), "b", "what is left");
	}
}
