/* SPDX-License-Identifier: Apache-2.0 */

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AuthenticationFailureException;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.LongString;
import com.rabbitmq.client.ShutdownSignalException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Login, tuning, heartbeats, closing (rabbitmq.md 1). */
final class Connecting {
	private Connecting() {}

	/** 1.4, 1.5, 1.11 */
	static void tuned(Context ctx) throws Exception {
		Connection connection = ctx.connection();
		Check.equal(connection.getChannelMax(), 2047, "channel_max");
		Check.equal(connection.getFrameMax(), 131072, "frame_max");
		Check.equal(connection.getHeartbeat(), 60, "heartbeat");
		Map<String, Object> properties = connection.getServerProperties();
		for (String key : List.of("product", "version", "platform", "information", "copyright", "cluster_name")) {
			Check.that(properties.get(key) instanceof LongString, "server property " + key + ": " + properties.get(key));
		}
		Map<?, ?> capabilities = (Map<?, ?>) properties.get("capabilities");
		for (String key : List.of("publisher_confirms", "exchange_exchange_bindings", "basic.nack", "consumer_cancel_notify",
				"connection.blocked", "authentication_failure_close", "per_consumer_qos")) {
			Check.equal(capabilities.get(key), true, "capability " + key);
		}
	}

	/** 1.8 */
	static void wrongPassword(Context ctx) throws Exception {
		ConnectionFactory factory = ctx.factory();
		factory.setPassword("wrong");
		AuthenticationFailureException error =
			Check.raises(AuthenticationFailureException.class, () -> ctx.connection(factory));
		Check.equal(error.getMessage(), "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. "
			+ "For details see the broker logfile.", "message");
	}

	/** 1.15 */
	static void noSuchVhost(Context ctx) throws Exception {
		ConnectionFactory factory = ctx.factory();
		factory.setVirtualHost("nosuch");
		ShutdownSignalException signal = Check.raises(ShutdownSignalException.class, () -> ctx.connection(factory));
		AMQP.Connection.Close close = (AMQP.Connection.Close) signal.getReason();
		Check.equal(close.getReplyCode() + " " + close.getReplyText(), "530 NOT_ALLOWED - vhost nosuch not found", "reply");
		Check.equal(close.getClassId() + "." + close.getMethodId(), "10.40", "offender");
	}

	/** 1.21: the client keeps to the number that was agreed */
	static void channelsUpToTheLimit(Context ctx) throws Exception {
		ConnectionFactory factory = ctx.factory();
		factory.setRequestedChannelMax(5);
		Connection connection = ctx.connection(factory);
		List<Channel> channels = new ArrayList<>();
		for (Channel c = connection.createChannel(); c != null; c = connection.createChannel()) {
			channels.add(c);
		}
		Check.equal(channels.size(), 5, "channels");
		String queue = ctx.queue(channels.get(0));
		for (Channel channel : channels) {
			Context.send(channel, queue, "m" + channel.getChannelNumber());
			channel.queueDeclarePassive(queue);
		}
		Context.expectReady(channels.get(0), queue, 5, "messages of all channels");
		channels.get(2).close();
		Check.equal(connection.createChannel().getChannelNumber(), 3, "number of the next one");
	}

	/** 1.13: nothing is said for three intervals but heartbeats */
	static void heartbeats(Context ctx) throws Exception {
		ConnectionFactory factory = ctx.factory();
		factory.setRequestedHeartbeat(1);
		Connection connection = ctx.connection(factory);
		Check.equal(connection.getHeartbeat(), 1, "heartbeat");
		Channel channel = connection.createChannel();
		String queue = ctx.queue(channel);
		Taken taken = Taken.from(channel, queue, true);
		Thread.sleep(3500);
		Check.that(connection.isOpen(), "open after silence: " + connection.getCloseReason());
		Context.send(channel, queue, "m");
		taken.until(1);
	}

	/** 1.19: what was exclusive is gone, what was taken is back */
	static void closed(Context ctx) throws Exception {
		Connection connection = ctx.connection();
		Channel channel = connection.createChannel();
		String mine = ctx.queue(channel);
		connection.close(200, "Goodbye");
		Check.that(connection.getCloseReason().isInitiatedByApplication(), "our own doing");
		Channel other = ctx.channel();
		other.queueDeclare(mine, false, true, true, Map.of("x-expires", 60000));
	}
}
