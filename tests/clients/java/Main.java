/* SPDX-License-Identifier: Apache-2.0 */

import com.rabbitmq.client.impl.ClientVersion;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * RabbitMQ's Java client, unchanged, against a broker. Called by ../external.py with
 * PORT BROKER [NAME-PART...]; says one line a scenario.
 *
 * A scenario is a static method of one Context in a class of TOPICS; those of the last
 * topic restart the broker and run one after another when the others are done.
 */
public final class Main {
	private static final List<Class<?>> TOPICS =
		List.of(Publishing.class, Consuming.class, Settling.class, Contents.class, Refusals.class, Connecting.class);
	private static final Class<?> RESTARTING = Recovering.class;
	private static final int SECONDS_MAX = 60;
	private static final int AT_ONCE = 4;

	private final int port;
	private final boolean real;
	private final AtomicInteger failed = new AtomicInteger();

	private Main(int port, boolean real) {
		this.port = port;
		this.real = real;
	}

	/** consumersResume of Recovering: java_recovering.consumers_resume */
	private static String nameOf(Method method) {
		String snake = method.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
		return "java_" + method.getDeclaringClass().getSimpleName().toLowerCase(Locale.ROOT) + "." + snake;
	}

	private static List<Method> scenariosOf(Class<?> topic, String[] parts) {
		List<Method> out = new ArrayList<>();
		for (Method method : topic.getDeclaredMethods()) {
			boolean scenario = Modifier.isStatic(method.getModifiers()) && !Modifier.isPrivate(method.getModifiers())
				&& Arrays.equals(method.getParameterTypes(), new Class<?>[] {Context.class}) && !method.isSynthetic();
			if (scenario && (parts.length == 0 || Arrays.stream(parts).anyMatch(nameOf(method)::contains))) {
				out.add(method);
			}
		}
		out.sort(Comparator.comparing(Method::getName));
		return out;
	}

	private void run(Method method) {
		String name = nameOf(method);
		try (Context context = new Context(port, real)) {
			method.invoke(null, context);
			Broker.say("ok " + name);
		} catch (InvocationTargetException wrapped) {
			Throwable error = wrapped.getCause();
			if (error instanceof Check.Skip) {
				Broker.say("skip " + name + ": " + error.getMessage());
				return;
			}
			failed.incrementAndGet();
			String kind = error instanceof AssertionError ? "" : error.getClass().getSimpleName() + " ";
			Broker.say("FAIL " + name + ": " + (kind + error.getMessage()).replaceAll("\\s+", " "));
			error.printStackTrace();
		} catch (IllegalAccessException error) {
			throw new AssertionError(error);
		}
	}

	private void runAll(List<Method> methods, int atOnce) throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(atOnce);
		List<Future<?>> running = new ArrayList<>();
		for (Method method : methods) {
			running.add(pool.submit(() -> run(method)));
		}
		for (int i = 0; i < methods.size(); i++) {
			try {
				running.get(i).get(SECONDS_MAX, TimeUnit.SECONDS);
			} catch (TimeoutException hangs) {
				Broker.say("FAIL " + nameOf(methods.get(i)) + ": hangs for more than " + SECONDS_MAX + " s");
				Runtime.getRuntime().halt(1);
			}
		}
		pool.shutdown();
	}

	public static void main(String[] arguments) throws Exception {
		Main main = new Main(Integer.parseInt(arguments[0]), arguments[1].equals("rabbitmq"));
		String[] parts = Arrays.copyOfRange(arguments, 2, arguments.length);
		Broker.say("client amqp-client " + ClientVersion.VERSION);
		List<Method> methods = new ArrayList<>();
		for (Class<?> topic : TOPICS) {
			methods.addAll(scenariosOf(topic, parts));
		}
		main.runAll(methods, AT_ONCE);
		main.runAll(scenariosOf(RESTARTING, parts), 1);
		System.exit(main.failed.get() == 0 ? 0 : 1);
	}
}
