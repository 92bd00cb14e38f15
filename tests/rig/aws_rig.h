/* SPDX-License-Identifier: Apache-2.0 */
/* The AWS head over an engine on the memory store, a virtual clock and HTTP
 * connections without sockets: what its unit tests and its fuzz target stand on. */
#ifndef MQB_TESTS_AWS_RIG_H
#define MQB_TESTS_AWS_RIG_H

#include "aws/aws.h"
#include "base/wire.h"

struct aws_rig {
	struct aws_options options; /* set before opening */
	uint32_t in_flight_max;     /* 0: the engine's default */
	bool far;                   /* peers are not on this machine */
	struct store *store;
	struct engine *engine;
	struct access *access;
	struct aws *aws;
	struct aws_envelopes *envelopes; /* signed with options.signer */
	struct codecs codecs;
	struct rng rng;
	struct now now;
};

/* One HTTP connection. */
struct aws_peer {
	struct aws_rig *rig;
	struct wire wire;
	struct buf in; /* answers not taken yet */
};

struct aws_answer {
	int status; /* 0: there is none yet */
	struct view body, head; /* valid until the peer's next answer is taken */
};

void aws_rig_open(struct aws_rig *r);
void aws_rig_close(struct aws_rig *r);
/* Engine and store until nothing moves; answers stay in the wires. */
void aws_rig_run(struct aws_rig *r);
/* Moves both clocks, then runs. */
void aws_rig_pass(struct aws_rig *r, int64_t ms);

void aws_peer_open(struct aws_peer *p, struct aws_rig *r);
void aws_peer_close(struct aws_peer *p, enum wire_end end);
void aws_peer_bytes(struct aws_peer *p, struct view bytes);
/* The bytes of a whole request, signed; key NULL: unsigned. Does not run. */
void aws_peer_json(struct aws_peer *p, const char *action, const char *json, const char *key);
void aws_peer_query(struct aws_peer *p, const char *service, const char *form, const char *key);
/* GET with everything in the query string, signed there. */
void aws_peer_presigned(struct aws_peer *p, const char *path, const char *query, const char *key, int expires_s);
/* Hands what was written to the peer. */
void aws_peer_flush(struct aws_peer *p);
/* Flushes and takes the next answer off the connection. */
struct aws_answer aws_peer_take(struct aws_peer *p);

#endif
