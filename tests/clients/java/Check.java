/* SPDX-License-Identifier: Apache-2.0 */

import java.util.Objects;
import java.util.concurrent.Callable;

/** Expectations with texts, waits with a deadline. */
final class Check {
	static final int DEADLINE_MS = 15_000;
	private static final int TEXT_MAX = 400;

	/** Why a scenario does not apply here. */
	static final class Skip extends RuntimeException {
		private static final long serialVersionUID = 1;

		Skip(String why) {
			super(why);
		}
	}

	/** Something that is expected to end with an exception. */
	interface Action {
		void run() throws Exception;
	}

	private Check() {}

	private static String brief(Object value) {
		String text = String.valueOf(value);
		return text.length() <= TEXT_MAX ? text : text.substring(0, TEXT_MAX) + "… (" + text.length() + ")";
	}

	static void equal(Object got, Object wanted, String what) {
		if (!Objects.equals(got, wanted)) {
			throw new AssertionError(what + ": got " + brief(got) + ", expected " + brief(wanted));
		}
	}

	static void that(boolean truth, String what) {
		if (!truth) {
			throw new AssertionError(what);
		}
	}

	/** Polls until it holds. */
	static void until(Callable<Boolean> test, String what) throws Exception {
		long deadline = System.nanoTime() + DEADLINE_MS * 1_000_000L;
		while (!test.call()) {
			that(System.nanoTime() < deadline, what + ": not within " + DEADLINE_MS / 1000 + " s");
			Thread.sleep(5);
		}
	}

	/** The exception of that kind which it must end with; wrapped ones are unwrapped. */
	static <E extends Throwable> E raises(Class<E> kind, Action action) {
		try {
			action.run();
		} catch (Exception error) {
			for (Throwable e = error; e != null; e = e.getCause()) {
				if (kind.isInstance(e)) {
					return kind.cast(e);
				}
			}
			throw new AssertionError("raised " + error + ", expected " + kind.getSimpleName(), error);
		}
		throw new AssertionError("no " + kind.getSimpleName() + " was raised");
	}
}
