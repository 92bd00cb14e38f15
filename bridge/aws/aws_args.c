/* SPDX-License-Identifier: Apache-2.0 */
/* The neutral parameter tree of a request: the same for both wire protocols,
 * described by the action's specs. What is unknown is ignored, as AWS does. */
#include "aws/aws_priv.h"

#include "base/log.h"

void args_init(struct args *args, const struct arg_spec *specs, struct arena *a)
{
	size_t n = 0;

	while (specs[n].name)
		n++;
	args->specs = specs;
	args->v = arena_alloc(a, n * sizeof(*args->v));
}

const struct arg *args_get(const struct args *args, const char *name)
{
	for (size_t i = 0; args->specs[i].name; i++)
		if (strcmp(args->specs[i].name, name) == 0)
			return &args->v[i];
	must_failed("argument in specs", __FILE__, __LINE__);
}

struct view arg_prefix(const struct arg_spec *s)
{
	return view_str(s->query ? s->query : s->name);
}

bool arg_int_parse(struct view text, int64_t *out)
{
	bool negative = text.n && text.p[0] == '-';
	int64_t v = 0;

	if (negative)
		text = view_skip(text, 1);
	/* 18 digits never overflow */
	if (text.n == 0 || text.n > 18)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		v = v * 10 + (text.p[i] - '0');
	}
	*out = negative ? -v : v;
	return true;
}

void *arg_item(struct arg *arg, size_t at, size_t size, struct arena *a)
{
	if (at == arg->cap) {
		size_t cap = arg->cap ? arg->cap * 2 : 4;
		void *v = arena_alloc(a, cap * size);
		uint32_t *index = arena_alloc(a, cap * sizeof(*index));

		if (arg->n) {
			memcpy(v, arg->texts, arg->n * size);
			memcpy(index, arg->index, arg->n * sizeof(*index));
		}
		arg->texts = v;
		arg->index = index;
		arg->cap = cap;
	}
	if (at == arg->n)
		arg->n++;
	return (char *)arg->texts + at * size;
}
