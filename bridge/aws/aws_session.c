/* SPDX-License-Identifier: Apache-2.0 */
/* Engine connections of the head: one for each (user, vhost), as long as the
 * head lives. Inside one, a pool of sessions: a call takes an idle one and gives
 * it back, so there are as many as calls were ever open at once. Sessions are not
 * closed when an HTTP connection goes, because the leases of a receive, which end
 * by deadline, lie in them. */
#include "aws/aws_priv.h"

#include <stdlib.h>

#include "base/log.h"

static void on_event(void *ctx, const struct event *ev)
{
	struct aws_session *s = ev->session_ctx;

	(void)ctx;
	switch (ev->kind) {
	case EVENT_DONE:
	case EVENT_PUBLISHED:
	case EVENT_RECEIVED:
		if (s && s->call)
			aws_call_event(s->call, ev);
		return;
	default: /* leases that ended are found out by their receipt */
		return;
	}
}

static struct aws_account *account_open(struct aws *a, struct view user, struct view vhost)
{
	size_t n = user.n + 1 + vhost.n;
	struct aws_account *account = mem_zalloc(sizeof(*account) + n);
	uint8_t *key = (uint8_t *)(account + 1);

	memcpy(key, user.p, user.n);
	memcpy(key + user.n + 1, vhost.p, vhost.n);
	account->aws = a;
	account->key = view_of(key, n);
	list_init(&account->idle);
	account->conn = engine_connection_open(a->engine, &(struct connection_spec){
								  .kind = SESSION_AWS,
								  .vhost = vhost,
								  .user = user,
								  .event = on_event,
								  .ctx = account,
							  });
	if (!account->conn) {
		free(account);
		return NULL;
	}
	mapv_put(&a->accounts, account->key, account);
	return account;
}

static struct aws_account *account_find(struct aws *a, struct view user, struct view vhost)
{
	buf_clear(&a->scratch);
	buf_add(&a->scratch, user);
	buf_add_u8(&a->scratch, 0);
	buf_add(&a->scratch, vhost);
	struct aws_account *account = mapv_find(&a->accounts, buf_view(&a->scratch));

	return account ? account : account_open(a, user, vhost);
}

struct aws_session *aws_session_take(struct aws *a, struct view user, struct view vhost)
{
	struct aws_account *account = account_find(a, user, vhost);

	if (!account)
		return NULL;
	struct link *l = list_first(&account->idle);
	if (l) {
		list_remove(l);
		return LIST_ENTRY(l, struct aws_session, link);
	}

	struct aws_session *s = mem_zalloc(sizeof(*s));
	list_init(&s->link);
	s->account = account;
	s->id = engine_session_open(a->engine, account->conn, s);
	must(s->id);
	return s;
}

void aws_session_give(struct aws_session *s)
{
	s->call = NULL;
	list_push_front(&s->account->idle, &s->link);
}

void aws_accounts_free(struct aws *a)
{
	size_t at = 0;
	struct aws_account *account;

	while ((account = mapv_next(&a->accounts, &at))) {
		LIST_EACH(&account->idle, l)
			free(LIST_ENTRY(l, struct aws_session, link));
		free(account);
	}
	mapv_fini(&a->accounts);
}
