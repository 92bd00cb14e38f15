/* SPDX-License-Identifier: Apache-2.0 */
/* As text: opens only if it is what sealing its fields gives. As fields: what is
 * sealed opens to the same. */
#include "base/log.h"
#include "mapping/receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[32] = "a key of the fuzz target";

static void seal_and_open(const struct receipt_fields *f, struct buf *text, struct buf *scratch)
{
	struct receipt_fields back;
	must(receipt_seal(key, f, text));
	must(receipt_open(key, buf_view(text), scratch, &back));
	must(back.queue == f->queue && back.pos == f->pos && back.receive == f->receive &&
	     back.boot == f->boot && back.at_ms == f->at_ms && view_eq(back.handle, f->handle));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf text, scratch;
	struct receipt_fields f;
	struct reader r = reader_of(view_of(data, size));
	buf_init(&text, RECEIPT_TEXT_MAX);
	buf_init(&scratch, RECEIPT_TEXT_MAX);
	if (receipt_open(key, r.v, &scratch, &f)) {
		must(receipt_seal(key, &f, &text));
		must(view_eq(buf_view(&text), r.v));
	}
	buf_clear(&text);
	f.queue = reader_u32(&r);
	f.pos = reader_u64(&r);
	f.receive = reader_u32(&r);
	f.boot = reader_u64(&r);
	f.at_ms = (int64_t)reader_u64(&r);
	f.handle = view_head(r.v, 200);
	seal_and_open(&f, &text, &scratch);
	buf_fini(&text);
	buf_fini(&scratch);
	return 0;
}
