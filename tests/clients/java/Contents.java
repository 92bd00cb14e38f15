/* SPDX-License-Identifier: Apache-2.0 */

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.LongString;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** What a message carries comes out as it went in (rabbitmq.md 1.23, 4.7). */
final class Contents {
	private static final int MIB = 1024 * 1024;
	private static final Date WHEN = new Date(1_700_000_001_000L);

	private Contents() {}

	private static GetResponse through(Channel channel, AMQP.BasicProperties properties, byte[] body) throws Exception {
		String queue = channel.queueDeclare().getQueue();
		channel.basicPublish("", queue, properties, body);
		return Context.get(channel, queue, true);
	}

	/** Arrays and the client's own strings as something that compares. */
	private static Object plain(Object value) {
		if (value instanceof LongString) {
			return value.toString();
		} else if (value instanceof byte[]) {
			return "bytes " + Arrays.toString((byte[]) value);
		} else if (value instanceof List) {
			return ((List<?>) value).stream().map(Contents::plain).collect(Collectors.toList());
		} else if (value instanceof Map) {
			Map<Object, Object> out = new TreeMap<>();
			((Map<?, ?>) value).forEach((key, inner) -> out.put(key, plain(inner)));
			return out;
		}
		return value;
	}

	private static Map<String, Object> everyKind() {
		Map<String, Object> out = new LinkedHashMap<>();
		out.put("string", "żółw 🐢");
		out.put("long", Long.MIN_VALUE);
		out.put("int", Integer.MAX_VALUE);
		out.put("short", Short.MIN_VALUE);
		out.put("byte", (byte) -128);
		out.put("true", true);
		out.put("false", false);
		out.put("null", null);
		out.put("bytes", new byte[] {0, -1, 10, (byte) 0xc3});
		out.put("no bytes", new byte[0]);
		out.put("date", WHEN);
		out.put("decimal", new BigDecimal("-12.345"));
		out.put("float", 1.5f);
		out.put("double", -0.1);
		out.put("empty", "");
		out.put("", "empty key");
		return out;
	}

	static void headersOfEveryKind(Context ctx) throws Exception {
		Map<String, Object> headers = everyKind();
		headers.put("table", new LinkedHashMap<>(Map.of("inner", new LinkedHashMap<>(everyKind()), "none", Map.of())));
		headers.put("list", Arrays.asList("a", 1, 2L, null, WHEN, new byte[] {1}, List.of(true, List.of()), everyKind()));
		AMQP.BasicProperties properties = new AMQP.BasicProperties.Builder().headers(headers).build();
		Channel channel = ctx.channel();
		GetResponse response = through(channel, properties, Context.bytes("m"));
		Check.equal(plain(response.getProps().getHeaders()), plain(headers), "headers");
		Taken taken = Taken.from(channel, ctx.queue(channel), true);
		channel.queueBind("", "amq.fanout", "");
		channel.basicPublish("amq.fanout", "", response.getProps(), null);
		Delivery again = taken.until(1).deliveries.get(0);
		Check.equal(plain(again.getProperties().getHeaders()), plain(headers), "headers sent on as they came");
	}

	static void everyProperty(Context ctx) throws Exception {
		AMQP.BasicProperties all = new AMQP.BasicProperties("text/plain", "utf-8", Map.of(), 2, 9, "correlation", "reply",
			"60000", "message", WHEN, "type", "guest", "application", "cluster");
		Channel channel = ctx.channel();
		Check.equal(through(channel, all, new byte[] {1}).getProps(), all, "all of them");
		AMQP.BasicProperties none = new AMQP.BasicProperties();
		GetResponse bare = through(channel, none, new byte[0]);
		Check.equal(bare.getProps(), none, "none of them");
		Check.equal(bare.getBody().length, 0, "empty body");
	}

	/** 5 MiB and a little, over frames of the usual size and small ones */
	static void large(Context ctx) throws Exception {
		byte[] body = new byte[5 * MIB + 13];
		new Random(5).nextBytes(body);
		for (int frame : new int[] {0, 4096}) {
			ConnectionFactory factory = ctx.factory();
			factory.setRequestedFrameMax(frame);
			Channel channel = ctx.connection(factory).createChannel();
			Check.equal(channel.getConnection().getFrameMax(), frame == 0 ? 131072 : frame, "frame_max");
			channel.confirmSelect();
			Check.that(Arrays.equals(through(channel, null, body).getBody(), body), "by basic.get, frames of " + frame);
			String queue = ctx.queue(channel);
			Taken taken = Taken.from(channel, queue, false);
			channel.basicPublish("", queue, null, body);
			channel.waitForConfirmsOrDie(Check.DEADLINE_MS);
			Check.that(Arrays.equals(taken.until(1).deliveries.get(0).getBody(), body), "by a consumer");
			channel.basicNack(taken.tag(0), false, true);
			Check.that(Arrays.equals(taken.until(2).deliveries.get(1).getBody(), body), "again");
			channel.basicAck(taken.tag(1), false);
		}
	}

	/** 1.23: bodies around what one frame holds */
	static void sizesAroundAFrame(Context ctx) throws Exception {
		ConnectionFactory factory = ctx.factory();
		factory.setRequestedFrameMax(4096);
		Channel channel = ctx.connection(factory).createChannel();
		for (int size : new int[] {0, 1, 4087, 4088, 4089, 8176, 8177}) {
			byte[] body = new byte[size];
			Arrays.fill(body, (byte) size);
			Check.that(Arrays.equals(through(channel, null, body).getBody(), body), "body of " + size);
		}
	}

	/** Names that are not ASCII, and as long as they may be */
	static void names(Context ctx) throws Exception {
		Channel channel = ctx.channel();
		for (String queue : List.of(ctx.name("żółw 🐢/ä?&"), (ctx.name("long") + "x".repeat(255)).substring(0, 255))) {
			channel.queueDeclare(queue, false, true, true, null);
			channel.queueBind(queue, "amq.topic", queue);
			channel.basicPublish("amq.topic", queue, null, Context.bytes(queue));
			GetResponse response = Context.get(channel, queue, true);
			Check.equal(response.getEnvelope().getRoutingKey(), queue, "key");
			Check.equal(Context.text(response.getBody()), queue, "body");
		}
	}
}
