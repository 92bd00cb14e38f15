/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the AWS head share.
 *
 *   http_request ─► aws_call: who (aws_auth) ─► which action (aws_action)
 *                   ─► arguments (aws_args, either wire) ─► queue and permission
 *                   ─► the action's run() ─► engine verbs ─► events ─► answer
 *
 * Invariants: 1. a call holds its http_request until it has answered or the peer
 * is gone, then r is NULL and nothing of the request's arena is touched.
 * 2. a call has one engine session of its own while it waits; a session serves one call at
 * a time and outlives it, because leases of a receive lie in it. 3. a call ends
 * when it waits for nothing and r is NULL. */
#ifndef MQB_AWS_AWS_PRIV_H
#define MQB_AWS_AWS_PRIV_H

#include <jansson.h>

#include "aws/aws.h"
#include "base/list.h"
#include "base/map.h"

enum {
	SQS_BATCH_MAX = 10,
	SNS_MESSAGE_BYTES_MAX = 262144,
	AWS_CERTIFICATE_PATH = 80,
	SQS_MESSAGE_BYTES_MAX = 1048576,
	SQS_DELAY_S_MAX = 900,
	SQS_VISIBILITY_S_MAX = 43200,
	SQS_WAIT_S_MAX = 20,
	SQS_TAGS_MAX = 50,
	LIST_QUEUES_MAX = 1000,
	LIST_TOPICS_MAX = 100,
	LIST_SUBSCRIPTIONS_MAX = 100,
	ARG_ITEMS_MAX = 256, /* items of one list or map; AWS takes 10 in most */
};

/* ---- arguments (aws_args.c, aws_args_json.c, aws_args_query.c) ---- */

enum arg_kind {
	ARG_TEXT,
	ARG_INT,
	ARG_TEXTS,      /* list of strings; Query: Name.N */
	ARG_PAIRS,      /* string → string; Query: Name.N.Name (or Key), .Value */
	ARG_ATTRIBUTES, /* name → {DataType, StringValue | BinaryValue} */
	ARG_ENTRIES,    /* list of structures, `entry` describes one */
};

struct arg_spec {
	const char *name;              /* JSON member; NULL ends a list */
	const char *query;             /* Query prefix; NULL: as name */
	enum arg_kind kind;
	const struct arg_spec *entry;
};

struct arg_attribute {
	struct view name, type, value;
	bool has_type, has_value;
	bool binary; /* value came as BinaryValue */
};

struct args {
	const struct arg_spec *specs;
	struct arg *v; /* one for each spec */
};

struct arg {
	bool set;
	struct view text;   /* TEXT */
	int64_t number;     /* INT */
	size_t n, cap;      /* items */
	uint32_t *index;    /* Query: N of each item */
	union {
		struct view *texts;
		struct attribute *pairs;
		struct arg_attribute *attributes;
		struct args *entries;
	};
};

/* ---- faults (aws_error.c) ---- */

enum fault {
	FAULT_NONE,
	FAULT_QUEUE_MISSING,
	FAULT_QUEUE_EXISTS,
	FAULT_DELETED_RECENTLY,
	FAULT_PURGE_IN_PROGRESS,
	FAULT_BATCH_TOO_MANY,
	FAULT_BATCH_EMPTY,
	FAULT_BATCH_ID,
	FAULT_BATCH_IDS,
	FAULT_BATCH_TOO_LONG,
	FAULT_OVER_LIMIT,
	FAULT_RECEIPT,
	FAULT_ATTRIBUTE_NAME,
	FAULT_ATTRIBUTE_VALUE,
	FAULT_CONTENTS,
	FAULT_PARAMETER,
	FAULT_MISSING_PARAMETER,
	FAULT_SNS_PARAMETER,
	FAULT_SNS_ATTRIBUTE,
	FAULT_SNS_VALIDATION,
	FAULT_SNS_TOPIC_MISSING,
	FAULT_SNS_SUBSCRIPTION_MISSING,
	FAULT_SNS_RESOURCE_MISSING,
	FAULT_SNS_ACCESS,
	FAULT_SNS_TAGS,
	FAULT_SNS_BATCH_TOO_MANY,
	FAULT_SNS_BATCH_EMPTY,
	FAULT_SNS_BATCH_ID,
	FAULT_SNS_BATCH_IDS,
	FAULT_SNS_BATCH_TOO_LONG,
	FAULT_UNSUPPORTED,
	FAULT_ACTION,
	FAULT_MISSING_ACTION,
	FAULT_MALFORMED_QUERY,
	FAULT_SERIALIZATION,
	FAULT_TOKEN_ID,
	FAULT_TOKEN_MISSING,
	FAULT_SIGNATURE_INCOMPLETE,
	FAULT_SIGNATURE,
	FAULT_EXPIRED,
	FAULT_ACCESS,
	FAULT_UNAVAILABLE,
	FAULT_INTERNAL,
	FAULTS,
};

struct refusal {
	enum fault fault;
	struct view text; /* in the request's arena; empty: the fault's own */
};

/* ---- calls ---- */

enum aws_wire { WIRE_JSON, WIRE_QUERY };
enum aws_service { AWS_SQS, AWS_SNS };

enum aws_scope {
	ON_ACCOUNT,
	ON_QUEUE,      /* the queue of QueueUrl or of the path */
	ON_QUEUE_SEEN, /* the same; any permission on it will do */
};

struct aws_call;
struct aws_action {
	const char *name;
	enum aws_service service;
	enum aws_scope scope;
	bool answers;            /* Query: has a Result element */
	enum access_verb verb;   /* needed on that queue */
	void (*run)(struct aws_call *c);
	const struct arg_spec *specs;
};

struct aws_session {
	struct link link; /* idle, of its account */
	struct aws_account *account;
	uint64_t id;
	struct aws_call *call; /* NULL: idle */
};

struct aws_account {
	struct aws *aws;
	uint64_t conn;
	struct view key; /* user NUL vhost, behind the struct */
	struct link idle;
};

struct aws_queue {
	struct view name, vhost; /* true name */
	uint32_t uid;
};

struct aws_topic {
	struct view name, vhost; /* true name */
	struct view arn, account;
};

struct aws_call {
	struct link link; /* of aws.calls, or free */
	struct aws *aws;
	struct http_request *r; /* NULL: answered or gone */
	struct arena *arena;    /* of r */
	struct now now;
	enum aws_wire wire;
	enum aws_service service;
	const struct aws_action *action;
	char request_id[37];
	const struct http_pair *pairs;
	size_t n_pairs, n_query; /* the query string's come first */
	struct view user, vhost, region;
	struct args args;
	struct aws_queue queue;
	struct aws_topic topic;
	bool by_link; /* whoever has the link of an envelope: nobody signed */
	struct aws_session *session;
	uint64_t cmd, n_cmds;   /* first command or tag; item i has cmd + i */
	size_t waiting;         /* engine answers still to come */
	void *state;            /* the action's, in the arena */
	void (*event)(struct aws_call *c, const struct event *ev);
	/* The peer is gone; sets waiting to what still comes. NULL: all of it comes. */
	void (*cancel)(struct aws_call *c);
};

struct aws {
	struct aws_options o;
	struct engine *engine;
	struct access *access;
	const struct codecs *codecs;
	struct rng *rng;
	struct http_service service;
	struct mapv accounts;   /* user NUL vhost → struct aws_account */
	struct link calls, free_calls;
	struct link handovers;  /* answers of receives on their way to the socket */
	struct map64 guesses;   /* queue uid → struct body_guess */
	struct mapv signing_keys; /* KEY/DATE/REGION/SERVICE → struct signing_key (aws_auth.c) */
	struct mapv recent;     /* sqs_sixty_seconds.c */
	struct link recent_order;
	char certificate_path[AWS_CERTIFICATE_PATH]; /* empty: envelopes are not signed */
	struct buf reply;       /* the one answer being written */
	struct buf scratch;
	uint64_t next_cmd;
	struct aws_counters counters;
};

/* aws.c: an engine session for the vhost of c->queue or c->topic; c->cmd is set for n commands,
 * c->waiting to n. false: has answered. */
bool aws_call_engage(struct aws_call *c, size_t n);
/* Answers and leaves r NULL. */
void aws_call_answer(struct aws_call *c, int status, const char *query_error, struct view body);

/* The event of an action with one command and no output. */
void aws_on_done(struct aws_call *c, const struct event *ev);

/* aws_session.c */
struct aws_session *aws_session_take(struct aws *a, struct view user, struct view vhost);
void aws_session_give(struct aws_session *s);
void aws_accounts_free(struct aws *a);
/* aws.c: an engine event for the call of a session. */
void aws_call_event(struct aws_call *c, const struct event *ev);

/* aws.c: what a call waited for beside the engine's events is there. */
void aws_call_waited(struct aws_call *c, void (*then)(struct aws_call *c));

/* aws_auth.c: fills user, vhost, region. */
bool aws_auth(struct aws_call *c, struct refusal *f);
void aws_signing_keys_free(struct aws *a);
bool aws_may_see(struct aws_call *c, struct view vhost, struct view name);
bool aws_may(struct aws_call *c, enum access_verb verb, struct view vhost, struct view name,
	     enum aws_service service, struct refusal *f);

/* aws_envelope.c: "/SimpleNotificationService-<hex>.pem", the hex being of the certificate. */
void aws_certificate_path(const struct signer *s, char out[AWS_CERTIFICATE_PATH]);

/* sns_link.c: what nobody signs: the links of an SNS envelope. */
/* Unsubscribe and ConfirmSubscription by GET without a signature: fills user, vhost, region. */
bool aws_link(struct aws_call *c);
/* GET of the certificate: answered. */
bool aws_certificate(struct aws_call *c);

/* aws_action.c */
const struct aws_action *aws_action_find(enum aws_service service, struct view name);

/* aws_args.c */
void args_init(struct args *args, const struct arg_spec *specs, struct arena *a);
/* Must be in the action's specs. */
const struct arg *args_get(const struct args *args, const char *name);
/* Query prefix of a spec. */
struct view arg_prefix(const struct arg_spec *s);
bool arg_int_parse(struct view text, int64_t *out);
/* Item `at`, grown by one item of `size` bytes when it is the next. */
void *arg_item(struct arg *arg, size_t at, size_t size, struct arena *a);
bool args_from_json(struct aws_call *c, struct refusal *f);
bool args_from_query(struct aws_call *c, struct refusal *f);

/* aws_queue.c */
bool aws_queue_resolve(struct aws_call *c, struct view url, struct aws_queue *out, struct refusal *f);
bool aws_queue_named(struct aws_call *c, struct view vhost, struct view name, struct aws_queue *out);
/* In the arena. */
struct view aws_queue_url(struct aws_call *c, struct view vhost, struct view true_name);
struct view aws_queue_arn(struct aws_call *c, struct view vhost, struct view true_name);
/* An integer attribute of a queue, or its default. */
int64_t aws_queue_number(struct aws_call *c, const struct aws_queue *q, const char *name, int64_t fallback);

/* aws_error.c */
struct fault_row {
	int status;
	bool receiver; /* our fault, not the sender's */
	const char *shape, *code, *text, *query_text;
};
const struct fault_row *fault_row(enum fault f);
/* Fills *f; returns false so that `return refuse(...)` reads well. */
bool refuse(struct aws_call *c, struct refusal *f, enum fault fault, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
bool refuse_engine(struct aws_call *c, struct refusal *f, const struct error *e);
bool refuse_missing(struct aws_call *c, struct refusal *f, const char *parameter);
/* A value as it may stand in a text: "%.*s" of it is legal and not too long. */
struct view shown(struct aws_call *c, struct view v);
struct view refusal_text(const struct aws_call *c, const struct refusal *f);
/* Answers the call. */
void aws_call_refuse(struct aws_call *c, const struct refusal *f);

/* aws_reply.c: one answer at a time, into aws.reply. */
void reply_begin(struct aws_call *c);
void reply_end(struct aws_call *c); /* closes and answers 200 */
void reply_text(struct aws_call *c, const char *name, struct view v);
void reply_bool(struct aws_call *c, const char *name, bool v);
/* wrapper: the XML element around a list; NULL: flattened. */
void reply_list_open(struct aws_call *c, const char *name, const char *wrapper);
void reply_list_close(struct aws_call *c, const char *wrapper);
void reply_item_open(struct aws_call *c, const char *element);
void reply_item_close(struct aws_call *c, const char *element);
void reply_item_text(struct aws_call *c, const char *element, struct view v);
void reply_map_open(struct aws_call *c, const char *name);
void reply_map_close(struct aws_call *c);
void reply_entry_open(struct aws_call *c, const char *element, struct view key);
void reply_entry_close(struct aws_call *c, const char *element);
void reply_entry_text(struct aws_call *c, const char *element, struct view key, struct view v);
/* The map Attributes of SNS: entries with key and value. */
void reply_attributes_open(struct aws_call *c);
void reply_attribute(struct aws_call *c, const char *name, struct view v);
void reply_attributes_close(struct aws_call *c);
/* A Tag has a Key where an Attribute has a Name. */
void reply_tag(struct aws_call *c, struct view key, struct view v);
void reply_error(struct aws_call *c, const struct fault_row *row, struct view text);

/* sqs_batch.c */
/* Checks that hold for every batch action; the entries' specs have an "Id". */
bool batch_check(struct aws_call *c, const char *entry_shape, const struct arg **entries, struct refusal *f);
/* One row of Failed[]. */
void batch_failed(struct aws_call *c, struct view id, const struct refusal *f);

/* sqs_queue_attributes.c: names, ranges, combinations. The checked ones in *out,
 * in the arena, with room for one more. */
struct attribute_list {
	struct attribute *v;
	size_t n;
};
/* CreateQueue: what says "none" is left out. */
bool queue_attributes_create(struct aws_call *c, const struct arg *given, struct view queue,
			     struct attribute_list *out, struct refusal *f);
/* SetQueueAttributes: an empty value takes an attribute away. */
bool queue_attributes_set(struct aws_call *c, const struct arg *given, struct attribute_list *out,
			  struct refusal *f);

/* sqs_sixty_seconds.c: what AWS allows once in 60 s, with aws.sixty_seconds only. */
enum once_kind { ONCE_DELETED = 'd', ONCE_PURGED = 'p' };
bool once_recent(struct aws_call *c, enum once_kind kind, struct view vhost, struct view name);
void once_note(struct aws_call *c, enum once_kind kind, struct view vhost, struct view name);
void aws_recent_free(struct aws *a);

/* aws_tags.c: tags as the one attribute TAGS_ATTRIBUTE that neither SQS nor SNS shows. */
#define TAGS_ATTRIBUTE "mqb.tags"
const char *tag_key_fault(struct view key); /* AWS's text; NULL: none */
const char *tag_fault(const struct attribute *tag);
void tag_put(json_t *all, const struct attribute *tag);
void tag_remove(json_t *all, struct view key);
struct view tags_packed(struct aws_call *c, json_t *all); /* frees all; empty when there are none */
json_t *tags_unpacked(struct view v); /* a new reference; an empty object when there are none */

/* sqs_tags.c */
/* false: refused; *out is empty when there are none. */
bool tags_pack(struct aws_call *c, const struct arg *tags, struct view *out, struct refusal *f);

/* sqs_cross.c: settings of c->queue; what an SQS reader of it gets (counts guesses). */
void aws_cross_settings(struct aws_call *c, struct cross_settings *s);
void aws_cross(struct aws_call *c, const struct cross_settings *s, const struct message *m, struct cross_sqs *out);
void aws_guesses_free(struct aws *a);

/* sqs_fetch.c: reads bodies that lie outside of memory. false: there are none
 * among the first that go into one answer; else `then` follows, maybe with fewer;
 * the leases of the others are back. Borrows v. */
bool sqs_fetch(struct aws_call *c, const struct delivery *v, size_t n,
	       void (*then)(struct aws_call *c, const struct delivery *v, size_t n));

/* sqs_receive.c */
/* As if they had never been received. */
void sqs_receive_undo(struct aws_call *c, const struct delivery *v, size_t n);
void aws_handovers_free(struct aws *a);

/* sqs_page.c: tokens of a list by name */
struct view page_token(struct aws_call *c, struct view last);
bool page_token_open(struct aws_call *c, struct view token, struct view *last);

/* The actions. */
void sqs_create_queue(struct aws_call *c);
void sqs_get_queue_url(struct aws_call *c);
void sqs_list_queues(struct aws_call *c);
void sqs_list_dead_letter_source_queues(struct aws_call *c);
void sqs_send_message(struct aws_call *c);
void sqs_send_message_batch(struct aws_call *c);
void sqs_receive_message(struct aws_call *c);
void sqs_delete_message(struct aws_call *c);
void sqs_delete_message_batch(struct aws_call *c);
void sqs_change_visibility(struct aws_call *c);
void sqs_change_visibility_batch(struct aws_call *c);
void sqs_delete_queue(struct aws_call *c);
void sqs_purge_queue(struct aws_call *c);
void sqs_get_queue_attributes(struct aws_call *c);
void sqs_set_queue_attributes(struct aws_call *c);
void sqs_list_queue_tags(struct aws_call *c);
void sqs_tag_queue(struct aws_call *c);
void sqs_untag_queue(struct aws_call *c);
void sqs_add_permission(struct aws_call *c);
void sqs_remove_permission(struct aws_call *c);
void sns_list_topics(struct aws_call *c);
void sns_create_topic(struct aws_call *c);
void sns_delete_topic(struct aws_call *c);
void sns_get_topic_attributes(struct aws_call *c);
void sns_set_topic_attributes(struct aws_call *c);
void sns_subscribe(struct aws_call *c);
void sns_confirm_subscription(struct aws_call *c);
void sns_unsubscribe(struct aws_call *c);
void sns_list_subscriptions(struct aws_call *c);
void sns_list_subscriptions_by_topic(struct aws_call *c);
void sns_get_subscription_attributes(struct aws_call *c);
void sns_set_subscription_attributes(struct aws_call *c);
void sns_publish(struct aws_call *c);
void sns_publish_batch(struct aws_call *c);
void sns_list_tags(struct aws_call *c);
void sns_tag_resource(struct aws_call *c);
void sns_untag_resource(struct aws_call *c);
void sns_add_permission(struct aws_call *c);
void sns_remove_permission(struct aws_call *c);
void sns_get_data_protection_policy(struct aws_call *c);
void sns_put_data_protection_policy(struct aws_call *c);

#endif
