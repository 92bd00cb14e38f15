/* SPDX-License-Identifier: Apache-2.0 */
/* One match expression of a filter policy, {"prefix": "a"} and its like, read with
 * AWS's texts (sqs-sns.md §15). An operator is a row of `operators`. */
#include "mapping/filter_priv.h"

#define NUMBER_MAX ((filter_number)1 << 126)

static enum json_token next(struct filter_reading *x)
{
	return json_reader_next(&x->r);
}

/* The one '}' that must come now. */
static bool end_read(struct filter_reading *x)
{
	enum json_token t = next(x);

	return t == TOKEN_OBJECT_END || filter_refuse_token(x, t, "Only one key allowed in match expression");
}

/* ---- texts ---- */

static bool text_read(struct filter_reading *x, const char *type, struct filter_condition *out)
{
	enum json_token t = next(x);

	if (t == TOKEN_ERROR)
		return filter_refuse_token(x, t, "");
	if (t != TOKEN_STRING)
		return filter_refuse(x, type, VIEW_NONE, " match pattern must be a string");
	out->value = filter_value_of(t, x->r.value);
	return true;
}

static bool prefix_read(struct filter_reading *x, struct filter_condition *out)
{
	out->op = FILTER_PREFIX;
	return text_read(x, "prefix", out);
}

static bool suffix_read(struct filter_reading *x, struct filter_condition *out)
{
	out->op = FILTER_SUFFIX;
	return text_read(x, "suffix", out);
}

static bool ignore_case_read(struct filter_reading *x, struct filter_condition *out)
{
	out->op = FILTER_IGNORE_CASE;
	return text_read(x, "equals-ignore-case", out);
}

static bool wildcard_read(struct filter_reading *x, struct filter_condition *out)
{
	out->op = FILTER_WILDCARD;
	return text_read(x, "wildcard", out);
}

static bool exists_read(struct filter_reading *x, struct filter_condition *out)
{
	enum json_token t = next(x);

	if (t != TOKEN_TRUE && t != TOKEN_FALSE)
		return filter_refuse_token(x, t, "exists match pattern must be either true or false.");
	out->op = t == TOKEN_TRUE ? FILTER_PRESENT : FILTER_ABSENT;
	return true;
}

static bool cidr_read(struct filter_reading *x, struct filter_condition *out)
{
	/* AWS names the wrong operator in its text here. */
	if (!text_read(x, "prefix", out))
		return false;
	struct view text = out->value.text;
	const char *wrong = filter_cidr_parse(text, &out->cidr);
	const uint8_t *slash = memchr(text.p, '/', text.n);

	out->op = FILTER_CIDR;
	if (!wrong)
		return true;
	bool shows = wrong[strlen(wrong) - 1] == ' ';
	return filter_refuse(x, wrong, shows ? view_head(text, (size_t)(slash - text.p)) : VIEW_NONE, "");
}

/* ---- numbers ---- */

/* The token must be a number; `name` is the operator in the text. */
static bool number_take(struct filter_reading *x, enum json_token t, struct view name, filter_number *out)
{
	if (t == TOKEN_NUMBER && filter_number_of(x->r.value, out))
		return true;
	if (t == TOKEN_ERROR)
		return filter_refuse_token(x, t, "");
	return filter_refuse(x, "Value of ", view_is(name, "=") ? VIEW("equals") : name, " must be numeric");
}

/* Behind a lower bound, at token t: the end, or an upper bound. */
static bool range_end_read(struct filter_reading *x, enum json_token t, filter_number bottom,
			   struct filter_condition *out)
{
	filter_number top;

	if (t == TOKEN_ARRAY_END)
		return true;
	if (t == TOKEN_ERROR)
		return filter_refuse_token(x, t, "");
	struct view name = x->r.value;
	if (t != TOKEN_STRING)
		return filter_refuse(x, "Bad value in numeric range: ", name, "");
	if (!view_is(name, "<") && !view_is(name, "<="))
		return filter_refuse(x, "Bad numeric range operator: ", name, "");
	if (!number_take(x, next(x), name, &top))
		return false;
	if ((t = next(x)) != TOKEN_ARRAY_END)
		return filter_refuse_token(x, t, "Too many terms in numeric range expression");
	if (bottom >= top)
		return filter_refuse(x, "Bottom must be less than top", VIEW_NONE, "");
	out->range.high = top - view_is(name, "<");
	return true;
}

static bool list_end_read(struct filter_reading *x)
{
	enum json_token t = next(x);

	return t == TOKEN_ARRAY_END || filter_refuse_token(x, t, "Too many elements in numeric expression");
}

/* Behind the operator `name`. */
static bool comparison_read(struct filter_reading *x, struct view name, struct filter_condition *out)
{
	bool open = name.n == 1;
	filter_number n;

	if (!number_take(x, next(x), name, &n))
		return false;
	if (name.p[0] == '=') {
		out->op = FILTER_EQUAL;
		out->value = (struct filter_value){.kind = FILTER_IS_NUMBER, .number = n};
		return list_end_read(x);
	}
	out->op = FILTER_RANGE;
	out->range.low = -NUMBER_MAX;
	out->range.high = NUMBER_MAX;
	if (name.p[0] == '<') {
		out->range.high = n - open;
		return list_end_read(x);
	}
	out->range.low = n + open;
	return range_end_read(x, next(x), n, out);
}

static bool numeric_read(struct filter_reading *x, struct filter_condition *out)
{
	enum json_token t = next(x);

	if (t != TOKEN_ARRAY)
		return filter_refuse_token(x, t, "Value of numeric must be an array.");
	t = next(x);
	if (t == TOKEN_ERROR)
		return filter_refuse_token(x, t, "");
	struct view name = x->r.value;
	if (t != TOKEN_STRING)
		return filter_refuse(x, "Invalid member in numeric match: ", name, "");
	if (!view_is(name, "=") && !view_is(name, "<") && !view_is(name, "<=") && !view_is(name, ">") &&
	    !view_is(name, ">="))
		return filter_refuse(x, "Unrecognized numeric range operator: ", name, "");
	return comparison_read(x, name, out);
}

/* ---- anything-but ---- */

struct listed {
	struct filter_condition condition;
	struct listed *next;
};

static bool list_take(struct filter_reading *x, const struct listed *first, size_t n, struct filter_condition *out)
{
	out->op = FILTER_NOT;
	out->list.n = n;
	out->list.v = arena_alloc(x->a, n * sizeof(*out->list.v));
	for (size_t i = 0; first; first = first->next)
		out->list.v[i++] = first->condition;
	return true;
}

/* Behind '['; op EQUAL takes numbers too. */
static bool not_list_read(struct filter_reading *x, enum filter_op op, struct filter_condition *out)
{
	struct listed *first = NULL, **end = &first;
	size_t strings = 0, numbers = 0;
	enum json_token t;

	while ((t = next(x)) != TOKEN_ARRAY_END) {
		if (t != TOKEN_STRING && (t != TOKEN_NUMBER || op != FILTER_EQUAL))
			return filter_refuse_token(
				x, t, "Inside anything but list, start|null|boolean is not supported.");
		*end = arena_alloc(x->a, sizeof(**end));
		(*end)->condition = (struct filter_condition){.op = op, .value = filter_value_of(t, x->r.value)};
		end = &(*end)->next;
		strings += t == TOKEN_STRING;
		numbers += t == TOKEN_NUMBER;
	}
	if (!strings == !numbers)
		return filter_refuse(x,
				     "Inside anything but list, either all values are number or string, "
				     "mixed type is not supported",
				     VIEW_NONE, "");
	return list_take(x, first, strings + numbers, out);
}

/* Behind the key of {"anything-but": {"prefix": …}}: a text, with `extended` also a list. */
static bool not_text_read(struct filter_reading *x, struct view name, enum filter_op op,
			  struct filter_condition *out)
{
	enum json_token t = next(x);
	struct listed one = {.condition = {.op = op}};

	if (t == TOKEN_ARRAY && x->extended)
		return not_list_read(x, op, out);
	if (t == TOKEN_ERROR)
		return filter_refuse_token(x, t, "");
	if (t != TOKEN_STRING)
		return filter_refuse(x, "", name, " match pattern must be a string");
	if (x->r.value.n == 0 && !x->extended)
		return filter_refuse(x, "Null prefix/suffix not allowed", VIEW_NONE, "");
	one.condition.value = filter_value_of(t, x->r.value);
	return list_take(x, &one, 1, out);
}

/* Behind {"anything-but": {. */
static bool not_pattern_read(struct filter_reading *x, struct filter_condition *out)
{
	static const struct {
		const char *name;
		enum filter_op op;
	} patterns[] = {{"prefix", FILTER_PREFIX},
			{"suffix", FILTER_SUFFIX},
			{"equals-ignore-case", FILTER_IGNORE_CASE},
			{"wildcard", FILTER_WILDCARD}};
	enum json_token t = next(x);
	struct view name = x->r.value;

	if (t != TOKEN_KEY)
		return filter_refuse_token(x, t, "Anything-But expression name not found");
	for (size_t i = 0; i < (x->extended ? 4 : 1); i++)
		if (view_is(name, patterns[i].name))
			return not_text_read(x, name, patterns[i].op, out) && end_read(x);
	return filter_refuse(x, "Unsupported anything-but pattern: ", name, "");
}

static bool not_read(struct filter_reading *x, struct filter_condition *out)
{
	enum json_token t = next(x);
	struct listed one = {.condition = {.op = FILTER_EQUAL}};

	if (t == TOKEN_OBJECT)
		return not_pattern_read(x, out);
	if (t == TOKEN_ARRAY)
		return not_list_read(x, FILTER_EQUAL, out);
	if (t != TOKEN_STRING && t != TOKEN_NUMBER)
		return filter_refuse_token(
			x, t, "Value of anything-but must be an array or single string/number value.");
	one.condition.value = filter_value_of(t, x->r.value);
	return list_take(x, &one, 1, out);
}

/* ---- the table ---- */

static const struct {
	const char *name;
	bool (*read)(struct filter_reading *x, struct filter_condition *out);
	bool extended;
} operators[] = {
	{"prefix", prefix_read, false},
	{"suffix", suffix_read, false},
	{"equals-ignore-case", ignore_case_read, false},
	{"numeric", numeric_read, false},
	{"anything-but", not_read, false},
	{"exists", exists_read, false},
	{"cidr", cidr_read, false},
	{"wildcard", wildcard_read, true},
};

bool filter_condition_read(struct filter_reading *x, struct filter_condition *out)
{
	enum json_token t = next(x);
	struct view name = x->r.value;

	if (t != TOKEN_KEY)
		return filter_refuse_token(x, t, "Match expression name not found");
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (view_is(name, operators[i].name) && (!operators[i].extended || x->extended))
			return operators[i].read(x, out) && end_read(x);
	return filter_refuse(x, "Unrecognized match type ", name, "");
}
