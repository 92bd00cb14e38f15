/* SPDX-License-Identifier: Apache-2.0 */
/* The AWS head: SQS and SNS over HTTP, AWS JSON 1.0 and Query/XML on one port,
 * one table of actions behind both (behaviour/sqs-sns.md). It is an HTTP
 * service: the wire part is net/http. */
#ifndef MQB_AWS_AWS_H
#define MQB_AWS_AWS_H

#include "access/access.h"
#include "base/header_codec.h"
#include "base/rng.h"
#include "base/signer.h"
#include "engine/engine.h"
#include "mapping/cross.h"
#include "mapping/filter_policy.h"
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
	size_t sns_message_bytes_max; /* of an SNS Publish; 0: 256 KiB */
	struct filter_limits filter;  /* all 0: AWS's */
	const struct signer *signer;  /* of SNS envelopes; borrowed; NULL: they are not signed */
	int64_t idle_ms;          /* keep-alive without a request; 0: 60 s */
};

/* What makes the SNS envelopes of subscriptions that are not raw (engine.h). It is
 * there before the engine and the head, which is given to it later. */
struct aws_envelopes;
struct aws_envelope_options {
	const struct codecs *codecs;    /* borrowed */
	struct cross_settings cross;
	const struct signer *signer;    /* borrowed; NULL: unsigned */
};

struct aws_envelopes *aws_envelopes_new(const struct aws_envelope_options *o);
/* After the engine. */
void aws_envelopes_free(struct aws_envelopes *e);
/* For engine_options; lives as long as e. */
const struct envelope_maker *aws_envelopes_maker(struct aws_envelopes *e);
/* Before the first publish: the engine whose topics say how to sign. */
void aws_envelopes_engine(struct aws_envelopes *e, struct engine *engine);
/* scheme://host:port of the links in envelopes; copied. */
void aws_envelopes_url(struct aws_envelopes *e, struct view url);

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
