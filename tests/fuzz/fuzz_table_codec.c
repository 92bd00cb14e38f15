/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes: refused, or a table whose encoding is those very bytes; and what
 * reads as a table can be looked at as a queue's arguments. */
#include "base/log.h"
#include "mapping/queue_arguments.h"
#include "mapping/table_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a;
	struct buf again;
	struct table t;
	struct error e;
	arena_init(&a);
	buf_init(&again, SIZE_MAX);
	if (table_decode(view_of(data, size), &a, &t)) {
		must(table_encode(&t, &again));
		must(view_eq(buf_view(&again), view_of(data, size)));
		queue_arguments_check(&t, VIEW("q"), VIEW("/"), &e);
		queue_arguments_same(&t, NULL, VIEW("q"), VIEW("/"), &e);
		queue_arguments_same(NULL, &t, VIEW("q"), VIEW("/"), &e);
	}
	buf_fini(&again);
	arena_fini(&a);
	return 0;
}
