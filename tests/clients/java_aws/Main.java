/* SPDX-License-Identifier: Apache-2.0 */

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
import software.amazon.awssdk.core.util.VersionInfo;

/**
 * AWS's SDK for Java v2, unchanged, against a broker. Called by ../external.py with
 * PORT BROKER [NAME-PART...]; says one line a scenario. A scenario is a static method
 * of one Context in a class of TOPICS.
 */
public final class Main {
	private static final List<Class<?>> TOPICS = List.of(Messages.class, Queues.class, Refusals.class, Topics.class);
	private static final int SECONDS_MAX = 60;
	private static final int AT_ONCE = 4;

	private final int port;
	private final AtomicInteger failed = new AtomicInteger();

	private Main(int port) {
		this.port = port;
	}

	/** errorClasses of Refusals: aws_java_refusals.error_classes */
	private static String nameOf(Method method) {
		String snake = method.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
		return "aws_java_" + method.getDeclaringClass().getSimpleName().toLowerCase(Locale.ROOT) + "." + snake;
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
		try (Context context = new Context(port)) {
			method.invoke(null, context);
			Broker.say("ok " + name);
		} catch (InvocationTargetException wrapped) {
			Throwable error = wrapped.getCause();
			failed.incrementAndGet();
			String kind = error instanceof AssertionError ? "" : error.getClass().getSimpleName() + " ";
			Broker.say("FAIL " + name + ": " + (kind + error.getMessage()).replaceAll("\\s+", " "));
			error.printStackTrace();
		} catch (IllegalAccessException error) {
			throw new AssertionError(error);
		}
	}

	private void runAll(List<Method> methods) throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(AT_ONCE);
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
		Main main = new Main(Integer.parseInt(arguments[0]));
		String[] parts = Arrays.copyOfRange(arguments, 2, arguments.length);
		Broker.say("client aws-sdk-java " + VersionInfo.SDK_VERSION);
		List<Method> methods = new ArrayList<>();
		for (Class<?> topic : TOPICS) {
			methods.addAll(scenariosOf(topic, parts));
		}
		main.runAll(methods);
		System.exit(main.failed.get() == 0 ? 0 : 1);
	}
}
