/* SPDX-License-Identifier: Apache-2.0 */

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/** The lines between this runner and the one who holds its broker (../external.py). */
final class Broker {
	private static final BufferedReader ANSWERS =
		new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

	private Broker() {}

	static synchronized void say(String line) {
		System.out.println(line);
		System.out.flush();
	}

	private static void ask(String wish, String answer) throws IOException {
		say(wish);
		Check.equal(ANSWERS.readLine(), answer, "answer to " + wish);
	}

	static void restart() throws IOException {
		ask("restart", "restarted");
	}

	static void stop() throws IOException {
		ask("stop", "stopped");
	}

	static void start() throws IOException {
		ask("start", "started");
	}
}
