/* SPDX-License-Identifier: Apache-2.0 */
/* JSON string escaping (RFC 8259 §7): runs of plain bytes are copied at once. */
#include "mapping/json_text.h"

#include "base/utf8.h"

/* Byte → what to do: 0 plain, 1 escape, 2 may begin U+FFFE or U+FFFF. */
static const uint8_t special[256] = {
	[0] = 1,  [1] = 1,  [2] = 1,  [3] = 1,  [4] = 1,  [5] = 1,  [6] = 1,  [7] = 1,  [8] = 1,
	[9] = 1,  [10] = 1, [11] = 1, [12] = 1, [13] = 1, [14] = 1, [15] = 1, [16] = 1, [17] = 1,
	[18] = 1, [19] = 1, [20] = 1, [21] = 1, [22] = 1, [23] = 1, [24] = 1, [25] = 1, [26] = 1,
	[27] = 1, [28] = 1, [29] = 1, [30] = 1, [31] = 1, ['"'] = 1, ['\\'] = 1, [0xef] = 2,
};

static bool escape_add(struct buf *out, uint8_t c)
{
	switch (c) {
	case '"':
		return buf_add(out, VIEW("\\\""));
	case '\\':
		return buf_add(out, VIEW("\\\\"));
	case '\n':
		return buf_add(out, VIEW("\\n"));
	case '\r':
		return buf_add(out, VIEW("\\r"));
	case '\t':
		return buf_add(out, VIEW("\\t"));
	default: {
		static const char hex[] = "0123456789abcdef";
		char text[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

		return buf_add(out, view_of(text, sizeof(text)));
	}
	}
}

bool json_text_add_part(struct buf *out, struct view text)
{
	const uint8_t *p = text.p;
	size_t from = 0, i = 0;

	while (i < text.n) {
		i += utf8_plain(view_of(p + i, text.n - i));
		if (i == text.n)
			break;
		uint8_t what = special[p[i]];
		bool noncharacter = what == 2 && text.n - i >= 3 && p[i + 1] == 0xbf && p[i + 2] >= 0xbe;

		if (what == 0 || (what == 2 && !noncharacter)) {
			i++;
			continue;
		}
		buf_add(out, view_of(p + from, i - from));
		if (noncharacter)
			buf_add(out, p[i + 2] == 0xbe ? VIEW("\\ufffe") : VIEW("\\uffff"));
		else
			escape_add(out, p[i]);
		i += noncharacter ? 3 : 1;
		from = i;
	}
	return buf_add(out, view_skip(text, from));
}

bool json_text_add(struct buf *out, struct view text)
{
	buf_add_u8(out, '"');
	json_text_add_part(out, text);
	return buf_add_u8(out, '"');
}
