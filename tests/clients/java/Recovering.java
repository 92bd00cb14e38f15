/* SPDX-License-Identifier: Apache-2.0 */

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AlreadyClosedException;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.MessageProperties;
import com.rabbitmq.client.Recoverable;
import com.rabbitmq.client.RecoveryListener;
import com.rabbitmq.client.ShutdownSignalException;
import com.rabbitmq.client.impl.recovery.AutorecoveringConnection;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** What the client brings back by itself when the broker restarts on the same data. */
final class Recovering {
	private static final int RETRY_MS = 100;

	private Recovering() {}

	/** A connection with automatic recovery that counts its recoveries. */
	private static final class Lasting implements RecoveryListener {
		final AtomicInteger recoveries = new AtomicInteger();
		final List<ShutdownSignalException> signals = new CopyOnWriteArrayList<>();
		final Connection connection;

		Lasting(Context ctx) throws Exception {
			ConnectionFactory factory = ctx.factory();
			factory.setAutomaticRecoveryEnabled(true);
			factory.setTopologyRecoveryEnabled(true);
			factory.setNetworkRecoveryInterval(RETRY_MS);
			connection = ctx.connection(factory);
			connection.addShutdownListener(signals::add);
			((Recoverable) connection).addRecoveryListener(this);
		}

		@Override
		public void handleRecovery(Recoverable recoverable) {
			recoveries.incrementAndGet();
		}

		@Override
		public void handleRecoveryStarted(Recoverable recoverable) {}

		void until(int n) throws Exception {
			Check.until(() -> recoveries.get() >= n, "recovery " + n);
		}
	}

	/** Definitions, confirmed messages and consumers; the server-named queue under a new name */
	static void everything(Context ctx) throws Exception {
		Lasting lasting = new Lasting(ctx);
		Channel channel = lasting.connection.createChannel();
		String durable = ctx.name("durable");
		String exclusive = ctx.name("exclusive");
		String exchange = ctx.name("x");
		channel.exchangeDeclare(exchange, "topic", false);
		channel.queueDeclare(durable, true, false, false, null);
		channel.queueDeclare(exclusive, false, true, true, null);
		String named = channel.queueDeclare().getQueue();
		for (String queue : List.of(durable, exclusive, named)) {
			channel.queueBind(queue, exchange, "all.#");
		}
		List<String> renamed = new CopyOnWriteArrayList<>();
		((AutorecoveringConnection) lasting.connection).addQueueRecoveryListener((from, to) -> renamed.add(from + " " + to));
		channel.basicQos(10);
		Taken ofExclusive = Taken.from(channel, exclusive, false);
		Taken ofNamed = Taken.from(channel, named, true);
		channel.confirmSelect();
		for (int i = 0; i < 50; i++) {
			channel.basicPublish("", durable, MessageProperties.PERSISTENT_BASIC, Context.bytes("kept " + i));
		}
		channel.waitForConfirmsOrDie(Check.DEADLINE_MS);
		Broker.restart();
		lasting.until(1);
		Context.expectReady(channel, durable, 50, "confirmed messages after the restart");
		channel.basicPublish(exchange, "all.of.them", null, Context.bytes("after"));
		channel.waitForConfirmsOrDie(Check.DEADLINE_MS);
		Check.equal(ofExclusive.until(1).bodies(), List.of("after"), "of the exclusive queue");
		Check.equal(ofNamed.until(1).bodies(), List.of("after"), "of the server-named queue");
		channel.basicAck(ofExclusive.tag(0), false);
		Check.that(renamed.stream().anyMatch(r -> r.matches(named + " amq\\.gen-.*") && !r.endsWith(named)),
			"the server-named queue has a new name: " + renamed);
		Taken ofDurable = Taken.from(channel, durable, false);
		Check.that(ofDurable.until(10).deliveries.get(0).getEnvelope().getRoutingKey().equals(durable), "routing key");
		for (int i = 0; i < 51; i++) {
			channel.basicAck(ofDurable.until(i + 1).tag(i), false);
		}
		Check.equal(ofDurable.bodies().get(49), "kept 49", "order");
		Check.equal(ofDurable.bodies().get(50), "after", "what came by the binding");
		channel.queueDelete(durable);
	}

	/** A consumer that had messages goes on with them; acknowledgements of old tags are dropped */
	static void consumerResumes(Context ctx) throws Exception {
		Lasting lasting = new Lasting(ctx);
		Channel channel = lasting.connection.createChannel();
		String queue = ctx.name("q");
		channel.queueDeclare(queue, true, false, false, null);
		channel.confirmSelect();
		for (String body : List.of("a", "b", "c", "d")) {
			channel.basicPublish("", queue, MessageProperties.PERSISTENT_BASIC, Context.bytes(body));
		}
		channel.waitForConfirmsOrDie(Check.DEADLINE_MS);
		channel.basicQos(2);
		Taken taken = new Taken(channel);
		channel.basicConsume(queue, false, "same", taken);
		taken.exactly(2);
		channel.basicAck(taken.tag(0), false);
		taken.exactly(3);
		Broker.restart();
		lasting.until(1);
		taken.exactly(5);
		Check.equal(taken.bodies(), List.of("a", "b", "c", "b", "c"), "deliveries");
		Check.that(taken.deliveries.get(3).getEnvelope().isRedeliver(), "redelivered");
		channel.basicAck(taken.tag(1), false);
		channel.basicAck(taken.tag(4), true);
		taken.exactly(6);
		channel.basicAck(taken.tag(5), false);
		Check.equal(channel.queueDelete(queue).getMessageCount(), 0, "ready at the end");
	}

	/** 320 says why; nothing can be done until it is back, however long that takes */
	static void downForAWhile(Context ctx) throws Exception {
		Lasting lasting = new Lasting(ctx);
		Channel channel = lasting.connection.createChannel();
		String queue = ctx.name("q");
		channel.queueDeclare(queue, true, false, false, null);
		Broker.stop();
		Check.until(() -> !lasting.signals.isEmpty(), "shutdown listener");
		ShutdownSignalException signal = lasting.signals.get(0);
		Check.that(signal.isHardError() && !signal.isInitiatedByApplication(), "the broker's");
		Check.that(signal.getReason() instanceof AMQP.Connection.Close, "reason: " + signal.getReason());
		AMQP.Connection.Close close = (AMQP.Connection.Close) signal.getReason();
		Check.equal(close.getReplyCode() + " " + close.getReplyText(),
			"320 CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'", "reply");
		Check.raises(AlreadyClosedException.class, () -> channel.basicPublish("", queue, null, new byte[0]));
		Thread.sleep(5 * RETRY_MS);
		Broker.start();
		lasting.until(1);
		Context.send(channel, queue, "m");
		Check.equal(channel.queueDelete(queue).getMessageCount(), 1, "published after it");
	}
}
