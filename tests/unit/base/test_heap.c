/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "base/heap.h"
#include "base/list.h"

enum { NODES = 500 };

struct item {
	int before;
	struct heap_node node;
	struct link link;
};

static uint64_t model_min(const struct item v[NODES])
{
	uint64_t min = UINT64_MAX;

	for (int i = 0; i < NODES; i++)
		if (heap_has(&v[i].node) && v[i].node.key < min)
			min = v[i].node.key;
	return min;
}

static void check_heap(const struct heap *h)
{
	for (size_t i = 0; i < h->n; i++) {
		assert_int_equal(h->v[i]->at, i + 1);
		if (i)
			assert_true(h->v[(i - 1) / 2]->key <= h->v[i]->key);
	}
}

static void pushes_pops_and_removes_like_a_set(void **state)
{
	static struct item v[NODES];
	struct heap h = {0};
	struct rng rng;
	size_t n = 0;

	(void)state;
	rng_seed(&rng, 21);
	for (int i = 0; i < 20000; i++) {
		struct item *x = &v[rng_below(&rng, NODES)];
		if (heap_has(&x->node)) {
			heap_remove(&h, &x->node);
			n--;
			assert_false(heap_has(&x->node));
			heap_remove(&h, &x->node); /* no-op */
		} else if (rng_below(&rng, 5) == 0 && n) {
			uint64_t want = model_min(v);
			assert_true(heap_min(&h)->key == want);
			struct heap_node *node = heap_pop(&h);
			n--;
			assert_true(node->key == want);
			assert_false(heap_has(node));
		} else {
			heap_push(&h, &x->node, rng_below(&rng, 100)); /* many equal keys */
			n++;
		}
		assert_int_equal(h.n, n);
		if (i % 200 == 0)
			check_heap(&h);
	}
	check_heap(&h);
	uint64_t last = 0;
	for (struct heap_node *node; (node = heap_pop(&h)); n--) {
		assert_true(node->key >= last);
		last = node->key;
	}
	assert_int_equal(n, 0);
	assert_null(heap_min(&h));
	heap_fini(&h);
}

static void entry_finds_the_item(void **state)
{
	struct item x = {.before = 5};
	struct heap h = {0};

	(void)state;
	heap_push(&h, &x.node, UINT64_MAX);
	assert_ptr_equal(HEAP_ENTRY(heap_min(&h), struct item, node), &x);
	heap_fini(&h);
}

static void push_twice(void)
{
	struct item x = {0};
	struct heap h = {0};
	heap_push(&h, &x.node, 1);
	heap_push(&h, &x.node, 2);
}

static void pushing_twice_is_a_bug(void **state)
{
	(void)state;
	check_aborts(push_twice);
}

static void list_keeps_order(void **state)
{
	struct item v[4] = {{.before = 0}, {.before = 1}, {.before = 2}, {.before = 3}};
	struct link a, b;
	int want = 0;

	(void)state;
	list_init(&a);
	list_init(&b);
	for (int i = 0; i < 4; i++)
		list_init(&v[i].link);
	assert_null(list_first(&a));
	list_push_back(&a, &v[1].link);
	list_push_front(&a, &v[0].link);
	list_push_back(&b, &v[2].link);
	list_push_back(&b, &v[3].link);
	list_splice_back(&a, &b);
	assert_true(list_empty(&b));
	list_splice_back(&a, &b); /* nothing to move */
	LIST_EACH(&a, l) {
		assert_int_equal(LIST_ENTRY(l, struct item, link)->before, want++);
		list_remove(l);
		list_remove(l); /* harmless */
		assert_false(list_linked(l));
	}
	assert_int_equal(want, 4);
	assert_true(list_empty(&a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pushes_pops_and_removes_like_a_set),
		cmocka_unit_test(entry_finds_the_item),
		cmocka_unit_test(pushing_twice_is_a_bug),
		cmocka_unit_test(list_keeps_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
