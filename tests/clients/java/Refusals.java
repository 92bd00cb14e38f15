/* SPDX-License-Identifier: Apache-2.0 */

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AlreadyClosedException;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.Method;
import com.rabbitmq.client.ShutdownSignalException;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/** Refusals as ShutdownSignalException shows them, and what goes on afterwards (rabbitmq.md 1.24, 2, 3). */
final class Refusals {
	private Refusals() {}

	/** The reason of a closed channel, word by word; its connection lives. */
	static void channelClosed(Channel channel, ShutdownSignalException signal, int code, String text, int cls, int method)
			throws Exception {
		Method reason = signal.getReason();
		Check.that(reason instanceof AMQP.Channel.Close, "reason: " + reason);
		AMQP.Channel.Close close = (AMQP.Channel.Close) reason;
		Check.equal(close.getReplyCode() + " " + close.getReplyText(), code + " " + text, "reply");
		Check.equal(close.getClassId() + "." + close.getMethodId(), cls + "." + method, "offender of " + text);
		Check.that(!signal.isHardError() && !signal.isInitiatedByApplication(), "the channel's, by the broker");
		Check.that(signal.getReference() == channel || signal.getReference().toString().equals(channel.toString()),
			"reference " + signal.getReference());
		Check.that(!channel.isOpen(), "the channel is closed");
		Check.that(channel.getConnection().isOpen(), "the connection lives");
		Check.raises(AlreadyClosedException.class, () -> channel.queueDeclare());
		channel.getConnection().createChannel().close();
	}

	static void channelCloses(Channel channel, Check.Action action, int code, String text, int cls, int method)
			throws Exception {
		IOException error = Check.raises(IOException.class, action);
		ShutdownSignalException signal = Check.raises(ShutdownSignalException.class, () -> { throw error; });
		channelClosed(channel, signal, code, text, cls, method);
	}

	/** What gets no answer of its own: the broker's word comes by itself. */
	private static void channelClosesLater(Channel channel, Check.Action action, int code, String text, int method)
			throws Exception {
		List<ShutdownSignalException> signals = new CopyOnWriteArrayList<>();
		channel.addShutdownListener(signals::add);
		action.run();
		Check.until(() -> !signals.isEmpty(), "shutdown listener");
		channelClosed(channel, signals.get(0), code, text, 60, method);
	}

	private static void connectionCloses(Connection connection, Check.Action action, int code, String text, int cls, int method)
			throws Exception {
		List<ShutdownSignalException> signals = new CopyOnWriteArrayList<>();
		connection.addShutdownListener(signals::add);
		try {
			action.run();
		} catch (IOException | ShutdownSignalException expected) {
			// the same signal
		}
		Check.until(() -> !signals.isEmpty(), "shutdown listener");
		ShutdownSignalException signal = signals.get(0);
		Check.that(signal.getReason() instanceof AMQP.Connection.Close, "reason: " + signal.getReason());
		AMQP.Connection.Close close = (AMQP.Connection.Close) signal.getReason();
		Check.equal(close.getReplyCode() + " " + close.getReplyText(), code + " " + text, "reply");
		Check.equal(close.getClassId() + "." + close.getMethodId(), cls + "." + method, "offender of " + text);
		Check.that(signal.isHardError() && !signal.isInitiatedByApplication(), "the connection's, by the broker");
		Check.that(!connection.isOpen(), "the connection is closed");
		Check.equal(connection.getCloseReason(), signal, "close reason");
		Check.raises(AlreadyClosedException.class, () -> connection.createChannel());
	}

	/** 404: 2.6, 2.11, 3.9, 3.12, 4.11, 4.18 */
	static void nothingOfThatName(Context ctx) throws Exception {
		Connection connection = ctx.connection();
		String name = ctx.name("nosuch");
		String noQueue = "NOT_FOUND - no queue '" + name + "' in vhost '/'";
		String noExchange = "NOT_FOUND - no exchange '" + name + "' in vhost '/'";
		String mine = ctx.queue(connection.createChannel());
		Channel c1 = connection.createChannel();
		channelCloses(c1, () -> c1.queueDeclarePassive(name), 404, noQueue, 50, 10);
		Channel c2 = connection.createChannel();
		channelCloses(c2, () -> c2.exchangeDeclarePassive(name), 404, noExchange, 40, 10);
		Channel c3 = connection.createChannel();
		channelCloses(c3, () -> c3.queueBind(name, "amq.direct", ""), 404, noQueue, 50, 20);
		Channel c4 = connection.createChannel();
		channelCloses(c4, () -> c4.queueBind(mine, name, ""), 404, noExchange, 50, 20);
		Channel c5 = connection.createChannel();
		channelCloses(c5, () -> c5.queuePurge(name), 404, noQueue, 50, 30);
		Channel c6 = connection.createChannel();
		channelCloses(c6, () -> c6.basicConsume(name, new Taken(c6)), 404, noQueue, 60, 20);
		Channel c7 = connection.createChannel();
		channelCloses(c7, () -> c7.basicGet(name, true), 404, noQueue, 60, 70);
		Channel c8 = connection.createChannel();
		Check.equal(c8.queueDelete(name).getMessageCount(), 0, "deleting what is not there is no error");
		c8.exchangeDelete(name);
	}

	/** 406: 2.3, 3.3; an exclusive queue is never durable, whatever was said */
	static void declaredOtherwise(Context ctx) throws Exception {
		Connection connection = ctx.connection();
		Channel channel = connection.createChannel();
		String queue = ctx.name("q");
		String exchange = ctx.name("x");
		String start = "PRECONDITION_FAILED - inequivalent arg '";
		channel.queueDeclare(queue, false, false, true, Map.of("x-message-ttl", 60000));
		channel.exchangeDeclare(exchange, "direct", false, true, null);
		String exclusive = channel.queueDeclare(ctx.name("q"), true, true, true, null).getQueue();
		channel.queueDeclare(exclusive, false, true, true, null);
		channel.queueDeclare(queue, false, false, true, Map.of("x-message-ttl", 60000L));
		Channel c1 = connection.createChannel();
		channelCloses(c1, () -> c1.queueDeclare(queue, true, false, true, Map.of("x-message-ttl", 60000)), 406,
			start + "durable' for queue '" + queue + "' in vhost '/': received 'true' but current is 'false'", 50, 10);
		Channel c2 = connection.createChannel();
		channelCloses(c2, () -> c2.queueDeclare(queue, false, false, true, Map.of("x-message-ttl", 1)), 406,
			start + "x-message-ttl' for queue '" + queue + "' in vhost '/': received '1' but current is '60000'", 50, 10);
		Channel c3 = connection.createChannel();
		channelCloses(c3, () -> c3.exchangeDeclare(exchange, "topic", false, true, null), 406,
			start + "type' for exchange '" + exchange + "' in vhost '/': received 'topic' but current is 'direct'", 40, 10);
		Channel c4 = connection.createChannel();
		channelCloses(c4, () -> c4.exchangeDeclare("amq.fanout", "fanout"), 406,
			start + "durable' for exchange 'amq.fanout' in vhost '/': received 'false' but current is 'true'", 40, 10);
	}

	/** 403, 405, 406: 2.2, 2.5, 3.6, 3.11 */
	static void notAllowed(Context ctx) throws Exception {
		Connection connection = ctx.connection();
		Channel owner = ctx.channel();
		String queue = ctx.queue(owner);
		Channel c1 = connection.createChannel();
		channelCloses(c1, () -> c1.queueDeclarePassive(queue), 405, "RESOURCE_LOCKED - cannot obtain exclusive access to "
			+ "locked queue '" + queue + "' in vhost '/'. It could be originally declared on another connection or the "
			+ "exclusive property value does not match that of the original declaration.", 50, 10);
		Channel c2 = connection.createChannel();
		channelCloses(c2, () -> c2.queueDeclare("amq.mine", false, false, false, null), 403,
			"ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'", 50, 10);
		Channel c3 = connection.createChannel();
		channelCloses(c3, () -> c3.exchangeDelete("amq.direct"), 403,
			"ACCESS_REFUSED - deletion of system exchange 'amq.direct' in vhost '/' not allowed", 40, 20);
		Channel c4 = connection.createChannel();
		channelCloses(c4, () -> c4.exchangeDeclare("", "direct"), 403,
			"ACCESS_REFUSED - operation not permitted on the default exchange", 40, 10);
		owner.confirmSelect();
		Context.send(owner, queue, "m");
		owner.waitForConfirmsOrDie(Check.DEADLINE_MS);
		Channel c5 = owner.getConnection().createChannel();
		channelCloses(c5, () -> c5.queueDelete(queue, false, true), 406,
			"PRECONDITION_FAILED - queue '" + queue + "' in vhost '/' not empty", 50, 40);
		Taken.from(owner, queue, true);
		Channel c6 = owner.getConnection().createChannel();
		channelCloses(c6, () -> c6.queueDelete(queue, true, false), 406,
			"PRECONDITION_FAILED - queue '" + queue + "' in vhost '/' in use", 50, 40);
	}

	/** 4.4, 4.5, 4.19: what has no answer closes the channel all the same */
	static void withoutAnAnswer(Context ctx) throws Exception {
		Connection connection = ctx.connection();
		String unknown = "PRECONDITION_FAILED - unknown delivery tag ";
		Channel c1 = connection.createChannel();
		channelClosesLater(c1, () -> c1.basicAck(99, false), 406, unknown + "99", 80);
		Channel c2 = connection.createChannel();
		channelClosesLater(c2, () -> c2.basicNack(98, false, true), 406, unknown + "98", 120);
		Channel c3 = connection.createChannel();
		channelClosesLater(c3, () -> c3.basicReject(97, true), 406, unknown + "97", 90);
		Channel c4 = connection.createChannel();
		AMQP.BasicProperties bob = new AMQP.BasicProperties.Builder().userId("bob").build();
		channelClosesLater(c4, () -> c4.basicPublish("", "q", bob, null), 406,
			"PRECONDITION_FAILED - user_id property set to 'bob' but authenticated user was 'guest'", 40);
		Channel c5 = connection.createChannel();
		AMQP.BasicProperties late = new AMQP.BasicProperties.Builder().expiration("abc").build();
		channelClosesLater(c5, () -> c5.basicPublish("", "q", late, null), 406,
			"PRECONDITION_FAILED - invalid expiration 'abc': no_integer", 40);
		Channel c6 = connection.createChannel();
		String queue = ctx.queue(c6);
		Context.send(c6, queue, "m");
		Context.get(c6, queue, false);
		c6.basicAck(1, false);
		channelClosesLater(c6, () -> c6.basicAck(1, false), 406, unknown + "1", 80);
	}

	/** 2.4, 4.3, 4.11, 4.17, 4.23 */
	static void endOfTheConnection(Context ctx) throws Exception {
		Connection c1 = ctx.connection();
		connectionCloses(c1, () -> c1.createChannel().exchangeDeclare(ctx.name("x"), "bogus"), 503,
			"COMMAND_INVALID - unknown exchange type 'bogus'", 40, 10);
		Connection c2 = ctx.connection();
		connectionCloses(c2, () -> c2.createChannel().basicPublish("", "q", false, true, null, new byte[] {1}), 540,
			"NOT_IMPLEMENTED - immediate=true", 60, 40);
		Connection c3 = ctx.connection();
		connectionCloses(c3, () -> c3.createChannel().basicQos(10, 0, false), 540,
			"NOT_IMPLEMENTED - prefetch_size!=0 (10)", 60, 10);
		Connection c4 = ctx.connection();
		connectionCloses(c4, () -> c4.createChannel().basicRecover(false), 540,
			"NOT_IMPLEMENTED - requeue=false", 60, 110);
		Connection c5 = ctx.connection();
		Channel channel = c5.createChannel();
		String queue = ctx.queue(channel);
		channel.basicConsume(queue, false, "t", new Taken(channel));
		connectionCloses(c5, () -> channel.basicConsume(queue, false, "t", new Taken(channel)), 530,
			"NOT_ALLOWED - attempt to reuse consumer tag 't'", 60, 20);
	}

	/** 9, Spring: passive declare, 404, a new channel, declare; its listener container does so at every start */
	static void passiveThenDeclared(Context ctx) throws Exception {
		Connection connection = ctx.connection();
		String queue = ctx.name("spring");
		Channel channel = connection.createChannel();
		for (int i = 0; i < 20; i++) {
			Channel probe = channel;
			int number = probe.getChannelNumber();
			channelCloses(probe, () -> probe.queueDeclarePassive(queue), 404,
				"NOT_FOUND - no queue '" + queue + "' in vhost '/'", 50, 10);
			channel = connection.createChannel(number);
			Check.that(channel != null, "channel number " + number + " is free again");
		}
		channel.queueDeclare(queue, true, false, true, null);
		channel.queueDeclarePassive(queue);
		Taken.from(channel, queue, true);
		Check.equal(channel.queueDeclarePassive(queue).getConsumerCount(), 1, "consumers");
	}
}
