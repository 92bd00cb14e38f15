/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the cross-protocol table share. */
#ifndef MQB_MAPPING_CROSS_PRIV_H
#define MQB_MAPPING_CROSS_PRIV_H

#include "mapping/cross.h"

/* Names of the marks and of what has a place of its own on both sides. */
#define MARK_ENC VIEW("mqb.enc")
#define MARK_PACKED VIEW("mqb.p")
#define HEADER_TRACE VIEW("X-Amzn-Trace-Id")

/* Nesting of arrays and tables inside mqb.p; deeper is malformed. */
enum { CROSS_DEPTH_MAX = 64, SHORTSTR_MAX = 255, SQS_BYTES_MAX = 1 << 20 };

/* ---- bodies (cross_body.c) ---- */

enum cross_mark { MARK_NONE, MARK_BASE64, MARK_EMPTY };

/* Fills out->body, illegal, guessed, as_base64. bag NULL: nothing is declared. */
enum cross_mark cross_body_to_sqs(const struct cross_settings *s, const struct bag *bag,
				  const struct message *m, struct arena *a, struct cross_sqs *out);
/* What the publisher declared allows text; the bytes may still not be. */
bool cross_body_may_be_text(const struct bag *bag);
/* All of a body in one run: the body's own bytes when they are contiguous, else a copy. */
bool cross_body_flat(const struct body *b, struct arena *a, struct view *out);
/* The bytes that mqb.enc stands for. false: the mark does not fit the body and is no mark. */
bool cross_body_from_sqs(struct view enc, struct view text, struct arena *a, struct view *out);

/* ---- single values (cross_value.c) ---- */

/* A header value as an attribute. false: it has none and is packed. *wire is the
 * type that the attribute alone would not give back, else 0. */
bool cross_value_to_attribute(struct view name, const struct value *v, struct arena *a,
			      struct sqs_attribute *out, char *wire);
/* The other way; wire 0: not known. Never fails: what does not fit is a string. */
struct value cross_value_from_attribute(const struct sqs_attribute *at, char wire, struct arena *a);

/* ---- mqb.p (cross_packed.c) ---- */

struct cross_type {
	struct view name;
	char wire; /* enum value_type */
};

struct cross_packed {
	struct bag bag; /* p; h are its headers */
	struct cross_type *types; /* t */
	size_t n_types;
	struct view exchange, key; /* x, k */
};

bool cross_packed_empty(const struct cross_packed *p);
struct view cross_packed_write(const struct cross_packed *p, struct arena *a);
/* false: malformed, so it is an ordinary attribute. */
bool cross_packed_read(struct view json, struct arena *a, struct cross_packed *out);

/* String properties by their 0-9-1 names, in the order of the content header. */
struct cross_property {
	const char *name;
	uint32_t bit;
	size_t at; /* offset of its view in struct bag */
};
enum { CROSS_PROPERTIES = 10 };
extern const struct cross_property cross_properties[CROSS_PROPERTIES];

static inline struct view *cross_property_in(struct bag *bag, const struct cross_property *p)
{
	return (struct view *)(void *)((char *)bag + p->at);
}

/* ---- SQS → a bag (cross.c) ---- */

/* What the attributes say, without what the body and the broker would add. false:
 * malformed. */
bool cross_bag_from_sqs(struct view raw, struct arena *a, struct bag *out);

/* ---- attributes (cross_attributes.c) ---- */

/* What marks and the body leave free. */
struct cross_room {
	size_t attributes, bytes;
};

/* Promotes and packs. */
void cross_attributes_to_sqs(const struct cross_settings *s, const struct bag *bag,
			     const struct message *m, struct arena *a, struct cross_room room,
			     struct sqs_attributes *out);
/* All that could be attributes, in the order of promotion, each name once; in the
 * arena. Returns how many. */
size_t cross_promotable(const struct bag *bag, struct arena *a, struct sqs_attribute **out);

#endif
