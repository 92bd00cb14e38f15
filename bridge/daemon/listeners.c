/* SPDX-License-Identifier: Apache-2.0 */
/* The listeners: one row each, opened together, told on the ready line. */
#include <unistd.h>

#include "base/log.h"
#include "daemon/daemon_priv.h"

struct listener_row {
	const char *key;
	enum option_id port;
	bool built; /* a head exists */
};

static const struct listener_row rows[LISTENERS] = {
	[LISTEN_AMQP] = {"amqp", OPT_amqp_port, true},
	[LISTEN_AMQPS] = {"amqps", OPT_amqps_port, false},
	[LISTEN_STOMP] = {"stomp", OPT_stomp_port, false},
	[LISTEN_STOMPS] = {"stomps", OPT_stomps_port, false},
	[LISTEN_STOMP_WS] = {"stomp_ws", OPT_stomp_ws_port, false},
	[LISTEN_STOMP_WSS] = {"stomp_wss", OPT_stomp_wss_port, false},
	[LISTEN_AWS] = {"aws", OPT_aws_port, true},
	[LISTEN_AWSS] = {"awss", OPT_awss_port, false},
	[LISTEN_ADMIN] = {"admin", OPT_admin_port, true},
	[LISTEN_ADMINS] = {"admins", OPT_admins_port, false},
	[LISTEN_METRICS] = {"metrics", OPT_metrics_port, false},
};

static int wanted_port(const struct options *o, enum listener_id id)
{
	if (id == LISTEN_STOMP_WS)
		return options_stomp_ws_port(o);
	if (id == LISTEN_METRICS)
		return options_metrics_port(o);
	return *(const int *)(const void *)((const char *)o + option_rows[rows[id].port].offset);
}

static void not_built_tell(const struct options *o, enum listener_id id)
{
	if (o->given[rows[id].port] && wanted_port(o, id) > 0)
		log_warn("listener.not_built", "key=%s text=\"this listener is not built yet and stays off\"",
			 rows[id].key);
}

/* Links in SNS envelopes: aws.public_url, else where the listener is. */
static void links_begin(struct daemon *d, const char *host, int port)
{
	char url[128];
	bool anywhere = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
	bool v6 = strchr(host, ':') != NULL;

	if (*d->options.aws_public_url) {
		aws_envelopes_url(d->envelopes, view_str(d->options.aws_public_url));
		return;
	}
	snprintf(url, sizeof url, !anywhere && v6 ? "http://[%s]:%d" : "http://%s:%d", anywhere ? "localhost" : host, port);
	aws_envelopes_url(d->envelopes, view_str(url));
}

static bool listener_open(struct daemon *d, enum listener_id id, struct error *e)
{
	const struct options *o = &d->options;
	struct listener_spec spec = {
		.port = wanted_port(o, id),
		.wire_high = (uint64_t)o->out_high,
		.wire_low = (uint64_t)o->out_low,
		.out_max = (uint64_t)o->out_max,
		.linger_ms = o->linger_ms,
		.connections_max = (uint32_t)o->connections_max,
	};
	if (id == LISTEN_AMQP) {
		spec.host = options_host(o, o->amqp_host);
		spec.head = &v091_head;
		spec.env = &d->v091;
	} else if (id == LISTEN_AWS) {
		spec.host = options_host(o, o->aws_host);
		spec.head = &http_head;
		spec.env = aws_service(d->aws);
	} else {
		spec.host = options_host(o, o->admin_host);
		spec.head = &http_head;
		spec.env = admin_service(d->admin);
	}
	int port = loop_listen(d->loop, &spec, e);
	if (port < 0)
		return false;
	d->bound[id] = port;
	if (id == LISTEN_AWS)
		links_begin(d, spec.host, port);
	log_info("listener.open", "key=%s address=%s port=%d", rows[id].key, spec.host, port);
	return true;
}

bool listeners_open(struct daemon *d, struct error *e)
{
	for (int i = 0; i < LISTENERS; i++) {
		enum listener_id id = (enum listener_id)i;
		if (!rows[id].built)
			not_built_tell(&d->options, id);
		else if (wanted_port(&d->options, id) != PORT_OFF && !listener_open(d, id, e))
			return false;
	}
	return true;
}

/* `"amqp":5672,"amqps":null,…` */
static void keys_print(const struct daemon *d, char *out, size_t room)
{
	size_t n = 0;
	for (int i = 0; i < LISTENERS && n < room; i++) {
		int did = d->bound[i] == PORT_OFF
				  ? snprintf(out + n, room - n, "%s\"%s\":null", i ? "," : "", rows[i].key)
				  : snprintf(out + n, room - n, "%s\"%s\":%d", i ? "," : "", rows[i].key, d->bound[i]);
		must(did > 0);
		n += (size_t)did;
	}
	must(n < room);
}

const char *listeners_json(struct daemon *d)
{
	char keys[480];
	keys_print(d, keys, sizeof keys);
	snprintf(d->listeners_json, sizeof d->listeners_json, "{%s}", keys);
	return d->listeners_json;
}

void ready_line_print(struct daemon *d, FILE *f)
{
	char keys[480];
	keys_print(d, keys, sizeof keys);
	fprintf(f, "{\"ready\":true,\"pid\":%d,%s}\n", (int)getpid(), keys);
	fflush(f);
}
