/* SPDX-License-Identifier: Apache-2.0 */
/* Filter policies. First byte: what the rest is. Bit 0: of bodies instead of
 * attributes, bit 1: with the extended operators; then two bytes of length, the
 * policy, and a message (of attributes, lines `type name:value`). What the index
 * finds must be what evaluating finds. Bit 2: a topic pattern and a routing key, of
 * the same form; the policy of the binding must pass what the pattern matches. */
#include "base/buf.h"
#include "base/log.h"
#include "mapping/binding_policy.h"
#include "mapping/filter_index.h"
#include "unit/mapping/topic_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ATTRIBUTES = 16, WORDS = 30 };

static struct view cut(struct view *v, uint8_t at)
{
	const uint8_t *end = v->n ? memchr(v->p, at, v->n) : NULL;
	struct view head = view_head(*v, end ? (size_t)(end - v->p) : v->n);

	*v = view_skip(*v, head.n + 1);
	return head;
}

static size_t attributes_read(struct view text, struct filter_attribute *v)
{
	size_t n = 0;

	while (text.n && n < ATTRIBUTES) {
		struct view line = cut(&text, '\n');

		if (!line.n)
			continue;
		v[n].type = (enum filter_type)(line.p[0] % 3);
		line = view_skip(line, 1);
		v[n].name = cut(&line, ':');
		v[n++].value = line;
	}
	return n;
}

static void policy_check(const struct filter_policy *p, struct filter_input *in)
{
	struct filter_index *x = filter_index_new();
	bool matches = filter_policy_matches(p, in);
	size_t n;

	filter_index_add(x, p, 1);
	filter_index_add(x, p, 2);
	filter_index_match(x, in, &n);
	must(n == (matches ? 2 : 0));
	filter_index_remove(x, 1);
	filter_index_match(x, in, &n);
	must(n == (matches ? 1 : 0));
	filter_index_free(x);
}

static void policy_run(uint8_t flags, struct view policy, struct view message)
{
	enum filter_scope scope = flags & 1 ? FILTER_BODY : FILTER_ATTRIBUTES;
	struct filter_attribute v[ATTRIBUTES] = {{.name = VIEW_NONE}};
	struct filter_limits l;
	struct error e = {.code = CODE_OK};
	struct arena a;

	filter_limits_default(&l);
	l.extended = flags & 2;
	struct filter_policy *p = filter_policy_parse(policy, scope, &l, &e);
	must(p || (e.code == CODE_INVALID && e.text[0]));
	if (!p)
		return;
	arena_init(&a);
	struct filter_input in = {.attributes = v, .arena = &a};
	if (scope == FILTER_BODY)
		in.body = message;
	else
		in.n_attributes = attributes_read(message, v);
	policy_check(p, &in);
	arena_fini(&a);
	filter_policy_free(p);
}

static bool key_passes(struct view policy, struct view key)
{
	struct filter_limits l;
	struct routing_tokens t;
	struct error e;
	struct arena a;

	arena_init(&a);
	filter_limits_default(&l);
	struct filter_policy *p = filter_policy_parse(policy, FILTER_ATTRIBUTES, &l, &e);
	must(p);
	routing_tokens_of(key, &a, &t);
	char *words = arena_printf(&a, "%zu", t.words);
	const struct filter_attribute v[] = {
		{.name = VIEW("rk"), .value = t.rk},
		{.name = VIEW("rk2"), .value = t.rk},
		{.name = VIEW("n"), .type = FILTER_NUMBER, .value = view_str(words)},
		{.name = VIEW("tails"), .type = FILTER_STRING_ARRAY, .elements = t.tails, .n_elements = t.n_tails},
		{.name = VIEW("t1"), .type = FILTER_STRING_ARRAY, .elements = t.places, .n_elements = t.n_places},
		{.name = VIEW("t2"), .type = FILTER_STRING_ARRAY, .elements = t.places, .n_elements = t.n_places},
		{.name = VIEW("t3"), .type = FILTER_STRING_ARRAY, .elements = t.places, .n_elements = t.n_places},
	};
	struct filter_input in = {.attributes = v, .n_attributes = sizeof(v) / sizeof(v[0]), .arena = &a};
	bool passes = filter_policy_matches(p, &in);
	filter_policy_free(p);
	arena_fini(&a);
	return passes;
}

static bool is_short(struct view v)
{
	size_t dots = 0;

	for (size_t i = 0; i < v.n; i++)
		dots += v.p[i] == '.';
	return dots < WORDS && v.n <= 255;
}

static void binding_run(struct view pattern, struct view key)
{
	struct binding_view v = {pattern, NULL};
	const char *why;
	struct buf b;

	if (!is_short(pattern) || !is_short(key))
		return;
	buf_init(&b, 1 << 20);
	switch (binding_policy(ROUTER_TOPIC, &v, 1, &b, &why)) {
	case BINDING_ALL:
		must(model_matches(pattern, key));
		break;
	case BINDING_EXACT:
		must(key_passes(buf_view(&b), key) == model_matches(pattern, key));
		break;
	case BINDING_APPROXIMATE:
		must(why && b.n == 0);
		break;
	}
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3)
		return 0;
	struct view rest = view_of(data + 3, size - 3);
	struct view first = view_head(rest, be16_get(data + 1)), second = view_skip(rest, first.n);

	if (data[0] & 4)
		binding_run(first, second);
	else
		policy_run(data[0], first, second);
	return 0;
}
