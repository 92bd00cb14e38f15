/* SPDX-License-Identifier: Apache-2.0 */
/* The table of calls (docs/administration.md) and how a request finds its row. */
#include "admin/admin_priv.h"

static const struct route routes[] = {
	{"GET", "/health/live", RIGHT_PUBLIC, get_live},
	{"GET", "/health/ready", RIGHT_PUBLIC, get_ready},
	{"GET", "/api/whoami", RIGHT_KNOWN, get_whoami},
	{"GET", "/api/status", RIGHT_LOOK, get_status},
	{"GET", "/api/queues", RIGHT_LOOK, get_queues},
	{"GET", "/api/queues/{}", RIGHT_LOOK, get_queues_of},
	{"GET", "/api/queues/{}/{}", RIGHT_LOOK, get_queue},
	{"GET", "/api/topics", RIGHT_LOOK, get_topics},
	{"GET", "/api/topics/{}", RIGHT_LOOK, get_topics_of},
	{"GET", "/api/vhosts", RIGHT_LOOK, get_vhosts},
	{"GET", "/api/vhosts/{}", RIGHT_LOOK, get_vhost},
	{"PUT", "/api/vhosts/{}", RIGHT_CHANGE, put_vhost},
	{"GET", "/api/users", RIGHT_CHANGE, get_users},
	{"GET", "/api/users/{}", RIGHT_CHANGE, get_user},
	{"PUT", "/api/users/{}", RIGHT_CHANGE, put_user},
	{"DELETE", "/api/users/{}", RIGHT_CHANGE, delete_user},
	{"GET", "/api/permissions", RIGHT_CHANGE, get_permissions},
	{"GET", "/api/permissions/{}/{}", RIGHT_CHANGE, get_permission},
	{"PUT", "/api/permissions/{}/{}", RIGHT_CHANGE, put_permission},
	{"DELETE", "/api/permissions/{}/{}", RIGHT_CHANGE, delete_permission},
	{"GET", "/api/keys", RIGHT_CHANGE, get_keys},
	{"POST", "/api/keys", RIGHT_CHANGE, post_key},
	{"DELETE", "/api/keys/{}", RIGHT_CHANGE, delete_key},
};

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool percent_decode(struct arena *a, struct view v, struct view *out)
{
	uint8_t *p = arena_alloc(a, v.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < v.n; i++) {
		int high, low;

		if (v.p[i] != '%') {
			p[n++] = v.p[i];
			continue;
		}
		if (v.n - i < 3 || (high = hex_digit(v.p[i + 1])) < 0 || (low = hex_digit(v.p[i + 2])) < 0)
			return false;
		p[n++] = (uint8_t)(high << 4 | low);
		i += 2;
	}
	*out = view_of(p, n);
	return true;
}

/* "/seg/rest" → "seg"; *v is what follows. */
static struct view segment_next(struct view *v)
{
	struct view rest = view_skip(*v, 1);
	const uint8_t *slash = rest.n ? memchr(rest.p, '/', rest.n) : NULL;
	struct view segment = slash ? view_head(rest, (size_t)(slash - rest.p)) : rest;

	*v = view_skip(rest, segment.n);
	return segment;
}

static bool path_fits(struct http_request *r, struct view path, const char *pattern,
		      struct view parts[PARTS_MAX])
{
	struct view want = view_str(pattern);
	int n = 0;

	while (want.n && path.n) {
		struct view wanted = segment_next(&want), given = segment_next(&path);

		if (!view_is(wanted, "{}")) {
			if (!view_eq(wanted, given))
				return false;
		} else if (!given.n || !percent_decode(r->arena, given, &parts[n++])) {
			return false;
		}
	}
	return !want.n && !path.n;
}

/* HEAD is answered as GET; the HTTP head leaves the body out. */
static bool method_fits(struct view method, const char *wanted)
{
	return view_is(method, wanted) || (view_is(method, "HEAD") && strcmp(wanted, "GET") == 0);
}

const struct route *route_find(struct http_request *r, struct view parts[PARTS_MAX], struct view *allow)
{
	*allow = VIEW_NONE;
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		const struct route *route = &routes[i];

		if (!path_fits(r, r->path, route->path, parts))
			continue;
		if (method_fits(r->method, route->method))
			return route;
		*allow = view_str(arena_printf(r->arena, "%.*s%s%s", VIEW_ARG(*allow), allow->n ? ", " : "",
					       strcmp(route->method, "GET") == 0 ? "GET, HEAD" : route->method));
	}
	return NULL;
}
