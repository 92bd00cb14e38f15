/* SPDX-License-Identifier: Apache-2.0 */
/* First byte: kind and FIFO; the rest is a name, and a URL. Wire names are legal,
 * a function of the name, stay what they are or end in a hash; what is percent-
 * encoded into a URL comes out of it. */
#include "base/log.h"
#include "mapping/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_wire(enum name_kind kind, struct view name, bool fifo)
{
	char wire[NAME_TOPIC_MAX + 1], again[NAME_TOPIC_MAX + 1];
	size_t n = name_to_wire(kind, name, fifo, wire);
	struct view w = view_of(wire, n);
	must(wire[n] == '\0' && name_is_legal(kind, w));
	must(view_ends(w, VIEW(".fifo")) == fifo);
	size_t stem = n - (fifo ? 5 : 0);
	must(view_eq(w, name) || (stem >= 11 && wire[stem - 11] == '-'));
	/* A wire name that is no true name's own is not stable: no true name may take it. */
	size_t m = name_to_wire(kind, w, fifo, again);
	must(view_eq(w, name) == view_eq(view_of(again, m), w));
}

static void check_url(struct view name)
{
	struct buf url, decoded;
	struct view account;
	buf_init(&url, SIZE_MAX);
	buf_init(&decoded, SIZE_MAX);
	buf_add_str(&url, "https://sqs.eu-west-1.amazonaws.com/123456789012/");
	for (size_t i = 0; i < name.n; i++)
		buf_printf(&url, "%%%02X", name.p[i]);
	bool ok = name_from_queue_url(buf_view(&url), &account, &decoded);
	must(ok == (name.n > 0));
	must(!ok || (view_eq(buf_view(&decoded), name) && view_is(account, "123456789012")));
	name_from_queue_url(name, &account, &decoded);
	buf_fini(&url);
	buf_fini(&decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char account[ACCOUNT_DIGITS + 1];
	if (size == 0)
		return 0;
	struct view name = view_of(data + 1, size - 1);
	check_wire(data[0] & 1 ? NAME_TOPIC : NAME_QUEUE, name, data[0] & 2);
	check_url(name);
	name_account(name, account);
	must(strlen(account) == ACCOUNT_DIGITS);
	must(view_is(view_str(account), "000000000000") == view_is(name, "/"));
	return 0;
}
