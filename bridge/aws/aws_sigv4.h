/* SPDX-License-Identifier: Apache-2.0 */
/* AWS Signature Version 4 over one request: pure functions, both forms, header
 * and presigned query (sqs-sns.md §9). Nothing is judged here but the form of
 * what was sent: who may call, and when, is aws_auth.c's. */
#ifndef MQB_AWS_AWS_SIGV4_H
#define MQB_AWS_AWS_SIGV4_H

#include "base/arena.h"
#include "base/buf.h"
#include "net/http.h"

enum {
	SIGV4_HEX = 64,               /* characters of a signature */
	SIGV4_TIME = 16,              /* YYYYMMDDTHHMMSSZ */
	SIGV4_SIGNED_HEADERS_MAX = 256,
	SIGV4_EXPIRES_S_MAX = 604800, /* a week */
};

struct sigv4_request {
	struct view method, path, body; /* the path as it is on the wire */
	const struct http_header *headers;
	size_t n_headers;
	const struct http_pair *query; /* of the query string, decoded */
	size_t n_query;
};

enum sigv4_form { SIGV4_NONE, SIGV4_HEADER, SIGV4_QUERY };

struct sigv4 {
	enum sigv4_form form;
	struct view id;    /* KEY/DATE/REGION/SERVICE: names one signing key */
	struct view scope; /* DATE/REGION/SERVICE/TERMINATOR */
	struct view key, date, region, service, terminator;
	struct view signed_headers, signature;
	char time[SIGV4_TIME + 1];
	int64_t at_ms;     /* the same since 1970 */
	int64_t expires_s; /* QUERY */
};

/* KEY/DATE/REGION/SERVICE/TERMINATOR; a key id may hold slashes itself. */
bool sigv4_credential(struct view credential, struct sigv4 *s);
/* NULL, or what is wrong with its form in AWS's words. form stays NONE when
 * there is no signature at all. Views are of the request. */
const char *sigv4_parse(const struct sigv4_request *r, struct sigv4 *s);
/* A header or query parameter of the request, as its form has it. */
struct view sigv4_session_token(const struct sigv4_request *r);

/* Appends the canonical request. normalize: of the path, as most signers do it. */
void sigv4_canonical(const struct sigv4_request *r, const struct sigv4 *s, bool normalize, struct arena *a,
		     struct buf *out);
/* Whether normalizing the path may change it. */
bool sigv4_path_differs(const struct sigv4_request *r);
void sigv4_string_to_sign(const struct sigv4 *s, const uint8_t canonical_sha256[32], struct buf *out);
void sigv4_signing_key(struct view secret, const struct sigv4 *s, uint8_t key[32]);
void sigv4_signature(const uint8_t key[32], struct view string_to_sign, char hex[SIGV4_HEX + 1]);

/* YYYYMMDDTHHMMSSZ */
void sigv4_time(int64_t wall_ms, char out[SIGV4_TIME + 1]);

#endif
