/* SPDX-License-Identifier: Apache-2.0 */
/* RabbitMQ's own keys (rabbitmq.md §7): those with a counterpart here are
 * translated, its others are known by name so that a typing error still stops
 * the start. */
#include "daemon/options.h"

#include <stdlib.h>
#include <strings.h>

#include "base/log.h"

typedef enum rabbitmq_key rabbitmq_set(struct options *o, const char *suffix, const char *value,
				       const char *own, struct error *e);

static enum rabbitmq_key assign(struct options *o, const char *own, const char *value, struct error *e)
{
	const struct option_row *row = option_find(own);
	must(row);
	return option_assign(o, row, value, e) ? RABBITMQ_ACTED : RABBITMQ_BAD;
}

/* Same value, other name. */
static enum rabbitmq_key set_same(struct options *o, const char *suffix, const char *value, const char *own,
				  struct error *e)
{
	(void)suffix;
	return assign(o, own, value, e);
}

/* A number of which 0 means "no limit". own is "name most". */
static enum rabbitmq_key set_or_most(struct options *o, const char *suffix, const char *value, const char *own,
				     struct error *e)
{
	(void)suffix;
	char name[64];
	const char *most = strchr(own, ' ') + 1;
	snprintf(name, sizeof name, "%.*s", (int)(most - own - 1), own);
	return assign(o, name, strcmp(value, "0") == 0 ? most : value, e);
}

/* "5672", "192.0.2.1:5672", ":::5672", "[::]:5672" or "none". own is the port's name. */
static enum rabbitmq_key set_listener(struct options *o, const char *suffix, const char *value, const char *own,
				      struct error *e)
{
	(void)suffix;
	char host[128], host_key[32];
	const char *colon = strrchr(value, ':');
	if (!colon)
		return assign(o, own, value, e);
	size_t n = (size_t)(colon - value);
	const char *from = value;
	if (n >= 2 && from[0] == '[' && from[n - 1] == ']') {
		from++;
		n -= 2;
	}
	if (!n || n >= sizeof host) {
		error_set(e, CODE_INVALID, "'%s' is not an address and port", value);
		return RABBITMQ_BAD;
	}
	snprintf(host, sizeof host, "%.*s", (int)n, from);
	snprintf(host_key, sizeof host_key, "%.*s.host", (int)strcspn(own, "."), own);
	enum rabbitmq_key did = assign(o, host_key, host, e);
	return did == RABBITMQ_ACTED ? assign(o, own, colon + 1, e) : did;
}

/* listeners.tcp = none, and nothing else. */
static enum rabbitmq_key set_none(struct options *o, const char *suffix, const char *value, const char *own,
				  struct error *e)
{
	(void)suffix;
	if (strcmp(value, "none") == 0)
		return assign(o, own, "", e);
	error_set(e, CODE_INVALID, "'%s' is not none; a port is given as listeners.tcp.default", value);
	return RABBITMQ_BAD;
}

/* loopback_users.NAME = true | false */
static enum rabbitmq_key set_loopback_user(struct options *o, const char *suffix, const char *value,
					   const char *own, struct error *e)
{
	bool on = strcmp(value, "true") == 0;
	if (!on && strcmp(value, "false") != 0) {
		error_set(e, CODE_INVALID, "'%s' is not true or false", value);
		return RABBITMQ_BAD;
	}
	char list[1200];
	size_t n = 0;
	list[0] = 0;
	for (const char *p = o->loopback_users; *p;) {
		size_t len = strcspn(p, ", ");
		bool named = len == strlen(suffix) && strncmp(p, suffix, len) == 0;
		if (len && !named)
			n += (size_t)snprintf(list + n, sizeof list - n, "%s%.*s", n ? "," : "", (int)len, p);
		p += len;
		p += strspn(p, ", ");
	}
	if (on && n + strlen(suffix) + 2 < sizeof list)
		snprintf(list + n, sizeof list - n, "%s%s", n ? "," : "", suffix);
	return assign(o, own, list, e);
}

static enum rabbitmq_key set_log_level(struct options *o, const char *suffix, const char *value,
				       const char *own, struct error *e)
{
	(void)suffix;
	static const char *const levels[][2] = {{"debug", "debug"},   {"info", "info"},      {"notice", "info"},
						{"warning", "warn"},  {"error", "error"},    {"critical", "error"},
						{"alert", "error"},   {"emergency", "error"}, {"none", "error"}};
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
		if (strcmp(value, levels[i][0]) == 0)
			return assign(o, own, levels[i][1], e);
	error_set(e, CODE_INVALID, "'%s' is not a log level of RabbitMQ", value);
	return RABBITMQ_BAD;
}

/* "0.4": a part of the memory. own is "percent bytes"; the bytes give way to it. */
static enum rabbitmq_key set_relative(struct options *o, const char *suffix, const char *value, const char *own,
				      struct error *e)
{
	(void)suffix;
	char percent[64], text[32], *end;
	const char *bytes = strchr(own, ' ') + 1;
	double v = strtod(value, &end);
	if (end == value || *end || !(v >= 0 && v <= 100)) {
		error_set(e, CODE_INVALID, "'%s' is not a part of the memory", value);
		return RABBITMQ_BAD;
	}
	snprintf(percent, sizeof percent, "%.*s", (int)(bytes - own - 1), own);
	snprintf(text, sizeof text, "%d", (int)(v * 100 + 0.5));
	enum rabbitmq_key did = assign(o, bytes, "0", e);
	return did == RABBITMQ_ACTED ? assign(o, percent, text, e) : did;
}

/* "2GB", "1024MiB", "50000000": powers of ten with B, of two without it or with iB. */
static bool size_parse(const char *value, double *out)
{
	static const char letters[] = "kMGTP";
	char *end;
	double v = strtod(value, &end);
	const char *letter = *end ? strchr(letters, *end == 'K' ? 'k' : *end) : NULL;
	const char *unit = letter ? end + 1 : end;
	bool tens = letter && strcasecmp(unit, "B") == 0;
	for (const char *p = letters; letter && p <= letter; p++)
		v *= tens ? 1000 : 1024;
	*out = v;
	return end != value && v >= 0 && v < 1e15 && (!*unit || tens || (letter && strcasecmp(unit, "iB") == 0));
}

static enum rabbitmq_key set_absolute(struct options *o, const char *suffix, const char *value, const char *own,
				      struct error *e)
{
	(void)suffix;
	char percent[64], text[32];
	const char *bytes = strchr(own, ' ') + 1;
	double v;
	if (!size_parse(value, &v)) {
		error_set(e, CODE_INVALID, "'%s' is not a size", value);
		return RABBITMQ_BAD;
	}
	snprintf(percent, sizeof percent, "%.*s", (int)(bytes - own - 1), own);
	snprintf(text, sizeof text, "%lld", (long long)v);
	enum rabbitmq_key did = assign(o, percent, "0", e);
	return did == RABBITMQ_ACTED ? assign(o, bytes, text, e) : did;
}

struct acted {
	const char *key; /* ends in '.': a prefix, the rest is the suffix */
	rabbitmq_set *set;
	const char *own;
};

/* Keys that are spelled the same on both sides are rows of the table already. */
static const struct acted acted[] = {
	{"listeners.tcp", set_none, "amqp.port"},
	{"listeners.tcp.", set_listener, "amqp.port"},
	{"management.tcp.port", set_same, "admin.port"},
	{"management.tcp.ip", set_same, "admin.host"},
	{"management.listener.port", set_same, "admin.port"},
	{"management.listener.ip", set_same, "admin.host"},
	{"stomp.listeners.tcp", set_none, "stomp.port"},
	{"stomp.listeners.tcp.default", set_same, "stomp.port"},
	{"prometheus.tcp.port", set_same, "metrics.port"},
	{"loopback_users.", set_loopback_user, "loopback_users"},
	{"heartbeat", set_same, "amqp.heartbeat"},
	{"frame_max", set_or_most, "amqp.frame_max 134217728"},
	{"channel_max", set_or_most, "amqp.channel_max 65535"},
	{"max_message_size", set_same, "amqp.message_bytes_max"},
	{"handshake_timeout", set_same, "amqp.handshake_ms"},
	{"vm_memory_high_watermark.relative", set_relative, "memory.high_percent memory.high_bytes"},
	{"vm_memory_high_watermark.absolute", set_absolute, "memory.high_percent memory.high_bytes"},
	{"disk_free_limit.relative", set_relative, "disk.free_percent disk.free_bytes"},
	{"disk_free_limit.absolute", set_absolute, "disk.free_percent disk.free_bytes"},
	{"memory_monitor_interval", set_same, "alarm.interval"},
	{"log.console.level", set_log_level, "log.level"},
	{"log.default.level", set_log_level, "log.level"},
};

/* RabbitMQ's others (3.8 to 4.1). A name ending in '.' stands for all below it. */
static const char *const ignored[] = {
	"advanced.", "amqp1_0.", "auth_backends.", "auth_cache.", "auth_http.", "auth_ldap.",
	"auth_mechanisms.", "auth_oauth2.", "background_gc_enabled", "background_gc_target_interval",
	"channel_max_per_node", "channel_operation_timeout", "classic_queue.", "cluster_formation.",
	"cluster_keepalive_interval", "cluster_name", "cluster_nodes.", "cluster_partition_handling",
	"cluster_partition_handling.", "cluster_queue_limit", "cluster_tags.", "collect_statistics",
	"collect_statistics_interval", "connection_max", "consumer_max_per_channel", "consumer_timeout",
	"credit_flow.", "default_exchange_type", "default_limits.", "default_permissions.", "default_policies.",
	"default_queue_type", "default_user_tags.", "default_users.", "definitions.", "delegate_count",
	"deprecated_features.", "disk_free_limit.", "distribution.", "exchange_max", "federation.",
	"heartbeat_interval", "initial_frame_max", "kernel.", "lazy_queue_explicit_gc_run_operation_threshold",
	"link_max_per_session", "listeners.ssl", "listeners.ssl.", "load_definitions", "log.",
	"management.", "management_agent.", "max_heap", "message_containers.",
	"message_interceptors.", "message_store_shutdown_timeout", "metadata_store.", "mirroring_flow_control",
	"mirroring_sync_batch_size", "mirroring_sync_max_throughput", "mnesia_table_loading_retry_limit",
	"mnesia_table_loading_retry_timeout", "motd_file", "mqtt.", "msg_store_credit_disc_bound.",
	"msg_store_file_size_limit", "msg_store_index_module", "net_ticktime", "node_tags.", "num_acceptors.",
	"oauth_resource_server.", "password_hashing_module", "plugins.", "product.name", "product.version",
	"prometheus.", "proxy_protocol", "queue_explicit_gc_run_operation_threshold",
	"queue_index_embed_msgs_below", "queue_index_max_journal_entries", "queue_leader_locator",
	"queue_master_locator", "quorum_cluster_size", "quorum_commands_soft_limit", "quorum_membership_reconciliation.",
	"quorum_queue.", "raft.", "ranch_connection_max", "reverse_dns_lookups", "secrets.",
	"server_fail_if_no_peer_cert", "session_max_per_connection", "shovel.", "shutdown_timeout",
	"socket_writer.", "ssl_allow_poodle_attack", "ssl_cert_login_from", "ssl_cert_login_san_index",
	"ssl_cert_login_san_type", "ssl_handshake_timeout", "ssl_options.", "stomp.", "stream.", "stream_queue.",
	"sysmon_handler.", "tcp_listen_options.", "total_memory_available_override_value", "tracing.",
	"trace_vhosts", "vhost_max", "vhost_restart_strategy", "vm_memory_calculation_strategy",
	"vm_memory_high_watermark.", "vm_memory_high_watermark_paging_ratio", "web_dispatch.", "web_mqtt.",
	"web_stomp.",
};

/* name matches key; *suffix is what lies behind a prefix. */
static bool key_matches(const char *name, const char *key, const char **suffix)
{
	size_t n = strlen(name);
	bool prefix = n && name[n - 1] == '.';
	if (prefix ? strncmp(name, key, n) != 0 || !key[n] : strcmp(name, key) != 0)
		return false;
	*suffix = key + n;
	return true;
}

enum rabbitmq_key options_set_rabbitmq(struct options *o, const char *key, const char *value, struct error *e)
{
	const char *suffix;
	for (size_t i = 0; i < sizeof acted / sizeof *acted; i++) {
		if (!key_matches(acted[i].key, key, &suffix))
			continue;
		enum rabbitmq_key did = acted[i].set(o, suffix, value, acted[i].own, e);
		if (did == RABBITMQ_BAD) {
			struct error inner = *e;
			error_set(e, CODE_INVALID, "%s: %s", key, inner.text);
		}
		return did;
	}
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		if (key_matches(ignored[i], key, &suffix))
			return RABBITMQ_IGNORED;
	return RABBITMQ_UNKNOWN;
}
