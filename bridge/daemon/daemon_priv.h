/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's own parts; nobody outside bridge/daemon includes this.
 *
 * Life:  OPENING ─► SERVING ─► LEAVING ─► CLOSING ─► KEEPING ─► STOPPED
 *
 *   OPENING  rooms exist; definitions of a first start go to disk, passwords are
 *            looked at; no listener yet
 *   SERVING  listeners are open, the ready line is out
 *   LEAVING  no new connections; heads said goodbye; until all left or grace is over
 *   CLOSING  connections are closed; until everything they caused is on disk
 *   KEEPING  until leases of receives are on disk too
 *   STOPPED  the loop ends
 *
 * Any state may go to STOPPED when something fails; exit_code says what. */
#ifndef MQB_DAEMON_DAEMON_PRIV_H
#define MQB_DAEMON_DAEMON_PRIV_H

#include <pthread.h>

#include "access/access.h"
#include "admin/admin.h"
#include "amqp/v091.h"
#include "aws/aws.h"
#include "daemon/daemon.h"
#include "net/loop.h"
#include "store/blobs.h"
#include "store/store.h"

enum daemon_state { DAEMON_OPENING, DAEMON_SERVING, DAEMON_LEAVING, DAEMON_CLOSING, DAEMON_KEEPING,
		    DAEMON_STOPPED };
enum { RECEIPT_KEY_BYTES = 32, CLOSE_MS_MAX = 30000, PROMOTE_MAX = 64 };

/* In the order of the ready line (DESIGN §8). */
enum listener_id {
	LISTEN_AMQP,
	LISTEN_AMQPS,
	LISTEN_STOMP,
	LISTEN_STOMPS,
	LISTEN_STOMP_WS,
	LISTEN_STOMP_WSS,
	LISTEN_AWS,
	LISTEN_AWSS,
	LISTEN_ADMIN,
	LISTEN_ADMINS,
	LISTEN_METRICS,
	LISTENERS
};

struct credentials {
	char *user, *pass;
	char key[33], secret[65];
};

/* What the store last said of itself, for /health/ready and /api/status. */
struct store_watch {
	struct store_sink inner; /* the engine's */
	enum store_state state;
	char why[256];
};

struct daemon {
	struct options options;
	const struct options_sources *sources;
	enum daemon_state state;
	enum exit_code exit_code;
	unsigned pending; /* answers without which OPENING does not end */
	int64_t until_ms; /* mono; end of LEAVING, or of CLOSING and KEEPING */

	struct loop *loop;
	pthread_mutex_t wake_lock; /* over deaf, against the store's thread */
	bool deaf;                 /* the loop is being freed: wake it no more */
	struct blobs *blobs; /* NULL: the store is in memory */
	struct store *store;
	struct store *spill; /* NULL: the store is memory */
	struct engine *engine;
	struct access *access;
	struct codecs codecs;
	struct rng rng;
	struct v091_env v091;
	struct aws *aws;
	struct aws_envelopes *envelopes;
	struct buf signing_key; /* as the catalogue has it */
	bool signing_key_new;
	struct signer *signer;  /* NULL: SNS envelopes are not signed */
	struct view promote[PROMOTE_MAX]; /* into options.queue_promote */
	size_t n_promote;
	struct admin *admin;
	uint8_t receipt_key[RECEIPT_KEY_BYTES];
	bool first_start; /* no user in the catalogue */
	bool receipt_key_new;
	struct now now;   /* of the last turn */
	struct store_watch watch;
	struct admin_gates gates;
	int64_t alarms_ms;  /* mono; of the next look at memory and disk */
	int64_t trim_ms;    /* mono; free memory goes back to the system again */
	const char *alarm;  /* what the engine was told */
	struct credentials credentials;
	int bound[LISTENERS]; /* ports; PORT_OFF: none */
	char listeners_json[512];
};

void daemon_enter(struct daemon *d, enum daemon_state state);
/* Logs, remembers the exit code and ends the loop. */
void daemon_fail(struct daemon *d, enum exit_code code, const char *event, const char *text);

/* daemon_open.c: all rooms, or an exit code and *e. daemon_close takes what was opened. */
enum exit_code daemon_open(struct daemon *d, struct error *e);
void daemon_close(struct daemon *d);

/* listeners.c */
bool listeners_open(struct daemon *d, struct error *e);
/* A JSON object, key of a listener → port or null; valid until the next call. */
const char *listeners_json(struct daemon *d);
void ready_line_print(struct daemon *d, FILE *f);

/* store_watch.c: listens in on the store's up-calls to the engine. After engine_new. */
void store_watch_start(struct daemon *d);
const char *store_state_name(enum store_state state);

/* alarms.c: the memory and disk gates. Marks from the settings; a look when it is time. */
void alarms_marks(struct daemon *d);
void alarms_look(struct daemon *d);
void gates_tell(void *ctx, struct admin_gates *out);

/* guard.c: listeners outside loopback without a real password (DESIGN §8). */
bool address_is_loopback(const char *host);
/* By the settings, when the data directory has no users yet. */
bool guard_settings(const struct options *o, bool first_start, struct error *e);
/* By the catalogue: asks for the well-known passwords; counts in d->pending. */
void guard_catalogue(struct daemon *d);

/* credentials.c: who the default user is. first: make what is to be made, print and keep it. */
bool credentials_make(struct credentials *c, const struct options *o, bool first, struct error *e);
void credentials_fini(struct credentials *c);

/* meta.c: what the daemon itself keeps in the catalogue. Appends to *out when it is there. */
bool meta_get(struct daemon *d, const char *key, struct buf *out, bool *found, struct error *e);
/* Writes it; counts in d->pending. The value stays where it is as long as d; key is static. */
void meta_keep(struct daemon *d, const char *key, struct view value);

/* signing_key.c: the key that signs SNS envelopes, from the catalogue or new. */
bool signing_key_get(struct daemon *d, struct error *e);
void signing_key_keep(struct daemon *d);
void signing_key_fini(struct daemon *d);

/* receipt_key.c: the secret that seals receipt handles, from the catalogue or new. */
bool receipt_key_get(struct daemon *d, struct error *e);
/* Writes a new one; counts in d->pending. */
void receipt_key_keep(struct daemon *d);

#endif
