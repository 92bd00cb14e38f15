/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of a request, and the memory of failed logins: a direct-mapped
 * table by (address, user). Two pairs that share a slot take turns in it, which
 * forgets failures and never invents one. */
#include "admin/admin_priv.h"

#include <strings.h>

#include "base/crypto.h"
#include "base/map.h"

enum { CREDENTIALS_MAX = 4096, DOUBLINGS_MAX = 20 };

struct failure {
	uint64_t pair; /* 0: free */
	uint32_t n;
	int64_t last_ms, until_ms; /* mono */
};

bool basic_decode(struct http_request *r, struct view *user, struct view *password)
{
	struct view header = http_header_find(r, "Authorization"), text;
	const uint8_t *colon;
	struct buf b;
	bool ok;

	if (header.n < 6 || strncasecmp((const char *)header.p, "Basic ", 6) != 0)
		return false;
	header = view_skip(header, 6);
	while (header.n && header.p[0] == ' ')
		header = view_skip(header, 1);
	buf_init(&b, CREDENTIALS_MAX);
	ok = base64_decode(&b, header);
	text = ok ? arena_copy(r->arena, buf_view(&b)) : VIEW_NONE;
	if (b.p)
		explicit_bzero(b.p, b.n);
	buf_fini(&b);
	colon = text.n ? memchr(text.p, ':', text.n) : NULL;
	if (!colon)
		return false;
	*user = view_head(text, (size_t)(colon - text.p));
	*password = view_skip(text, user->n + 1);
	return true;
}

struct failure *failures_new(uint32_t n)
{
	return mem_zalloc(n * sizeof(struct failure));
}

/* "ip" of "ip:port -> ip:port". */
static struct view peer_address(const struct http_request *r)
{
	struct view peer = view_str(r->peer);
	const uint8_t *arrow = peer.n ? memmem(peer.p, peer.n, " -> ", 4) : NULL;
	const uint8_t *colon;

	if (arrow)
		peer.n = (size_t)(arrow - peer.p);
	colon = peer.n ? memrchr(peer.p, ':', peer.n) : NULL;
	return colon ? view_head(peer, (size_t)(colon - peer.p)) : peer;
}

static uint64_t pair_of(const struct call *c)
{
	uint64_t address = hash_view(peer_address(c->r)), user = hash_view(c->user);

	return (address ^ (user << 1 | user >> 63)) | 1;
}

static struct failure *slot_of(const struct admin *a, uint64_t pair)
{
	return &a->failures[(pair >> 1) % a->o.login_peers_max];
}

int64_t failures_wait(const struct admin *a, const struct call *c)
{
	uint64_t pair = pair_of(c);
	const struct failure *f = slot_of(a, pair);

	return f->pair == pair && f->until_ms > c->now.mono_ms ? f->until_ms - c->now.mono_ms : 0;
}

void failures_add(struct admin *a, const struct call *c)
{
	uint64_t pair = pair_of(c);
	struct failure *f = slot_of(a, pair);
	int64_t now = c->now.mono_ms, wait;
	uint32_t beyond;

	if (f->pair != pair || now - f->last_ms >= a->o.login_forget_ms)
		*f = (struct failure){.pair = pair};
	f->n++;
	f->last_ms = now;
	if (f->n <= a->o.login_failures_free)
		return;
	beyond = f->n - a->o.login_failures_free - 1;
	wait = a->o.login_wait_ms << (beyond < DOUBLINGS_MAX ? beyond : DOUBLINGS_MAX);
	f->until_ms = now + (wait < a->o.login_wait_ms_max ? wait : a->o.login_wait_ms_max);
}

void failures_clear(struct admin *a, const struct call *c)
{
	uint64_t pair = pair_of(c);
	struct failure *f = slot_of(a, pair);

	if (f->pair == pair)
		f->pair = 0;
}
