/* SPDX-License-Identifier: Apache-2.0 */
/* Who is asking? A question becomes a ticket that the next poll looks at. A
 * credential that succeeded lately is known by its keyed digest and answered at
 * once; any other goes to a hash_job off the loop, one for each different
 * credential, however many ask it (a thousand clients that come back after a
 * restart cost one hash a user).
 *
 *   asked ──known──────────────────────────────► answered
 *     └────hash_job: offload ─► hashed ─► waiters ┘
 *
 * A hash_job belongs to itself from the offload on: a->jobs and a->hashed point
 * to it; when access is freed meanwhile its `access` is NULL and it frees itself. */
#include "access/access_priv.h"

#include <stdlib.h>

#include "base/crypto.h"
#include "base/log.h"

enum { DIGEST = 32 };

struct ticket {
	uint64_t id;
	struct link link; /* in asked, or in the waiters of a job */
	access_done done;
	void *ctx;
	bool loopback;
	uint8_t digest[DIGEST];
	struct view user, password; /* owned; password is burnt */
};

struct hash_job {
	struct access *access; /* NULL: gone */
	struct link link;      /* in hashed, or in none */
	struct link waiters;
	uint8_t digest[DIGEST];
	struct view user, password;
	uint64_t stamp;         /* of the user that is compared with; 0: there is none */
	struct password stored;
	bool match;
};

struct remembered {
	uint8_t digest[DIGEST];
	uint64_t stamp; /* 0: free */
	int64_t until_ms;
};

struct remembered *remembered_new(uint32_t n)
{
	return mem_zalloc(n * sizeof(struct remembered));
}

static struct remembered *remembered_slot(const struct access *a, const uint8_t *digest)
{
	return &a->remembered[be64_get(digest) % a->o.remember_max];
}

static bool remembered_has(const struct access *a, const uint8_t *digest, const struct user *u)
{
	const struct remembered *r = remembered_slot(a, digest);

	return u && r->stamp == u->stamp && a->now.mono_ms < r->until_ms &&
	       crypto_equal(r->digest, digest, DIGEST);
}

static void remembered_put(struct access *a, const uint8_t *digest, const struct user *u)
{
	struct remembered *r = remembered_slot(a, digest);

	if (a->o.remember_ms < 0)
		return;
	memcpy(r->digest, digest, DIGEST);
	r->stamp = u->stamp;
	r->until_ms = a->now.mono_ms + a->o.remember_ms;
}

/* HMAC under a key of this process over the hashes of both parts. */
static void credential_digest(const struct access *a, struct view user, struct view password,
			      uint8_t out[DIGEST])
{
	uint8_t parts[2 * DIGEST];

	crypto_sha256(user, parts);
	crypto_sha256(password, parts + DIGEST);
	crypto_hmac_sha256(view_of(a->digest_key, sizeof a->digest_key), view_of(parts, sizeof parts), out);
	explicit_bzero(parts, sizeof parts);
}

/* ---- tickets ---- */

uint64_t access_authenticate(struct access *a, struct view user, struct view password, bool loopback,
			     access_done done, void *ctx)
{
	struct ticket *t = mem_zalloc(sizeof *t);

	t->id = ++a->last_ticket;
	t->done = done;
	t->ctx = ctx;
	t->loopback = loopback;
	t->user = text_dup(user);
	t->password = text_dup(password);
	credential_digest(a, user, password, t->digest);
	map64_put(&a->tickets, t->id, t);
	list_push_back(&a->asked, &t->link);
	return t->id;
}

static void ticket_free(struct access *a, struct ticket *t)
{
	map64_remove(&a->tickets, t->id);
	list_remove(&t->link);
	text_free(t->user);
	text_burn(t->password);
	free(t);
}

void access_forget(struct access *a, uint64_t ticket)
{
	struct ticket *t = map64_find(&a->tickets, ticket);

	if (t)
		ticket_free(a, t);
}

static void ticket_answer(struct access *a, struct ticket *t, enum code code, const char *text)
{
	access_done done = t->done;
	void *ctx = t->ctx;

	ticket_free(a, t);
	done(ctx, code, text);
}

/* The credential is right (or not); does the user come from where he may? (rabbitmq.md 1.16) */
static void ticket_judge(struct access *a, struct ticket *t, const struct user *u, bool right)
{
	if (!u || !right)
		ticket_answer(a, t, CODE_REFUSED, "no such user, or another password");
	else if (u->loopback_only && !t->loopback)
		ticket_answer(a, t, CODE_REFUSED, "this user may log in from this machine only");
	else
		ticket_answer(a, t, CODE_OK, "");
}

/* ---- jobs ---- */

/* Off the loop: touches the job's own copies only. */
static void job_work(void *arg)
{
	struct hash_job *j = arg;

	j->match = password_matches(&j->stored, j->password);
}

static void job_free(struct hash_job *j)
{
	text_free(j->user);
	text_burn(j->password);
	explicit_bzero(&j->stored, sizeof j->stored);
	free(j);
}

static void job_done(void *arg)
{
	struct hash_job *j = arg;

	if (j->access)
		list_push_back(&j->access->hashed, &j->link);
	else
		job_free(j);
}

/* Compares with what the user is now; one that does not exist costs the same. */
static void job_start(struct access *a, struct hash_job *j)
{
	const struct user *u = mapv_find(&a->users, j->user);

	memset(&j->stored, 0, sizeof j->stored);
	j->stamp = u ? u->stamp : 0;
	if (u)
		j->stored = u->password;
	access_offload(a, job_work, job_done, j);
}

static struct hash_job *job_new(struct access *a, struct ticket *t)
{
	struct hash_job *j = mem_zalloc(sizeof *j);

	j->access = a;
	list_init(&j->link);
	list_init(&j->waiters);
	memcpy(j->digest, t->digest, DIGEST);
	j->user = t->user;
	j->password = t->password;
	t->user = t->password = VIEW_NONE;
	mapv_put(&a->jobs, view_of(j->digest, DIGEST), j);
	return j;
}

static void ticket_decide(struct access *a, struct ticket *t)
{
	const struct user *u = mapv_find(&a->users, t->user);
	struct hash_job *j = mapv_find(&a->jobs, view_of(t->digest, DIGEST));
	bool fresh = !j;

	if (remembered_has(a, t->digest, u)) {
		ticket_judge(a, t, u, true);
		return;
	}
	if (fresh && a->jobs.n >= a->o.hashing_max) {
		ticket_answer(a, t, CODE_LIMIT, "too many logins at once");
		return;
	}
	if (fresh)
		j = job_new(a, t);
	list_remove(&t->link);
	list_push_back(&j->waiters, &t->link);
	if (fresh)
		job_start(a, j);
}

static void job_finish(struct access *a, struct hash_job *j)
{
	const struct user *u = mapv_find(&a->users, j->user);
	struct link *first;

	list_remove(&j->link);
	if (j->stamp != (u ? u->stamp : 0)) {
		job_start(a, j); /* the user changed meanwhile */
		return;
	}
	mapv_remove(&a->jobs, view_of(j->digest, DIGEST));
	if (j->match && u)
		remembered_put(a, j->digest, u);
	while ((first = list_first(&j->waiters))) {
		/* an answer may change the user */
		u = mapv_find(&a->users, j->user);
		ticket_judge(a, LIST_ENTRY(first, struct ticket, link), u, j->match);
	}
	job_free(j);
}

int questions_poll(struct access *a)
{
	struct link *first;
	int n = 0;

	for (; (first = list_first(&a->asked)); n++)
		ticket_decide(a, LIST_ENTRY(first, struct ticket, link));
	for (; (first = list_first(&a->hashed)); n++)
		job_finish(a, LIST_ENTRY(first, struct hash_job, link));
	return n;
}

void questions_free(struct access *a)
{
	struct hash_job *j;
	struct ticket *t;
	struct link *first;
	size_t at = 0;

	for (at = 0; (t = map64_next(&a->tickets, &at, NULL)); at = 0)
		ticket_free(a, t);
	while ((first = list_first(&a->hashed))) {
		j = LIST_ENTRY(first, struct hash_job, link);
		list_remove(first);
		mapv_remove(&a->jobs, view_of(j->digest, DIGEST));
		job_free(j);
	}
	for (at = 0; (j = mapv_next(&a->jobs, &at));)
		j->access = NULL;
	mapv_fini(&a->jobs);
	map64_fini(&a->tickets);
}
