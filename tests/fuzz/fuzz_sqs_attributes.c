/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes: refused, or attributes whose encoding is those very bytes; checks
 * and MD5 take whatever was read. */
#include "base/log.h"
#include "mapping/sqs_attributes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sqs_attributes a;
	struct buf again;
	struct error e;
	char md5[33];
	struct view raw = view_of(data, size);
	sqs_text_legal(raw);
	if (!sqs_attributes_decode(raw, &a))
		return 0;
	buf_init(&again, SIZE_MAX);
	must(sqs_attributes_encode(&a, &again));
	must(view_eq(buf_view(&again), raw));
	sqs_attributes_md5(a.v, a.n, md5);
	if (sqs_attributes_check(&a, &e) == CODE_OK)
		for (size_t i = 0; i < a.n; i++)
			must(a.v[i].name.n && a.v[i].type.n && a.v[i].value.n);
	buf_fini(&again);
	return 0;
}
