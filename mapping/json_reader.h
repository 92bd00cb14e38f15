/* SPDX-License-Identifier: Apache-2.0 */
/* JSON (RFC 8259) one token at a time, for texts of any sender: numbers keep their
 * digits, strings alias the text unless they hold an escape, an error says what
 * was wrong in the words that AWS's answers use. A reader is a value: a copy looks
 * ahead. No recursion; nesting is limited. */
#ifndef MQB_MAPPING_JSON_READER_H
#define MQB_MAPPING_JSON_READER_H

#include "base/arena.h"
#include "mapping/json_string.h"

enum { JSON_READER_DEPTH_MAX = 1000 };

enum json_token {
	TOKEN_OBJECT,
	TOKEN_OBJECT_END,
	TOKEN_ARRAY,
	TOKEN_ARRAY_END,
	TOKEN_KEY,
	TOKEN_STRING,
	TOKEN_NUMBER,
	TOKEN_TRUE,
	TOKEN_FALSE,
	TOKEN_NULL,
	TOKEN_END, /* after the one value of the text; again and again */
	TOKEN_ERROR, /* `why` is set; again and again */
};

struct json_reader {
	struct view text;
	size_t at;
	struct arena *arena; /* strings with escapes */
	struct view value;   /* of KEY and STRING its characters, of the rest its text */
	size_t depth, depth_max;
	enum json_halves halves; /* KEPT, until set otherwise */
	enum json_reader_state {
		READER_VALUE,
		READER_VALUE_OR_END, /* behind '[' */
		READER_KEY_OR_END, /* behind '{' */
		READER_COMMA,      /* or the end of what is open */
		READER_DONE,
		READER_FAILED,
	} state;
	uint64_t objects[JSON_READER_DEPTH_MAX / 64 + 1]; /* bit per level: an object */
	char why[192];
};

/* The text must outlive the values read. depth_max at most JSON_READER_DEPTH_MAX. */
void json_reader_init(struct json_reader *r, struct view text, struct arena *a, size_t depth_max);
enum json_token json_reader_next(struct json_reader *r);
/* Reads on to the end of the value whose first token was `t`. false: malformed. */
bool json_reader_skip(struct json_reader *r, enum json_token t);

#endif
