/* SPDX-License-Identifier: Apache-2.0 */

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.GetResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;

/** One run of one scenario: its names, its connections, closed at its end. */
final class Context implements AutoCloseable {
	private static final int CLOSE_MS = 2_000;

	final int port;
	final boolean real;
	private final List<Connection> connections = new CopyOnWriteArrayList<>();

	Context(int port, boolean real) {
		this.port = port;
		this.real = real;
	}

	String name(String base) {
		return base + "-" + UUID.randomUUID().toString().substring(0, 8);
	}

	/** Without recovery: scenarios that want it say so. */
	ConnectionFactory factory() {
		ConnectionFactory factory = new ConnectionFactory();
		factory.setHost("127.0.0.1");
		factory.setPort(port);
		factory.setAutomaticRecoveryEnabled(false);
		factory.setHandshakeTimeout(Check.DEADLINE_MS);
		factory.setChannelRpcTimeout(Check.DEADLINE_MS);
		return factory;
	}

	Connection connection(ConnectionFactory factory) throws Exception {
		Connection connection = factory.newConnection("scenario");
		connections.add(connection);
		return connection;
	}

	Connection connection() throws Exception {
		return connection(factory());
	}

	/** Of a connection of its own. */
	Channel channel() throws Exception {
		return connection().createChannel();
	}

	/** A new queue that this connection alone sees. */
	String queue(Channel channel) throws Exception {
		return channel.queueDeclare(name("q"), false, true, false, null).getQueue();
	}

	@Override
	public void close() {
		connections.forEach(connection -> connection.abort(CLOSE_MS));
	}

	static byte[] bytes(String text) {
		return text.getBytes(StandardCharsets.UTF_8);
	}

	static String text(byte[] body) {
		return new String(body, StandardCharsets.UTF_8);
	}

	static void send(Channel channel, String queue, String... bodies) throws Exception {
		for (String body : bodies) {
			channel.basicPublish("", queue, null, bytes(body));
		}
	}

	/** Ready messages; RabbitMQ's count may overtake a publish that no confirm was waited for. */
	static void expectReady(Channel channel, String queue, int wanted, String what) throws Exception {
		int[] got = new int[1];
		try {
			Check.until(() -> (got[0] = channel.queueDeclarePassive(queue).getMessageCount()) == wanted, what);
		} catch (AssertionError late) {
			Check.equal(got[0], wanted, what);
		}
	}

	/** basic.get until there is one. */
	static GetResponse get(Channel channel, String queue, boolean acknowledged) throws Exception {
		GetResponse[] got = new GetResponse[1];
		Check.until(() -> (got[0] = channel.basicGet(queue, acknowledged)) != null, "basic.get");
		return got[0];
	}
}
