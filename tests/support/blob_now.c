/* SPDX-License-Identifier: Apache-2.0 */
#include "support/blob_now.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"

enum { DEADLINE_US = 60 * 1000 * 1000, PAUSE_US = 100, AT_A_TIME = 100000 };

struct waiting {
	struct blob_write write;
	struct body *body;
	bool done;
};

static void on_done(struct blob_write *w, struct body *body)
{
	struct waiting *a = LIST_ENTRY(w, struct waiting, write);
	a->body = body;
	a->done = true;
}

struct body *blob_now(struct blobs *b, struct view bytes)
{
	struct waiting a = {.write = {.done = on_done}};
	blob_begin(b, &a.write);
	while (bytes.n) {
		struct view part = view_head(bytes, AT_A_TIME);
		must(blob_add(b, &a.write, part));
		bytes = view_skip(bytes, part.n);
	}
	blob_end(b, &a.write);
	blobs_settle(b);
	must(a.done);
	return a.body;
}

void blobs_settle(struct blobs *b)
{
	uint64_t until = clock_mono_us() + DEADLINE_US;
	while (!blobs_idle(b)) {
		if (blobs_poll(b) == 0) {
			must(clock_mono_us() < until);
			usleep(PAUSE_US);
		}
	}
}
