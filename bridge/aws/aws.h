/* SPDX-License-Identifier: Apache-2.0 */
/* The AWS head: SQS and SNS over HTTP, AWS JSON 1.0 and Query/XML on one port,
 * one table of actions behind both (behaviour/sqs-sns.md). It is an HTTP
 * service: the wire part is net/http. */
#ifndef MQB_AWS_AWS_H
#define MQB_AWS_AWS_H

#include "access/access.h"
#include "base/header_codec.h"
#include "base/rng.h"
#include "engine/engine.h"
#include "mapping/cross.h"
#include "net/http.h"

struct aws_options {
	bool anonymous;           /* aws.anonymous */
	struct view anonymous_vhost, anonymous_user;
	bool signatures_unchecked; /* the key id alone names the caller; not aws.verify_signatures */
	struct view region;       /* when the request names none */
	struct view public_url;   /* scheme://host:port of queue URLs; empty: the request's Host */
	bool sixty_seconds;       /* aws.sixty_seconds */
	uint8_t receipt_key[32];
	struct cross_settings cross; /* of queues whose arguments say nothing else */
	size_t request_bytes_max; /* body of a request; 0: 8 MiB */
	int64_t idle_ms;          /* keep-alive without a request; 0: 60 s */
};

struct aws_counters {
	uint64_t bodies_guessed; /* text or base64 decided by the bytes alone */
	uint64_t receives_undone; /* answers that never reached their caller */
};

struct aws;

struct aws *aws_new(const struct aws_options *o, struct engine *engine, struct access *access,
		    const struct codecs *codecs, struct rng *rng);
/* After the last engine_run, when no HTTP connection is open any more. Leases of
 * receives stay as they are: they end by their deadline. */
void aws_free(struct aws *a);
void aws_counters(const struct aws *a, struct aws_counters *out);
/* The service to register with http_head; lives as long as a. */
struct http_service *aws_service(struct aws *a);

#endif
