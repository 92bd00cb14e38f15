/* SPDX-License-Identifier: Apache-2.0 */
/* mqbridge status: the running daemon in words and a table; mqbridge health: its exit code. */
#include "cli/cli.h"
#include "cli/client_priv.h"

static const char *text(const json_t *o, const char *key, const char *otherwise)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s ? s : otherwise;
}

static long long number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

static void print_uptime(long long ms)
{
	long long s = ms / 1000;
	if (s >= 86400)
		printf("%lld d %lld h", s / 86400, s % 86400 / 3600);
	else if (s >= 3600)
		printf("%lld h %lld min", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		printf("%lld min %lld s", s / 60, s % 60);
	else
		printf("%lld s", s);
}

static const char *listener_words(const char *key)
{
	static const char *const words[][2] = {
		{"amqp", "AMQP 0-9-1"}, {"aws", "SQS and SNS"}, {"admin", "administration"}};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i][0], key) == 0)
			return words[i][1];
	return key;
}

static bool shut(const json_t *gates, const char *name)
{
	return json_is_true(json_object_get(json_object_get(gates, name), "shut"));
}

/* Who does not get on, and why. */
static void print_gates(const json_t *s)
{
	const json_t *gates = json_object_get(s, "gates");
	const bool memory = shut(gates, "memory"), disk = shut(gates, "disk");
	if (memory || disk)
		printf("Publishers  are not read: low on %s\n", memory && disk ? "memory & disk" : memory ? "memory" : "disk");
	if (shut(gates, "store"))
		printf("Publishers  are not read: the store is behind\n");
	if (shut(gates, "spill"))
		printf("Memory      past its mark: queues keep a page each in it\n");
}

static void print_head(const struct client *c, const json_t *s)
{
	printf("mqbridge %s at %s: %s", text(s, "version", "?"), client_url(c),
	       json_is_true(json_object_get(s, "ready")) ? "ready" : "not ready");
	if (text(s, "reason", NULL))
		printf(" (%s)", text(s, "reason", ""));
	printf(", up for ");
	print_uptime(number(s, "uptime_ms"));
	const json_t *store = json_object_get(s, "store");
	printf("\n\nStore       %s, %s", text(store, "name", "?"), text(store, "state", "?"));
	if (text(store, "reason", NULL))
		printf(" (%s)", text(store, "reason", ""));
	printf(", %lld bytes on their way to it\n", number(store, "pending_bytes"));

	print_gates(s);
	const char *key, *lead = "Listeners   ";
	json_t *port;
	json_object_foreach(json_object_get(s, "listeners"), key, port)
		if (json_is_integer(port)) {
			printf("%s%s on port %lld\n", lead, listener_words(key), (long long)json_integer_value(port));
			lead = "            ";
		}
}

struct counter_words {
	const char *key, *words;
};

static const struct counter_words counters[] = {
	{"connections", "connections open"},
	{"published", "messages published"},
	{"unroutable", "of these, matched no queue"},
	{"returned", "of these, returned to the publisher"},
	{"delivered", "handed to consumers"},
	{"settled", "acknowledged or deleted"},
	{"elided", "consumed before they had to be written"},
	{"entries", "in queues now"},
	{"leases", "of these, in flight"},
};

static void print_counters(const json_t *s)
{
	const json_t *c = json_object_get(s, "counters");
	printf("\n");
	for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
		printf("%12lld  %s\n", number(c, counters[i].key), counters[i].words);
}

static void print_queues(const json_t *queues)
{
	size_t i;
	json_t *q;
	if (!json_array_size(queues)) {
		printf("\nNo queues.\n");
		return;
	}
	printf("\n%-28s %-28s %10s %10s %10s %10s %12s\n", "QUEUE", "SQS NAME", "READY", "IN FLIGHT", "DELAYED",
	       "CONSUMERS", "BYTES");
	json_array_foreach(queues, i, q)
		printf("%-28s %-28s %10lld %10lld %10lld %10lld %12lld\n", text(q, "name", "?"),
		       text(q, "wire_name", "?"), number(q, "messages_ready"), number(q, "messages_unacknowledged"),
		       number(q, "messages_delayed"), number(q, "consumers"), number(q, "message_bytes"));
}

enum exit_code status_main(int argc, char **argv)
{
	struct client c = {0};
	bool raw = false;
	const struct arg_flag flags[] = {CLIENT_FLAGS(c), {"--json", NULL, &raw, NULL, NULL}};
	if (args_take(argc, argv, flags, sizeof flags / sizeof *flags, NULL, 0) < 0)
		return EXIT_USAGE;
	struct client_answer status = client_call(&c, "GET", "/api/status", NULL);
	enum exit_code code = status.code;
	if (code == EXIT_OK && raw) {
		json_dumpf(status.json, stdout, JSON_INDENT(2));
		printf("\n");
	} else if (code == EXIT_OK) {
		struct client_answer queues = client_call(&c, "GET", "/api/queues", NULL);
		code = queues.code;
		print_head(&c, status.json);
		print_counters(status.json);
		if (code == EXIT_OK)
			print_queues(queues.json);
		json_decref(queues.json);
	}
	json_decref(status.json);
	return code;
}

enum exit_code health_main(int argc, char **argv)
{
	struct client c = {0};
	const struct arg_flag flags[] = {CLIENT_FLAGS(c)};
	if (args_take(argc, argv, flags, sizeof flags / sizeof *flags, NULL, 0) < 0)
		return EXIT_USAGE;
	struct client_answer a = client_call(&c, "GET", "/health/ready", NULL);
	if (a.code == EXIT_OK)
		printf("ready\n");
	json_decref(a.json);
	return a.code;
}
