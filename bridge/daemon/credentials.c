/* SPDX-License-Identifier: Apache-2.0 */
/* The default user's password and AWS access key (DESIGN §8). What is made here
 * is printed once and kept in <data>/credentials, mode 0600, for whoever runs
 * the machine; the daemon itself never reads that file. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/rng.h"
#include "daemon/daemon_priv.h"

enum { PASSWORD_BYTES = 18, KEY_BYTES = 11, SECRET_BYTES = 30 };

static char *copy_of(const char *s)
{
	char *copy = strdup(s);
	must(copy);
	return copy;
}

static void random_text(size_t bytes, char *out, size_t room)
{
	uint8_t secret[32];
	struct buf b;
	must(bytes <= sizeof secret);
	random_secret(secret, bytes);
	buf_init(&b, room - 1);
	must(base64url_add(&b, view_of(secret, bytes)));
	memcpy(out, b.p, b.n);
	out[b.n] = 0;
	buf_fini(&b);
	explicit_bzero(secret, sizeof secret);
}

/* MQB and 17 base32 characters: looks like an access key id and is not to be guessed. */
static void random_key(char out[33])
{
	uint8_t secret[KEY_BYTES];
	random_secret(secret, sizeof secret);
	memcpy(out, "MQB", 3);
	size_t n = base32_encode(view_of(secret, sizeof secret), out + 3, 17);
	for (size_t i = 3; i < n + 3; i++)
		out[i] = (char)toupper((unsigned char)out[i]);
}

/* A password that was given is not written down. */
static bool credentials_keep(const struct credentials *c, bool pass_made, const char *dir, struct error *e)
{
	char path[4200];
	snprintf(path, sizeof path, "%s/credentials", dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0) {
		int n = dprintf(fd, "user = %s\n%s%s%saws_access_key_id = %s\naws_secret_access_key = %s\n",
				c->user, pass_made ? "password = " : "", pass_made ? c->pass : "",
				pass_made ? "\n" : "", c->key, c->secret);
		if (n > 0 && fsync(fd) == 0 && close(fd) == 0)
			return true;
		close(fd);
	}
	error_set(e, CODE_UNAVAILABLE, "%s: %s", path, strerror(errno));
	return false;
}

bool credentials_make(struct credentials *c, const struct options *o, bool first, struct error *e)
{
	bool pass_made = first && strcmp(o->default_pass, "generate") == 0;
	bool key_made = first && !*o->default_key && (pass_made || strcmp(o->default_pass, "guest") != 0);
	c->user = copy_of(o->default_user);
	if (pass_made) {
		char pass[64];
		random_text(PASSWORD_BYTES, pass, sizeof pass);
		c->pass = copy_of(pass);
	} else {
		c->pass = copy_of(o->default_pass);
	}
	if (key_made) {
		random_key(c->key);
		random_text(SECRET_BYTES, c->secret, sizeof c->secret);
	} else {
		snprintf(c->key, sizeof c->key, "%s", *o->default_key ? o->default_key : "guest");
		snprintf(c->secret, sizeof c->secret, "%s", *o->default_secret ? o->default_secret : "guest");
	}
	if (!pass_made && !key_made)
		return true;
	bool kept = o->store == 0;
	if (kept && !credentials_keep(c, pass_made, o->data, e))
		return false;
	fprintf(stderr, "mqbridge: first start, credentials of user '%s'%s%s%s:\n", c->user,
		kept ? " (kept in " : "", kept ? o->data : "", kept ? "/credentials)" : "");
	if (pass_made)
		fprintf(stderr, "mqbridge:   password              %s\n", c->pass);
	if (key_made)
		fprintf(stderr, "mqbridge:   aws_access_key_id     %s\nmqbridge:   aws_secret_access_key %s\n", c->key,
			c->secret);
	return true;
}

void credentials_fini(struct credentials *c)
{
	if (c->pass)
		explicit_bzero(c->pass, strlen(c->pass));
	free(c->user);
	free(c->pass);
	explicit_bzero(c->secret, sizeof c->secret);
	c->user = c->pass = NULL;
}
