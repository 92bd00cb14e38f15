/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of subscriptions without raw delivery: the SNS envelope around what
 * was published over any protocol (cross-protocol.md, The SNS envelope; sqs-sns.md §14).
 *
 * What the subscriptions of one publish share is made once: the crossing of the
 * message, and for each topic ARN the text up to the UnsubscribeURL, with its
 * signature. Each subscription adds its own link and copies the rest.
 *
 * An envelope has no SQS attributes; that it is JSON is told to legacy readers alone. */
#include "aws/sns_priv.h"

#include <stdlib.h>

#include "base/crypto.h"
#include "mapping/sns_envelope.h"

enum { URL_BYTES_MAX = 1100 };

struct aws_envelopes {
	struct aws_envelope_options o;
	struct envelope_maker maker;
	struct engine *engine;
	char certificate_path[AWS_CERTIFICATE_PATH];
	struct buf url;
};

/* Envelopes of one publish to one topic ARN. */
struct variant {
	struct variant *next;
	struct view topic_arn;
	struct view head, tail;
};

struct shared {
	struct arena arena;
	struct cross_sqs x;
	const struct sqs_attribute *attributes; /* all, those beyond ten too */
	size_t n;
	struct view raw;                  /* of every envelope message */
	char message_id[UUID_CHARS + 1], timestamp[SNS_TIMESTAMP_CHARS + 1];
	struct variant *variants;
};

void aws_certificate_path(const struct signer *s, char out[AWS_CERTIFICATE_PATH])
{
	static const char start[] = "/SimpleNotificationService-";
	uint8_t hash[32];
	char hex[33];

	crypto_sha256(signer_certificate(s), hash);
	hex_encode(view_of(hash, 16), hex);
	memcpy(out, start, sizeof(start) - 1);
	memcpy(out + sizeof(start) - 1, hex, 32);
	memcpy(out + sizeof(start) - 1 + 32, ".pem", 5);
}

/* ---- what a publish shares ---- */

/* An SNS message shows all of its attributes; one of AMQP those it is promoted to. */
static void attributes_take(const struct message *m, struct shared *sh)
{
	struct sqs_attributes *own = arena_alloc(&sh->arena, sizeof(*own));
	bool sns = m->raw_kind == RAW_SQS && sqs_attributes_decode(m->raw, own);

	sh->attributes = sqs_attributes_all(sns ? own : &sh->x.attributes, &sh->arena, &sh->n);
}

static struct shared *shared_new(struct aws_envelopes *e, const struct message *m)
{
	struct shared *sh = mem_zalloc(sizeof(*sh));
	struct buf raw;

	arena_init(&sh->arena);
	cross_to_sqs(&e->o.cross, e->o.codecs, m, &sh->arena, &sh->x);
	attributes_take(m, sh);
	uuid_format(m->id, sh->message_id);
	sns_timestamp(m->sent_ms, sh->timestamp);

	struct sqs_attributes kept = {.content_type = VIEW("application/json"),
				      .trace_header = sh->x.attributes.trace_header,
				      .group_id = sh->x.attributes.group_id};
	buf_init(&raw, SIZE_MAX / 2);
	sqs_attributes_encode(&kept, &raw);
	sh->raw = arena_copy(&sh->arena, buf_view(&raw));
	buf_fini(&raw);
	return sh;
}

static void shared_done(void *ctx, void *shared)
{
	struct shared *sh = shared;

	(void)ctx;
	arena_fini(&sh->arena);
	free(sh);
}

/* ---- one topic ARN ---- */

/* The three fields of a signature; without a key, or when it fails, there are none. */
static void sign(struct aws_envelopes *e, const struct subscription_stat *s, struct shared *sh,
		 struct sns_envelope *v)
{
	struct buf text, signature;
	struct view version;

	if (!e->o.signer)
		return;
	if (!engine_topic_attribute(e->engine, s->vhost, s->topic, VIEW("SignatureVersion"), &version))
		version = VIEW("1");
	bool newer = view_is(version, "2");
	buf_init(&text, SIZE_MAX / 2);
	buf_init(&signature, SIZE_MAX / 2);
	sns_envelope_to_sign(v, &text);
	if (signer_sign(e->o.signer, newer ? SIGNER_SHA256 : SIGNER_SHA1, buf_view(&text), &signature)) {
		buf_clear(&text);
		base64_add(&text, buf_view(&signature));
		v->signature_version = newer ? VIEW("2") : VIEW("1");
		v->signature = arena_copy(&sh->arena, buf_view(&text));
		v->certificate_url = view_str(
			arena_printf(&sh->arena, "%.*s%s", VIEW_ARG(buf_view(&e->url)), e->certificate_path));
	}
	buf_fini(&text);
	buf_fini(&signature);
}

static struct variant *variant_new(struct aws_envelopes *e, const struct subscription_stat *s, struct view topic_arn,
				   struct shared *sh)
{
	struct variant *va = arena_alloc(&sh->arena, sizeof(*va));
	struct sns_envelope v = {
		.message_id = view_str(sh->message_id),
		.topic_arn = topic_arn,
		.subject = sh->x.subject,
		.message = sh->x.body,
		.timestamp = view_str(sh->timestamp),
		.attributes = sh->attributes,
		.n_attributes = sh->n,
	};
	struct buf b;

	sign(e, s, sh, &v);
	buf_init(&b, SIZE_MAX / 2);
	sns_envelope_head(&v, &b);
	va->topic_arn = arena_copy(&sh->arena, topic_arn);
	va->head = arena_copy(&sh->arena, buf_view(&b));
	buf_clear(&b);
	sns_envelope_tail(&v, &b);
	va->tail = arena_copy(&sh->arena, buf_view(&b));
	buf_fini(&b);
	va->next = sh->variants;
	sh->variants = va;
	return va;
}

static struct variant *variant_of(struct aws_envelopes *e, const struct subscription_stat *s, struct view topic_arn,
				  struct shared *sh)
{
	for (struct variant *va = sh->variants; va; va = va->next)
		if (view_eq(va->topic_arn, topic_arn))
			return va;
	return variant_new(e, s, topic_arn, sh);
}

/* ---- one subscription ---- */

static struct body *body_make(struct aws_envelopes *e, const struct subscription_stat *s, const struct variant *va)
{
	struct buf link, url;

	buf_init(&url, SIZE_MAX / 2);
	buf_printf(&url, "%.*s/?Action=Unsubscribe&SubscriptionArn=%.*s:%.*s", VIEW_ARG(buf_view(&e->url)),
		   VIEW_ARG(va->topic_arn), VIEW_ARG(s->id));
	buf_init(&link, SIZE_MAX / 2);
	sns_envelope_unsubscribe(buf_view(&url), &link);

	struct body *b = body_new(va->head.n + link.n + va->tail.n);
	if (b && !(body_append(b, va->head) && body_append(b, buf_view(&link)) && body_append(b, va->tail))) {
		body_unref(b);
		b = NULL;
	}
	buf_fini(&link);
	buf_fini(&url);
	return b;
}

static struct message *make(void *ctx, const struct message *m, const struct subscription_stat *s, void **shared)
{
	struct aws_envelopes *e = ctx;
	struct shared *sh = *shared;

	if (!sh)
		*shared = sh = shared_new(e, m);
	if (sh->x.unreadable)
		return NULL;
	struct body *body = body_make(e, s, variant_of(e, s, s->topic_arn, sh));

	return !body ? NULL
		     : message_new(&(struct message_spec){
					   .raw_kind = RAW_SQS,
					   .priority = m->priority,
					   .durable = m->durable,
					   .id = m->id,
					   .sent_ms = m->sent_ms,
					   .exchange = m->exchange,
					   .key = m->key,
					   .user = m->user,
					   .raw = sh->raw,
				   },
				   body);
}

/* ---- the maker ---- */

struct aws_envelopes *aws_envelopes_new(const struct aws_envelope_options *o)
{
	struct aws_envelopes *e = mem_zalloc(sizeof(*e));

	e->o = *o;
	e->maker = (struct envelope_maker){.ctx = e, .make = make, .done = shared_done};
	if (o->signer)
		aws_certificate_path(o->signer, e->certificate_path);
	buf_init(&e->url, URL_BYTES_MAX);
	aws_envelopes_url(e, VIEW("http://localhost"));
	return e;
}

void aws_envelopes_free(struct aws_envelopes *e)
{
	if (!e)
		return;
	buf_fini(&e->url);
	free(e);
}

const struct envelope_maker *aws_envelopes_maker(struct aws_envelopes *e)
{
	return &e->maker;
}

void aws_envelopes_engine(struct aws_envelopes *e, struct engine *engine)
{
	e->engine = engine;
}

void aws_envelopes_url(struct aws_envelopes *e, struct view url)
{
	buf_clear(&e->url);
	buf_add(&e->url, url);
}
