/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: values and ranges, files with their line numbers, precedence of the
 * sources, RabbitMQ's keys, listeners that follow others, reload's comparison. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/options.h"

struct fixture {
	struct options o;
	struct error e;
	char warnings[4096];
	int n_warnings;
	char path[64];
};

static void warned(void *ctx, const char *text)
{
	struct fixture *f = ctx;
	size_t n = strlen(f->warnings);
	snprintf(f->warnings + n, sizeof f->warnings - n, "%s\n", text);
	f->n_warnings++;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	options_init(&f->o);
	f->o.warn = warned;
	f->o.warn_ctx = f;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	if (*f->path)
		unlink(f->path);
	options_fini(&f->o);
	free(f);
	return 0;
}

static const char *file_with(struct fixture *f, const char *text)
{
	if (*f->path)
		unlink(f->path);
	snprintf(f->path, sizeof f->path, "/tmp/mqbridge_conf_XXXXXX");
	int fd = mkstemp(f->path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return f->path;
}

static bool load(struct fixture *f, const char *file, char *const *environment, const char *set)
{
	struct options_sources s = {&file, file != NULL, &set, set != NULL, environment};
	memset(&f->e, 0, sizeof f->e);
	return options_load(&f->o, &s, &f->e);
}

static void defaults(void **state)
{
	struct fixture *f = *state;
	assert_string_equal(f->o.data, "data");
	assert_int_equal(f->o.amqp_port, 5672);
	assert_int_equal(f->o.amqp_message_bytes_max, 128 << 20);
	assert_int_equal(f->o.amqp_handshake_ms, 10000);
	assert_int_equal(f->o.store, 0);
	assert_int_equal(f->o.store_synchronous, 2);
	assert_int_equal(f->o.log_level, 1);
	assert_false(f->o.insecure);
	assert_false(f->o.given[OPT_amqp_port]);
}

static void value_rows(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *key, *value;
		bool good;
	} rows[] = {
		{"amqp.port", "0", true},
		{"amqp.port", "", true},
		{"amqp.port", "off", true},
		{"amqp.port", "65535", true},
		{"amqp.port", "65536", false},
		{"amqp.port", "-1", false},
		{"amqp.port", "5672x", false},
		{"amqp.port", " 5672", false},
		{"amqp.port", "+1", false},
		{"insecure", "YES", true},
		{"insecure", "1", false},
		{"store", "memory", true},
		{"store", "mem", false},
		{"store", "sqlite memory", false},
		{"store", "", false},
		{"engine.window_bytes", "64M", true},
		{"engine.window_bytes", "64 MiB", true},
		{"engine.window_bytes", "64X", false},
		{"engine.window_bytes", "99999999999999999999", false},
		{"engine.window_bytes", "9007199254740993G", false},
		{"stop.grace", "1500ms", true},
		{"stop.grace", "2m", true},
		{"stop.grace", "2d", false},
		{"data", "", false},
		{"amqp.frame_max", "4095", false},
		{"host", "::", true},
		{"host", "localhost", false},
		{"host", "", false},
		{"aws.host", "", true},
		{"aws.host", "10.0.0.256", false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bool good = options_set(&f->o, rows[i].key, rows[i].value, (struct option_origin){"here", 7}, &f->e);
		if (good != rows[i].good)
			fail_msg("%s = '%s': %s", rows[i].key, rows[i].value, good ? "taken" : f->e.text);
		if (!good)
			assert_memory_equal(f->e.text, "here:7: ", 8);
	}
	assert_int_equal(f->o.stop_grace_ms, 120000);
}

static void port_off_and_free(void **state)
{
	struct fixture *f = *state;
	assert_true(load(f, NULL, NULL, "amqp.port="));
	assert_int_equal(f->o.amqp_port, PORT_OFF);
	assert_true(load(f, NULL, NULL, "amqp.port=0"));
	assert_int_equal(f->o.amqp_port, PORT_ANY);
	assert_true(f->o.given[OPT_amqp_port]);
}

static void file_forms(void **state)
{
	struct fixture *f = *state;
	const char *path = file_with(f, "# a comment\n\n"
					"  amqp.port=1234   # behind it\n"
					"default_pass = 'a # b'  # quoted\n"
					"host = ::1\r\n"
					"log.level = debug");
	assert_true(load(f, path, NULL, NULL));
	assert_int_equal(f->o.amqp_port, 1234);
	assert_string_equal(f->o.default_pass, "a # b");
	assert_string_equal(f->o.host, "::1");
	assert_int_equal(f->o.log_level, 0);
}

static void bad_lines(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *text;
		int line;
		const char *why;
	} rows[] = {
		{"amqp.port = 1\nnonsense\n", 2, "not of the form"},
		{"\n\n= 5\n", 3, "not of the form"},
		{"default_pass = 'open\n", 1, "not of the form"},
		{"default_pass = 'a' b\n", 1, "not of the form"},
		{"no.such.key = 1\n", 1, "unknown key 'no.such.key'"},
		{"#\namqp.port = banana\n", 2, "amqp.port"},
		{"heartbeat = banana\n", 1, "heartbeat: amqp.heartbeat"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *path = file_with(f, rows[i].text);
		char place[96];
		assert_false(load(f, path, NULL, NULL));
		snprintf(place, sizeof place, "%s:%d: ", path, rows[i].line);
		assert_memory_equal(f->e.text, place, strlen(place));
		if (!strstr(f->e.text, rows[i].why))
			fail_msg("'%s' does not say '%s'", f->e.text, rows[i].why);
	}
	assert_false(load(f, "/nonexistent/mqbridge.conf", NULL, NULL));
}

static void long_line(void **state)
{
	struct fixture *f = *state;
	char *text = malloc(20001);
	assert_non_null(text);
	memset(text, 'x', 20000);
	text[20000] = 0;
	const char *path = file_with(f, text);
	free(text);
	assert_false(load(f, path, NULL, NULL));
	assert_non_null(strstr(f->e.text, ":1: line longer"));
}

static void later_wins(void **state)
{
	struct fixture *f = *state;
	const char *path = file_with(f, "amqp.port = 1\namqp.port = 2\ndefault_user = file\naws.port = 5\n");
	char *const environment[] = {"MQBRIDGE_AMQP_PORT=3", "RABBITMQ_DEFAULT_USER=rabbit", "PATH=/bin",
				     "RABBITMQ_NODE_PORT=9", NULL};
	assert_true(load(f, path, NULL, NULL));
	assert_int_equal(f->o.amqp_port, 2);
	assert_true(load(f, path, environment, NULL));
	assert_int_equal(f->o.amqp_port, 3);
	assert_string_equal(f->o.default_user, "rabbit");
	assert_int_equal(f->o.aws_port, 5);
	char *const both[] = {"MQBRIDGE_DEFAULT_USER=own", "RABBITMQ_DEFAULT_USER=rabbit", NULL};
	assert_true(load(f, path, both, "amqp.port=4"));
	assert_int_equal(f->o.amqp_port, 4);
	assert_string_equal(f->o.default_user, "own");
	assert_int_equal(f->n_warnings, 0);
}

static void environment_edges(void **state)
{
	struct fixture *f = *state;
	char *const bad[] = {"MQBRIDGE_AMQP_FRAME_MAX=banana", NULL};
	assert_false(load(f, NULL, bad, NULL));
	assert_memory_equal(f->e.text, "MQBRIDGE_AMQP_FRAME_MAX: ", 25);
	/* Kubernetes' service links and variables of the commands. */
	char *const others[] = {"MQBRIDGE_AMQP_PORT=tcp://10.0.0.1:5672", "MQBRIDGE_SERVICE_HOST=10.0.0.1",
				"MQBRIDGE_URL=http://x", "MQBRIDGE_PASSWORD=x", "MQBRIDGE_=1", NULL};
	assert_true(load(f, NULL, others, NULL));
	assert_int_equal(f->o.amqp_port, 5672);
	assert_int_equal(f->n_warnings, 2);
	assert_null(strstr(f->warnings, "MQBRIDGE_URL"));
}

static void set_edges(void **state)
{
	struct fixture *f = *state;
	assert_false(load(f, NULL, NULL, "amqp.port"));
	assert_false(load(f, NULL, NULL, "=1"));
	assert_false(load(f, NULL, NULL, "no.such=1"));
	assert_string_equal(f->e.text, "--set: unknown key 'no.such'");
	assert_true(load(f, NULL, NULL, "default_pass=a=b#c"));
	assert_string_equal(f->o.default_pass, "a=b#c");
}

static void rabbitmq_keys(void **state)
{
	struct fixture *f = *state;
	const char *path = file_with(f, "listeners.tcp.default = 5673\n"
					"default_user = app\ndefault_pass = secret\ndefault_vhost = shop\n"
					"heartbeat = 30\nframe_max = 0\nchannel_max = 0\nmax_message_size = 134217728\n"
					"handshake_timeout = 5000\nmanagement.tcp.port = 15673\nmanagement.tcp.ip = ::1\n"
					"log.console.level = warning\nprometheus.tcp.port = 15693\n"
					"stomp.listeners.tcp.default = 61614\nloopback_users = none\n");
	assert_true(load(f, path, NULL, NULL));
	assert_int_equal(f->n_warnings, 0);
	assert_int_equal(f->o.amqp_port, 5673);
	assert_string_equal(f->o.default_user, "app");
	assert_string_equal(f->o.default_vhost, "shop");
	assert_int_equal(f->o.amqp_heartbeat, 30);
	assert_int_equal(f->o.amqp_frame_max, 1 << 27);
	assert_int_equal(f->o.amqp_channel_max, 65535);
	assert_int_equal(f->o.amqp_message_bytes_max, 134217728);
	assert_int_equal(f->o.amqp_handshake_ms, 5000);
	assert_int_equal(f->o.admin_port, 15673);
	assert_string_equal(f->o.admin_host, "::1");
	assert_int_equal(f->o.log_level, 2);
	assert_int_equal(f->o.metrics_port, 15693);
	assert_int_equal(f->o.stomp_port, 61614);
	assert_false(options_loopback_user(&f->o, "guest"));
}

static void rabbitmq_listeners(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *value, *host;
		int port;
	} rows[] = {
		{"5674", "", 5674},
		{"192.0.2.1:5675", "192.0.2.1", 5675},
		{"[::1]:5676", "::1", 5676},
		{":::5677", "::", 5677},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char set[64];
		snprintf(set, sizeof set, "listeners.tcp.1=%s", rows[i].value);
		assert_true(load(f, NULL, NULL, set));
		assert_int_equal(f->o.amqp_port, rows[i].port);
		assert_string_equal(f->o.amqp_host, rows[i].host);
	}
	assert_true(load(f, NULL, NULL, "listeners.tcp=none"));
	assert_int_equal(f->o.amqp_port, PORT_OFF);
	assert_false(load(f, NULL, NULL, "listeners.tcp=5672"));
	assert_false(load(f, NULL, NULL, "listeners.tcp.1=:5672"));
	assert_false(load(f, NULL, NULL, "listeners.tcp.1=::1:banana"));
	assert_false(load(f, NULL, NULL, "listeners.tcp.1=example.com:5672"));
}

static void rabbitmq_marks(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *set;
		bool good;
		int64_t memory_bytes, memory_percent, disk_bytes, disk_percent;
	} rows[] = {
		{"vm_memory_high_watermark.relative=0.25", true, 0, 25, 50 << 20, 0},
		{"vm_memory_high_watermark.relative=0", true, 0, 0, 50 << 20, 0},
		{"vm_memory_high_watermark.absolute=2GB", true, 2000000000, 0, 50 << 20, 0},
		{"vm_memory_high_watermark.absolute=1024MiB", true, 1 << 30, 0, 50 << 20, 0},
		{"vm_memory_high_watermark.absolute=3k", true, 3072, 0, 50 << 20, 0},
		{"disk_free_limit.absolute=7000000", true, 0, 40, 7000000, 0},
		{"disk_free_limit.absolute=1G", true, 0, 40, 1 << 30, 0},
		{"disk_free_limit.relative=1.5", true, 0, 40, 0, 150},
		{"disk_free_limit.absolute=many", false, 0, 0, 0, 0},
		{"disk_free_limit.absolute=1GBs", false, 0, 0, 0, 0},
		{"vm_memory_high_watermark.relative=much", false, 0, 0, 0, 0},
		{"vm_memory_high_watermark.relative=2", false, 0, 0, 0, 0}, /* past all of it */
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		options_fini(&f->o);
		options_init(&f->o);
		assert_int_equal(load(f, NULL, NULL, rows[i].set), rows[i].good);
		if (!rows[i].good)
			continue;
		assert_int_equal(f->o.memory_high_bytes, rows[i].memory_bytes);
		assert_int_equal(f->o.memory_high_percent, rows[i].memory_percent);
		assert_int_equal(f->o.disk_free_bytes, rows[i].disk_bytes);
		assert_int_equal(f->o.disk_free_percent, rows[i].disk_percent);
	}
}

static void rabbitmq_others_warn_once_each(void **state)
{
	struct fixture *f = *state;
	const char *path = file_with(f, "queue_master_locator = min-masters\nssl_options.cacertfile = /x.pem\n"
					"vm_memory_high_watermark_paging_ratio = 0.4\nmqtt.allow_anonymous = false\n"
					"cluster_formation.peer_discovery_backend = dns\n");
	assert_true(load(f, path, NULL, NULL));
	assert_int_equal(f->n_warnings, 5);
	char first[96];
	snprintf(first, sizeof first, "%s:1: 'queue_master_locator'", path);
	assert_non_null(strstr(f->warnings, first));
	path = file_with(f, "disk_free_limits.absolute = 2GB\n");
	assert_false(load(f, path, NULL, NULL));
	path = file_with(f, "mqtt. = 2GB\n");
	assert_false(load(f, path, NULL, NULL));
}

static void loopback_users_by_name(void **state)
{
	struct fixture *f = *state;
	assert_true(options_loopback_user(&f->o, "guest"));
	assert_false(options_loopback_user(&f->o, "gues"));
	assert_true(load(f, NULL, NULL, "loopback_users.admin=true"));
	assert_string_equal(f->o.loopback_users, "guest,admin");
	assert_true(load(f, NULL, NULL, "loopback_users.guest=false"));
	assert_string_equal(f->o.loopback_users, "admin");
	assert_true(options_loopback_user(&f->o, "admin"));
	assert_false(load(f, NULL, NULL, "loopback_users.guest=maybe"));
}

static void followers(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(options_metrics_port(&f->o), 15692);
	assert_true(load(f, NULL, NULL, "admin.port=0"));
	assert_int_equal(options_metrics_port(&f->o), 0);
	assert_true(load(f, NULL, NULL, "admin.port="));
	assert_int_equal(options_metrics_port(&f->o), PORT_OFF);
	assert_true(load(f, NULL, NULL, "metrics.port=99"));
	assert_int_equal(options_metrics_port(&f->o), 99);
	assert_true(load(f, NULL, NULL, "stomp.port=0"));
	assert_int_equal(options_stomp_ws_port(&f->o), 0);
}

static void what_hangs_together(void **state)
{
	struct fixture *f = *state;
	assert_false(load(f, NULL, NULL, "connection.out_low=512K"));
	assert_true(load(f, NULL, NULL, "connection.out_low=1K"));
	assert_false(load(f, NULL, NULL, "connection.out_high=512M"));
	assert_true(load(f, NULL, NULL, "connection.out_high=4K"));
	assert_false(load(f, NULL, NULL, "default_key=AKIA"));
	assert_true(load(f, NULL, NULL, "default_secret=x"));
}

static void differences(void **state)
{
	struct fixture *f = *state;
	struct options other;
	bool differs[OPTIONS];
	options_init(&other);
	assert_int_equal(options_compare(&f->o, &other, differs), 0);
	assert_true(load(f, NULL, NULL, "log.level=debug"));
	assert_true(load(f, NULL, NULL, "default_user=x"));
	assert_true(load(f, NULL, NULL, "insecure=yes"));
	assert_int_equal(options_compare(&f->o, &other, differs), 3);
	assert_true(differs[OPT_log_level] && differs[OPT_default_user] && differs[OPT_insecure]);
	options_fini(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(defaults),
		TEST(value_rows),
		TEST(port_off_and_free),
		TEST(file_forms),
		TEST(bad_lines),
		TEST(long_line),
		TEST(later_wins),
		TEST(environment_edges),
		TEST(set_edges),
		TEST(rabbitmq_keys),
		TEST(rabbitmq_listeners),
		TEST(rabbitmq_marks),
		TEST(rabbitmq_others_warn_once_each),
		TEST(loopback_users_by_name),
		TEST(followers),
		TEST(what_hangs_together),
		TEST(differences),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
