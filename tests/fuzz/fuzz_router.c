/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a script of changes and lookups, run on a router and on a plain
 * list; both must say the same. First byte: kind. Then commands of one byte with
 * its operands: what to do, a destination, and a text of words of one letter. */
#include "base/buf.h"
#include "base/log.h"
#include "mapping/router.h"
#include "unit/mapping/topic_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BINDINGS_MAX = 64, TEXT_MAX = 12, IDS = 8 };

struct model {
	enum router_kind kind;
	struct {
		char text[TEXT_MAX];
		size_t n;
		uint64_t id;
		bool argument; /* bound with {"x": 1} */
	} v[BINDINGS_MAX];
	size_t n;
};

static struct view text_at(const struct model *m, size_t i)
{
	return view_of(m->v[i].text, m->v[i].n);
}

static size_t model_find(const struct model *m, struct view text, bool argument, uint64_t id)
{
	size_t i = 0;
	while (i < m->n && !(m->v[i].id == id && m->v[i].argument == argument && view_eq(text_at(m, i), text)))
		i++;
	return i;
}

static bool model_add(struct model *m, struct view text, bool argument, uint64_t id)
{
	if (model_find(m, text, argument, id) < m->n)
		return false;
	memcpy(m->v[m->n].text, text.p, text.n);
	m->v[m->n].n = text.n;
	m->v[m->n].id = id;
	m->v[m->n].argument = argument;
	m->n++;
	return true;
}

static bool model_remove(struct model *m, struct view text, bool argument, uint64_t id)
{
	size_t i = model_find(m, text, argument, id);
	if (i == m->n)
		return false;
	m->v[i] = m->v[--m->n];
	return true;
}

static size_t model_drop(struct model *m, uint64_t id)
{
	size_t n = 0;
	for (size_t i = m->n; i-- > 0;) {
		if (m->v[i].id != id)
			continue;
		m->v[i] = m->v[--m->n];
		n++;
	}
	return n;
}

static unsigned model_reached(const struct model *m, struct view key)
{
	unsigned ids = 0;
	for (size_t i = 0; i < m->n; i++) {
		struct view text = text_at(m, i);
		if (m->kind == ROUTER_FANOUT || (m->kind == ROUTER_DIRECT && view_eq(text, key)) ||
		    (m->kind == ROUTER_TOPIC && model_matches(text, key)))
			ids |= 1u << m->v[i].id;
	}
	return ids;
}

static unsigned reached(const struct router *r, struct view key, struct router_cursor *c)
{
	unsigned ids = 0;
	uint64_t out[3];
	size_t n;
	router_match(r, key, NULL, c);
	while ((n = router_next(c, out, 3)))
		for (size_t i = 0; i < n; i++)
			ids |= 1u << out[i];
	return ids;
}

/* Letters a, b, *, #, dots, from the input. */
static struct view take_text(struct reader *in, char out[TEXT_MAX])
{
	static const char letters[] = "ab*#....";
	size_t n = reader_u8(in) % (TEXT_MAX + 1);
	for (size_t i = 0; i < n; i++)
		out[i] = letters[reader_u8(in) % 8];
	return view_of(out, n);
}

static void step(struct router *r, struct model *m, struct reader *in, struct router_cursor *c)
{
	struct field one = {VIEW("x"), {.type = VALUE_I32, .i = 1}};
	const struct table arguments = {&one, 1};
	char text[TEXT_MAX];
	uint8_t command = reader_u8(in);
	uint64_t id = command >> 4 & (IDS - 1);
	bool argument = command & 0x80;
	const struct table *t = argument ? &arguments : NULL;
	struct view key = take_text(in, text);
	switch (command & 7) {
	case 0:
	case 1:
	case 2:
		if (m->n < BINDINGS_MAX)
			must(router_add(r, key, t, id) == model_add(m, key, argument, id));
		break;
	case 3:
		must(router_remove(r, key, t, id) == model_remove(m, key, argument, id));
		break;
	case 4:
		must(router_remove_destination(r, id) == model_drop(m, id));
		must(!router_reaches(r, id));
		break;
	default:
		must(reached(r, key, c) == model_reached(m, key));
		break;
	}
	must(router_bindings(r) == m->n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum router_kind kinds[] = {ROUTER_TOPIC, ROUTER_DIRECT, ROUTER_FANOUT};
	struct reader in = reader_of(view_of(data, size));
	struct model m = {.kind = kinds[reader_u8(&in) % 3], .n = 0};
	struct router *r = router_new(m.kind);
	struct router_cursor c = {0};
	while (in.v.n && !in.bad)
		step(r, &m, &in, &c);
	router_cursor_fini(&c);
	router_free(r);
	return 0;
}
