/* SPDX-License-Identifier: Apache-2.0 */
/* A listener outside loopback with a default or empty password, or AWS access
 * there without a name or a signature, is refused at start unless `insecure = yes` (DESIGN §8). */
#include <arpa/inet.h>

#include "base/log.h"
#include "daemon/daemon_priv.h"

bool address_is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool outside(const struct options *o, const char *own, int port)
{
	return port != PORT_OFF && !address_is_loopback(options_host(o, own));
}

static bool any_outside(const struct options *o)
{
	return outside(o, o->amqp_host, o->amqp_port) || outside(o, o->aws_host, o->aws_port) ||
	       outside(o, o->admin_host, o->admin_port);
}

bool guard_settings(const struct options *o, bool first_start, struct error *e)
{
	if (o->insecure)
		return true;
	if (o->aws_anonymous && outside(o, o->aws_host, o->aws_port)) {
		error_set(e, CODE_REFUSED,
			  "aws.anonymous on a listener outside loopback; switch it off or set insecure = yes");
		return false;
	}
	if (!o->aws_verify_signatures && outside(o, o->aws_host, o->aws_port)) {
		error_set(e, CODE_REFUSED,
			  "aws.verify_signatures = no on a listener outside loopback; switch it on or set insecure = yes");
		return false;
	}
	bool weak = !*o->default_pass || strcmp(o->default_pass, "guest") == 0;
	if (first_start && weak && any_outside(o)) {
		error_set(e, CODE_REFUSED,
			  "a listener outside loopback with a default or empty password; set default_pass (or generate) "
			  "or insecure = yes");
		return false;
	}
	return true;
}

/* A well-known password let somebody in. */
static void answered(void *ctx, enum code code, const char *text)
{
	struct daemon *d = ctx;
	(void)text;
	d->pending--;
	if (code == CODE_OK)
		daemon_fail(d, EXIT_INSECURE, "start.refused",
			    "a listener outside loopback while a user has a default or empty password; change it with "
			    "mqbridge user passwd or set insecure = yes");
}

static void try(struct daemon *d, const char *user, const char *password)
{
	d->pending++;
	access_authenticate(d->access, view_str(user), view_str(password), true, answered, d);
}

void guard_catalogue(struct daemon *d)
{
	struct access_key key;
	if (d->options.insecure || !any_outside(&d->options))
		return;
	if (access_key_find(d->access, VIEW("guest"), &key) && view_is(key.secret, "guest") &&
	    outside(&d->options, d->options.aws_host, d->options.aws_port)) {
		daemon_fail(d, EXIT_INSECURE, "start.refused",
			    "an AWS listener outside loopback while the access key guest has its default secret; delete it "
			    "with mqbridge key delete or set insecure = yes");
		return;
	}
	try(d, "guest", "guest");
	try(d, "guest", "");
	if (strcmp(d->options.default_user, "guest") != 0) {
		try(d, d->options.default_user, "guest");
		try(d, d->options.default_user, "");
	}
}
