/* SPDX-License-Identifier: Apache-2.0 */
/* Faults and how AWS words them: the shape of AWS JSON, the code of Query, the
 * status (sqs-sns.md 1.3, 1.4). One table for both wire protocols. */
#include "aws/aws_priv.h"

#include <stdarg.h>
#include <stdio.h>

#define PREFIX "AWS.SimpleQueueService."

static const struct fault_row rows[FAULTS] = {
	[FAULT_QUEUE_MISSING] = {400, false, "QueueDoesNotExist", PREFIX "NonExistentQueue",
				 "The specified queue does not exist.",
				 "The specified queue does not exist for this wsdl version."},
	[FAULT_QUEUE_EXISTS] = {400, false, "QueueNameExists", "QueueAlreadyExists",
				"A queue already exists with the same name.", NULL},
	[FAULT_DELETED_RECENTLY] = {400, false, "QueueDeletedRecently", PREFIX "QueueDeletedRecently",
				    "You must wait 60 seconds after deleting a queue before you can create another "
				    "with the same name.",
				    NULL},
	[FAULT_PURGE_IN_PROGRESS] = {403, false, "PurgeQueueInProgress", PREFIX "PurgeQueueInProgress", NULL, NULL},
	[FAULT_BATCH_TOO_MANY] = {400, false, "TooManyEntriesInBatchRequest",
				  PREFIX "TooManyEntriesInBatchRequest", NULL, NULL},
	[FAULT_BATCH_EMPTY] = {400, false, "EmptyBatchRequest", PREFIX "EmptyBatchRequest", NULL, NULL},
	[FAULT_BATCH_ID] = {400, false, "InvalidBatchEntryId", PREFIX "InvalidBatchEntryId",
			    "A batch entry id can only contain alphanumeric characters, hyphens and "
			    "underscores. It can be at most 80 letters long.",
			    NULL},
	[FAULT_BATCH_IDS] = {400, false, "BatchEntryIdsNotDistinct", PREFIX "BatchEntryIdsNotDistinct", NULL,
			     NULL},
	[FAULT_BATCH_TOO_LONG] = {400, false, "BatchRequestTooLong", PREFIX "BatchRequestTooLong", NULL, NULL},
	[FAULT_OVER_LIMIT] = {403, false, "OverLimit", "OverLimit",
			      "The number of messages in flight has reached the limit.", NULL},
	[FAULT_RECEIPT] = {400, false, "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", NULL, NULL},
	[FAULT_ATTRIBUTE_NAME] = {400, false, "InvalidAttributeName", "InvalidAttributeName", NULL, NULL},
	[FAULT_ATTRIBUTE_VALUE] = {400, false, "InvalidAttributeValue", "InvalidAttributeValue", NULL, NULL},
	[FAULT_CONTENTS] = {400, false, "InvalidMessageContents", "InvalidMessageContents",
			    "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to "
			    "#xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
			    NULL},
	[FAULT_PARAMETER] = {400, false, "InvalidParameterValueException", "InvalidParameterValue", NULL, NULL},
	[FAULT_MISSING_PARAMETER] = {400, false, "MissingRequiredParameterException", "MissingParameter", NULL,
				     NULL},
	[FAULT_SNS_PARAMETER] = {400, false, "InvalidParameterException", "InvalidParameter", NULL, NULL},
	[FAULT_SNS_ATTRIBUTE] = {400, false, "InvalidParameterValueException", "ParameterValueInvalid", NULL, NULL},
	[FAULT_SNS_VALIDATION] = {400, false, "ValidationError", "ValidationError", NULL, NULL},
	[FAULT_SNS_TOPIC_MISSING] = {404, false, "NotFoundException", "NotFound", "Topic does not exist", NULL},
	[FAULT_SNS_SUBSCRIPTION_MISSING] = {404, false, "NotFoundException", "NotFound", "Subscription does not exist",
					    NULL},
	[FAULT_SNS_RESOURCE_MISSING] = {404, false, "ResourceNotFoundException", "ResourceNotFound",
					"Resource does not exist", NULL},
	[FAULT_SNS_ACCESS] = {403, false, "AuthorizationErrorException", "AuthorizationError", NULL, NULL},
	[FAULT_SNS_TAGS] = {400, false, "TagLimitExceededException", "TagLimitExceeded",
			    "Could not complete request: tag quota of per resource exceeded", NULL},
	[FAULT_SNS_BATCH_TOO_MANY] = {400, false, "TooManyEntriesInBatchRequestException",
				      "TooManyEntriesInBatchRequest",
				      "The batch request contains more entries than permissible.", NULL},
	[FAULT_SNS_BATCH_EMPTY] = {400, false, "EmptyBatchRequestException", "EmptyBatchRequest",
				   "The batch request doesn't contain any entries.", NULL},
	[FAULT_SNS_BATCH_ID] = {400, false, "InvalidBatchEntryIdException", "InvalidBatchEntryId", NULL, NULL},
	[FAULT_SNS_BATCH_IDS] = {400, false, "BatchEntryIdsNotDistinctException", "BatchEntryIdsNotDistinct",
				 "Two or more batch entries in the request have the same Id.", NULL},
	[FAULT_SNS_BATCH_TOO_LONG] = {400, false, "BatchRequestTooLongException", "BatchRequestTooLong",
				      "The length of all the messages put together is more than the limit.", NULL},
	[FAULT_UNSUPPORTED] = {400, false, "UnsupportedOperation", PREFIX "UnsupportedOperation", NULL, NULL},
	[FAULT_ACTION] = {400, false, "InvalidAction", "InvalidAction", NULL, NULL},
	[FAULT_MISSING_ACTION] = {400, false, "MissingAction", "MissingAction",
				  "The request must contain the parameter Action.", NULL},
	[FAULT_MALFORMED_QUERY] = {400, false, "MalformedQueryString", "MalformedQueryString",
				   "The query string is malformed.", NULL},
	[FAULT_SERIALIZATION] = {400, false, "SerializationException", "SerializationException", NULL, NULL},
	[FAULT_TOKEN_ID] = {403, false, "InvalidClientTokenId", "InvalidClientTokenId",
			    "The security token included in the request is invalid.", NULL},
	[FAULT_TOKEN_MISSING] = {403, false, "MissingAuthenticationToken", "MissingAuthenticationToken",
				 "Request is missing Authentication Token", NULL},
	[FAULT_SIGNATURE_INCOMPLETE] = {400, false, "IncompleteSignature", "IncompleteSignature", NULL, NULL},
	[FAULT_SIGNATURE] = {403, false, "SignatureDoesNotMatch", "SignatureDoesNotMatch",
			     "The request signature we calculated does not match the signature you provided. Check "
			     "your AWS Secret Access Key and signing method. Consult the service documentation for "
			     "details.",
			     NULL},
	[FAULT_EXPIRED] = {400, false, "RequestExpired", "RequestExpired", "Request has expired.", NULL},
	[FAULT_ACCESS] = {403, false, "AccessDeniedException", "AccessDenied", NULL, NULL},
	[FAULT_UNAVAILABLE] = {503, true, "ServiceUnavailable", "ServiceUnavailable",
			       "The request has failed due to a temporary failure of the server.", NULL},
	[FAULT_INTERNAL] = {500, true, "InternalFailure", "InternalFailure",
			    "The request processing has failed because of an unknown error.", NULL},
};

const struct fault_row *fault_row(enum fault f)
{
	return &rows[f == FAULT_NONE ? FAULT_INTERNAL : f];
}

bool refuse(struct aws_call *c, struct refusal *f, enum fault fault, const char *fmt, ...)
{
	va_list ap;
	char *text;

	*f = (struct refusal){.fault = fault};
	if (!fmt)
		return false;
	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n >= 0) {
		f->text = arena_copy(c->arena, view_of(text, (size_t)n));
		free(text);
	}
	return false;
}

bool refuse_missing(struct aws_call *c, struct refusal *f, const char *parameter)
{
	return refuse(c, f, FAULT_MISSING_PARAMETER, "The request must contain the parameter %s.", parameter);
}

/* Codes of the engine that have no text of AWS's own where they come up. */
bool refuse_engine(struct aws_call *c, struct refusal *f, const struct error *e)
{
	static const enum fault faults[CODES] = {
		[CODE_NOT_FOUND] = FAULT_QUEUE_MISSING, [CODE_DIFFERENT] = FAULT_QUEUE_EXISTS,
		[CODE_EXISTS] = FAULT_QUEUE_EXISTS,     [CODE_LOCKED] = FAULT_ACCESS,
		[CODE_REFUSED] = FAULT_ACCESS,          [CODE_IN_USE] = FAULT_UNSUPPORTED,
		[CODE_NOT_EMPTY] = FAULT_UNSUPPORTED,   [CODE_INVALID] = FAULT_PARAMETER,
		[CODE_EXPIRED] = FAULT_PARAMETER,       [CODE_LIMIT] = FAULT_OVER_LIMIT,
		[CODE_UNSUPPORTED] = FAULT_UNSUPPORTED, [CODE_UNAVAILABLE] = FAULT_UNAVAILABLE,
	};
	enum fault fault = faults[e->code] ? faults[e->code] : FAULT_INTERNAL;

	if (rows[fault].text)
		return refuse(c, f, fault, NULL);
	return refuse(c, f, fault, "%s", e->text);
}

struct view shown(struct aws_call *c, struct view v)
{
	enum { SHOWN_MAX = 1024 };

	if (v.n > SHOWN_MAX) {
		v.n = SHOWN_MAX;
		while (v.n && (v.p[v.n] & 0xc0) == 0x80)
			v.n--;
	}
	if (sqs_text_legal(v))
		return v;
	uint8_t *copy = arena_alloc(c->arena, v.n);
	for (size_t i = 0; i < v.n; i++)
		copy[i] = v.p[i] < 0x20 || v.p[i] > 0x7e ? '?' : v.p[i];
	return view_of(copy, v.n);
}

struct view refusal_text(const struct aws_call *c, const struct refusal *f)
{
	const struct fault_row *row = fault_row(f->fault);

	if (f->text.n)
		return f->text;
	if (c->wire == WIRE_QUERY && row->query_text)
		return view_str(row->query_text);
	return view_str(row->text);
}

void aws_call_refuse(struct aws_call *c, const struct refusal *f)
{
	reply_error(c, fault_row(f->fault), refusal_text(c, f));
}
