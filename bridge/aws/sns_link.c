/* SPDX-License-Identifier: Apache-2.0 */
/* The links of an SNS envelope, which their readers follow without a signature
 * (sqs-sns.md §10): UnsubscribeURL and SigningCertURL. Who has the link of a
 * subscription may end it, as with AWS: its ARN has 122 random bits. */
#include "aws/sns_priv.h"

#include "base/signer.h"

static struct view query_find(const struct aws_call *c, const char *name)
{
	for (size_t i = 0; i < c->n_query; i++)
		if (view_is(c->pairs[i].name, name))
			return c->pairs[i].value;
	return VIEW_NONE;
}

bool aws_link(struct aws_call *c)
{
	struct view action = query_find(c, "Action");
	bool linked = view_is(action, "Unsubscribe") || view_is(action, "ConfirmSubscription");

	if (!linked || !view_is(c->r->method, "GET") || c->wire != WIRE_QUERY ||
	    http_header_find(c->r, "Authorization").n || query_find(c, "X-Amz-Algorithm").n)
		return false;
	c->by_link = true;
	c->service = AWS_SNS;
	c->user = VIEW("");
	c->vhost = VIEW("/");
	c->region = c->aws->o.region;
	return true;
}

bool aws_certificate(struct aws_call *c)
{
	const struct signer *signer = c->aws->o.signer;
	struct http_request *r = c->r;

	if (!signer || !view_is(r->method, "GET") || !view_eq(r->path, view_str(c->aws->certificate_path)))
		return false;
	struct http_header headers[] = {{VIEW("x-amzn-RequestId"), view_str(c->request_id)},
					{VIEW("Content-Type"), VIEW("application/x-pem-file")}};
	c->r = NULL;
	r->ctx = NULL;
	http_respond(r, 200, headers, 2, signer_certificate(signer));
	return true;
}
