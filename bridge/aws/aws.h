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
	struct view region;       /* when the request names none */
	struct view public_url;   /* scheme://host:port of queue URLs; empty: the request's Host */
	uint8_t receipt_key[32];
};

struct aws;

struct aws *aws_new(const struct aws_options *o, struct engine *engine, struct access *access,
		    const struct codecs *codecs, struct rng *rng);
void aws_free(struct aws *a);
/* The service to register with http_head; lives as long as a. */
struct http_service *aws_service(struct aws *a);

#endif
