/* SPDX-License-Identifier: Apache-2.0 */
/* AMQP 0-9-1 connections and channels on the wire: rabbitmq.md §1. */
#include <stdio.h>
#include <stdlib.h>

#include "amqp.h"
#include "base/log.h"

/* ---- protocol header, start ------------------------------------------------------ */

static const char server_properties[] =
	"\x0c" "capabilitiesF" "\0\0\0\xb1"
	"\x12" "publisher_confirmst\1"
	"\x1a" "exchange_exchange_bindingst\1"
	"\x0a" "basic.nackt\1"
	"\x16" "consumer_cancel_notifyt\1"
	"\x12" "connection.blockedt\1"
	"\x1c" "authentication_failure_closet\1"
	"\x10" "per_consumer_qost\1"
	"\x0f" "direct_reply_tot\1"
	"\x0c" "cluster_nameS" "\0\0\0\x08" "mqbridge"
	"\x09" "copyrightS" "\0\0\0\x14" "The mqbridge authors"
	"\x0b" "informationS" "\0\0\0\x33" "mqbridge " MQB_VERSION ", RabbitMQ's dialect of AMQP 0-9-1"
	"\x08" "platformS" "\0\0\0\x01" "C"
	"\x07" "productS" "\0\0\0\x08" "RabbitMQ"
	"\x07" "versionS" "\0\0\0\x06" "3.13.7";

static void expect_start(struct peer *p)
{
	struct view properties = view_of(server_properties, sizeof(server_properties) - 1);
	char copy[sizeof(server_properties)];
	char *information = NULL;

	memcpy(copy, server_properties, sizeof(copy));
	for (size_t i = 0; i + 11 < sizeof(copy); i++)
		if (memcmp(copy + i, "informationS", 12) == 0)
			information = copy + i + 12;
	assert_non_null(information);
	information[3] = (char)(strlen("mqbridge " MQB_VERSION ", RabbitMQ's dialect of AMQP 0-9-1"));
	properties.p = (const uint8_t *)copy;
	expect(p, 0, START, "ooTSS", 0, 9, &properties, "AMQPLAIN PLAIN", "en_US");
}

static void row_1_1_start(struct script *s)
{
	static const char *const headers[] = {"AMQP\0\0\x09\x01", "AMQP\x01\x01\0\x09"};

	for (size_t i = 0; i < 2; i++) {
		struct peer p;

		peer_connect(&p, s);
		expect_nothing(&p);
		peer_bytes(&p, view_of(headers[i], 8));
		expect_start(&p);
		peer_drop(&p);
	}
}

static void row_1_2_other_headers(struct script *s)
{
	static const char *const headers[] = {
		"GET / HT", "\x16\x03\x01\x02\0\x01\0\x01", "AMQP\0\0\x0a\0", "AMQP\0\x01\0\0", "AMQP\x03\x01\0\0",
		"AMQP\x01\x01\x08\0", "AMQP\x01\x01\x09\x01", "\0\0\0\0\0\0\0\0",
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct peer p;

		peer_connect(&p, s);
		peer_bytes(&p, view_of(headers[i], 8));
		peer_bytes(&p, VIEW("trailing"));
		expect_bytes(&p, VIEW("AMQP\0\0\x09\x01"));
		expect_end(&p);
	}
}

static void handshake_times_out(struct script *s)
{
	struct peer p;

	peer_connect(&p, s);
	peer_bytes(&p, VIEW("AMQP"));
	script_wait(s, 9900);
	assert_non_null(p.head);
	script_wait(s, 200);
	expect_end(&p);
}

/* ---- login --------------------------------------------------------------------------- */

static void start_ok(struct peer *p, const char *mechanism, struct view response, bool capable)
{
	static const uint8_t can[] = "\x0c" "capabilitiesF\0\0\0\x1f" "\x1c" "authentication_failure_closet\1";
	struct view table = capable ? view_of(can, sizeof(can) - 1) : VIEW_NONE;
	struct buf b;

	peer_connect(p, p->script);
	peer_bytes(p, VIEW("AMQP\0\0\x09\x01"));
	expect_start(p);
	buf_init(&b, 4096);
	buf_add_u32(&b, START_OK);
	buf_add_u32(&b, (uint32_t)table.n);
	buf_add(&b, table);
	buf_add_u8(&b, (uint8_t)strlen(mechanism));
	buf_add_str(&b, mechanism);
	buf_add_u32(&b, (uint32_t)response.n);
	buf_add(&b, response);
	buf_add(&b, VIEW("\x05" "en_US"));
	peer_frame(p, 1, 0, buf_view(&b));
	buf_fini(&b);
}

static void expect_silent_end(struct script *s, struct peer *p)
{
	expect_nothing(p);
	script_wait(s, 2900);
	assert_non_null(p->head);
	expect_nothing(p);
	script_wait(s, 200);
	expect_end(p);
}

static void row_1_7_logins(struct script *s)
{
	static const struct {
		const char *mechanism;
		struct view response;
	} good[] = {
		{"PLAIN", {(const uint8_t *)"\0guest\0guest", 12}},
		{"PLAIN", {(const uint8_t *)"someone\0guest\0guest", 19}},
		{"AMQPLAIN", {(const uint8_t *)"\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x05guest", 35}},
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct peer p = {.script = s};

		start_ok(&p, good[i].mechanism, good[i].response, false);
		expect(&p, 0, TUNE, "hlh", 2047, 131072, 60);
		peer_drop(&p);
	}
}

static void row_1_8_refused_with_reason(struct script *s)
{
	struct peer p = {.script = s};

	start_ok(&p, "PLAIN", VIEW("\0guest\0wrong"), true);
	expect_fail(&p, 403,
		    "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the "
		    "broker logfile.",
		    0);
	p.script = s;
	start_ok(&p, "AMQPLAIN", VIEW("\x05LOGINS\0\0\0\x02no\x08PASSWORDS\0\0\0\x05guest"), true);
	expect_fail(&p, 403,
		    "ACCESS_REFUSED - Login was refused using authentication mechanism AMQPLAIN. For details see the "
		    "broker logfile.",
		    0);
}

static void row_1_9_refused_silently(struct script *s)
{
	struct peer p = {.script = s};

	start_ok(&p, "PLAIN", VIEW("\0guest\0wrong"), false);
	expect_silent_end(s, &p);
}

static void row_1_10_malformed_login(struct script *s)
{
	static const struct {
		const char *mechanism;
		struct view response;
	} bad[] = {
		{"EXTERNAL", {(const uint8_t *)"", 0}},
		{"plain", {(const uint8_t *)"\0guest\0guest", 12}},
		{"PLAIN", {(const uint8_t *)"guest", 5}},
		{"PLAIN", {(const uint8_t *)"\0guest", 6}},
		{"PLAIN", {(const uint8_t *)"\0guest\0gu\0st", 12}},
		{"PLAIN", {(const uint8_t *)"", 0}},
		{"AMQPLAIN", {(const uint8_t *)"", 0}},
		{"AMQPLAIN", {(const uint8_t *)"\x05LOGINS\0\0\0\x05guest", 16}},
		{"AMQPLAIN", {(const uint8_t *)"\x05LOGINS\0\0\0\xff" "guest", 16}},
		{"AMQPLAIN", {(const uint8_t *)"\x05LOGINI\0\0\0\x05\x08PASSWORDS\0\0\0\x05guest", 30}},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct peer p = {.script = s};

		start_ok(&p, bad[i].mechanism, bad[i].response, true);
		expect_silent_end(s, &p);
	}
}

/* The client does not wait: what it sends after start-ok is taken up after the answer. */
static void early_bytes(struct script *s)
{
	struct peer p = {.script = s};

	s->hold_engine = true;
	start_ok(&p, "PLAIN", VIEW("\0guest\0guest"), true);
	say(&p, 0, TUNE_OK, "hlh", 100, 4096, 0);
	say(&p, 0, OPEN, "sso", "/", "", 0);
	say(&p, 7, CHANNEL_OPEN, "s", "");
	assert_int_equal(p.at, p.n);
	s->hold_engine = false;
	expect(&p, 0, TUNE, "hlh", 2047, 131072, 60);
	expect(&p, 0, OPEN_OK, "s", "");
	expect(&p, 7, CHANNEL_OPEN_OK, "S", "");
	peer_bye(&p);
}

/* The peer goes while its credentials are being checked. */
static void gone_while_checked(struct script *s)
{
	struct peer p = {.script = s};

	s->hold_engine = true;
	start_ok(&p, "PLAIN", VIEW("\0guest\0guest"), true);
	s->hold_engine = false;
	peer_drop(&p);
	script_wait(s, 10);
}

/* ---- tune, open ------------------------------------------------------------------------ */

static void login_to_tune(struct peer *p, struct script *s)
{
	p->script = s;
	start_ok(p, "PLAIN", VIEW("\0guest\0guest"), true);
	expect(p, 0, TUNE, "hlh", 2047, 131072, 60);
}

static void row_1_12_bad_tune(struct script *s)
{
	static const struct {
		int channel_max, frame_max;
	} bad[] = {{2048, 131072}, {0, 131072}, {2047, 131073}, {2047, 0}, {2047, 4095}, {2047, -1}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct peer p;

		login_to_tune(&p, s);
		say(&p, 0, TUNE_OK, "hlh", bad[i].channel_max, bad[i].frame_max, 60);
		expect_silent_end(s, &p);
	}
}

static void row_1_15_vhost(struct script *s)
{
	struct peer p;

	login_to_tune(&p, s);
	say(&p, 0, TUNE_OK, "hlh", 2047, 131072, 0);
	say(&p, 0, OPEN, "sso", "nosuch", "", 0);
	expect_fail(&p, 530, "NOT_ALLOWED - vhost nosuch not found", OPEN);
}

static void handshake_wrong_method(struct script *s)
{
	struct peer p;

	login_to_tune(&p, s);
	say(&p, 0, OPEN, "sso", "/", "", 0);
	expect_silent_end(s, &p);
	login_to_tune(&p, s);
	say(&p, 1, CHANNEL_OPEN, "s", "");
	expect_silent_end(s, &p);
	/* after tune-ok it is told why */
	login_to_tune(&p, s);
	say(&p, 0, TUNE_OK, "hlh", 2047, 131072, 0);
	say(&p, 1, CHANNEL_OPEN, "s", "");
	expect_fail(&p, 505, "UNEXPECTED_FRAME - type 1, all octets = <<0,20,0,10,0>>", 0);
	login_to_tune(&p, s);
	say(&p, 0, TUNE_OK, "hlh", 2047, 131072, 0);
	say(&p, 0, CLOSE, "hshh", 200, "", 0, 0);
	expect_fail(&p, 504, "CHANNEL_ERROR - unexpected method in connection state opening", CLOSE);
	login_to_tune(&p, s); /* but for what is malformed */
	say(&p, 0, TUNE_OK, "hlh", 2047, 131072, 0);
	say(&p, 0, OPEN, "s", "/");
	expect_silent_end(s, &p);
}

static void row_1_13_heartbeats(struct script *s)
{
	struct peer p;
	static const uint8_t beat[] = {8, 0, 0, 0, 0, 0, 0, 0xCE};

	login_to_tune(&p, s);
	say(&p, 0, TUNE_OK, "hlh", 2047, 131072, 4);
	say(&p, 0, OPEN, "sso", "/", "", 0);
	expect(&p, 0, OPEN_OK, "s", "");
	script_wait(s, 1900);
	expect_nothing(&p);
	script_wait(s, 200); /* every h/2 */
	expect_bytes(&p, view_of(beat, sizeof(beat)));
	script_wait(s, 2000);
	expect_bytes(&p, view_of(beat, sizeof(beat)));
	peer_bytes(&p, view_of(beat, sizeof(beat)));
	script_wait(s, 7900); /* within 2h of the last octet from it */
	assert_non_null(p.head);
	p.at = p.n;
	script_wait(s, 200);
	assert_null(p.head);
	p.at = p.n;
	peer_drop(&p);
}

/* ---- channels ---------------------------------------------------------------------------- */

static void row_1_18_update_secret(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	say(&p, 0, UPDATE_SECRET, "Ss", "new", "because");
	expect(&p, 0, UPDATE_SECRET_OK, "");
	say(&p, 0, UPDATE_SECRET, "Sso", "new", "because", 0);
	expect_fail(&p, 541, "INTERNAL_ERROR", 0); /* anything malformed on channel 0 */
}

static void row_1_21_channel_max(struct script *s)
{
	struct peer p;

	login_to_tune(&p, s);
	say(&p, 0, TUNE_OK, "hlh", 1, 131072, 0);
	say(&p, 0, OPEN, "sso", "/", "", 0);
	expect(&p, 0, OPEN_OK, "s", "");
	open_channel(&p, 9);
	say(&p, 2, CHANNEL_OPEN, "s", "");
	expect_fail(&p, 530,
		    "NOT_ALLOWED - number of channels opened (1) has reached the negotiated channel_max (1)", 0);
}

struct bad_row {
	struct view bytes;
	uint16_t code;
	uint32_t id;
	const char *text;
};

static const struct bad_row framing_bad[] = {
	{BYTES_VIEW("\1\0\1\0\0\0\4\0\x3c\0\x0a\xcf"), 501, 0,
	 "FRAME_ERROR - type 1, all octets = <<0,60,0,10>>: {invalid_frame_end_marker,207}"},
	{BYTES_VIEW("\1\0\1\0\x98\x96\x80"), 501, 0,
	 "FRAME_ERROR - type 1, all octets = <<>>: {frame_too_large,10000000,131064}"},
	{BYTES_VIEW("\1\0\1\0\2\0\1"), 501, 0,
	 "FRAME_ERROR - type 1, all octets = <<>>: {frame_too_large,131073,131064}"},
	{BYTES_VIEW("\7\0\1\0\0\0\2ab\xce"), 501, 0, "FRAME_ERROR - type 7, all octets = <<\"ab\">>: unknown_frame"},
	{BYTES_VIEW("\1\0\0\0\0\0\2\0\1\xce"), 501, 0, "FRAME_ERROR - type 1, all octets = <<0,1>>: unknown_frame"},
	{BYTES_VIEW("\x08\0\0\0\0\0\1\0\xce"), 501, 0, "FRAME_ERROR - type 8, all octets = <<0>>: unknown_frame"},
	{BYTES_VIEW("\2\0\1\0\0\0\x0b\0\x3c\0\0\0\0\0\0\0\0\0\xce"), 501, 0,
	 "FRAME_ERROR - type 2, all octets = <<0,60,0,0,0,0,0,0,0,0,0>>: unknown_frame"},
	{BYTES_VIEW("\x08\0\1\0\0\0\0\xce"), 505, 0, "UNEXPECTED_FRAME - type 8, all octets = <<>>"},
	{BYTES_VIEW("\3\0\0\0\0\0\x11" "abcdefghijklmnopq\xce"), 505, 0,
	 "UNEXPECTED_FRAME - type 3, first 16 octets = <<\"abcdefghijklmnop\">>"},
	{BYTES_VIEW("\3\0\1\0\0\0\1x\xce"), 505, 0,
	 "UNEXPECTED_FRAME - expected method frame, got non method frame instead"},
	{BYTES_VIEW("\3\0\2\0\0\0\1x\xce"), 505, 0,
	 "UNEXPECTED_FRAME - expected method frame, got non method frame instead"},
	{BYTES_VIEW("\1\0\2\0\0\0\x0b\0\x3c\0\x0a\0\0\0\0\0\1\0\xce"), 504, QOS,
	 "CHANNEL_ERROR - expected 'channel.open'"},
	{BYTES_VIEW("\1\0\1\0\0\0\5\0\x14\0\x0a\0\xce"), 504, CHANNEL_OPEN,
	 "CHANNEL_ERROR - second 'channel.open' seen"},
	{BYTES_VIEW("\1\0\0\0\0\0\5\0\x14\0\x0a\0\xce"), 504, CHANNEL_OPEN,
	 "CHANNEL_ERROR - unexpected method in connection state running"},
	{BYTES_VIEW("\1\0\1\0\0\0\5\0\x3c\0\x0a\0\xce"), 501, QOS, "FRAME_ERROR - cannot decode <<0>>"},
	{BYTES_VIEW("\1\0\1\0\0\0\x0c\0\x3c\0\x0a\0\0\0\0\0\1\0\7\xce"), 501, QOS,
	 "FRAME_ERROR - cannot decode <<0,0,0,0,0,1,0,7>>"},
	/* queue.declare whose table runs past its end, and one with an unknown type */
	{BYTES_VIEW("\1\0\1\0\0\0\x0e\0\x32\0\x0a\0\0\1q\0\0\0\0\x09" "a\xce"), 501, ID(50, 10),
	 "FRAME_ERROR - cannot decode <<0,0,1,113,0,0,0,0,9,97>>"},
	{BYTES_VIEW("\1\0\1\0\0\0\x10\0\x32\0\x0a\0\0\1q\0\0\0\0\3\1ay\xce"), 501, ID(50, 10),
	 "FRAME_ERROR - cannot decode <<0,0,1,113,0,0,0,0,3,1,97,121>>"},
	/* basic.credit, and a method of the other direction (4.28) */
	{BYTES_VIEW("\1\0\1\0\0\0\x0b\0\x3c\0\xc8\1t\0\0\0\1\0\xce"), 503, ID(60, 200),
	 "COMMAND_INVALID - unimplemented method"},
	{BYTES_VIEW("\1\0\1\0\0\0\4\0\x3c\0\xc8\xce"), 501, ID(60, 200), "FRAME_ERROR - cannot decode <<>>"},
	{BYTES_VIEW("\1\0\1\0\0\0\4\0\x32\0\x0b\xce"), 501, QUEUE_DECLARE_OK, "FRAME_ERROR - cannot decode <<>>"},
	{BYTES_VIEW("\1\0\1\0\0\0\4\0\x3c\0\x0b\xce"), 503, QOS_OK, "COMMAND_INVALID - unimplemented method"},
	{BYTES_VIEW("\1\0\1\0\0\0\4\0\x5a\0\x0b\xce"), 503, TX_SELECT_OK, "COMMAND_INVALID - unimplemented method"},
	{BYTES_VIEW("\1\0\1\0\0\0\7\0\x0a\0\x28\0\0\0\xce"), 503, OPEN, "COMMAND_INVALID - unimplemented method"},
	{BYTES_VIEW("\1\0\1\0\0\0\4\0\x14\0\x29\xce"), 503, CHANNEL_CLOSE_OK,
	 "COMMAND_INVALID - unimplemented method"},
	/* texts are UTF-8, but for what a publish names */
	{BYTES_VIEW("\1\0\1\0\0\0\x0a\0\x3c\0\x46\0\0\2\xff\xfe\0\xce"), 501, 0,
	 "FRAME_ERROR - Malformed UTF-8 in shortstr"},
	{BYTES_VIEW("\1\0\2\0\0\0\x06\0\x14\0\x0a\1\x80\xce"), 501, 0, "FRAME_ERROR - Malformed UTF-8 in shortstr"},
	{BYTES_VIEW("\1\0\0\0\0\0\x0c\0\x0a\0\x32\0\xc8\1\xff\0\0\0\0\xce"), 501, CLOSE,
	 "FRAME_ERROR - Malformed UTF-8 in shortstr"},
	/* arguments are looked at before the channel is looked for */
	{BYTES_VIEW("\1\0\2\0\0\0\5\0\x3c\0\x0a\0\xce"), 501, QOS, "FRAME_ERROR - cannot decode <<0>>"},
	{BYTES_VIEW("\1\0\2\0\0\0\6\0\x14\0\x0a\0\0\xce"), 501, CHANNEL_OPEN, "FRAME_ERROR - cannot decode <<0,0>>"},
	/* channel 0: a method that is not its, one at the wrong time, one that is malformed */
	{BYTES_VIEW("\1\0\0\0\0\0\4\0\x5a\0\x0a\xce"), 504, TX_SELECT,
	 "CHANNEL_ERROR - unexpected method in connection state running"},
	{BYTES_VIEW("\1\0\0\0\0\0\4\0\x0a\0\x33\xce"), 504, CLOSE_OK,
	 "CHANNEL_ERROR - unexpected method in connection state running"},
	{BYTES_VIEW("\1\0\0\0\0\0\5\0\x0a\0\x33\0\xce"), 541, 0, "INTERNAL_ERROR"},
	{BYTES_VIEW("\1\0\0\0\0\0\5\0\x0a\0\x32\0\xce"), 541, 0, "INTERNAL_ERROR"},
	{BYTES_VIEW("\1\0\0\0\0\0\5\0\x0a\0\x0b\0\xce"), 541, 0, "INTERNAL_ERROR"},
	{BYTES_VIEW("\1\0\0\0\0\0\5\0\x5a\0\x0a\0\xce"), 541, 0, "INTERNAL_ERROR"},
};

static void row_1_22_framing(struct script *s)
{
	const struct bad_row *bad = framing_bad;

	for (size_t i = 0; i < sizeof(framing_bad) / sizeof(framing_bad[0]); i++) {
		struct peer p, other;

		peer_open(&p, s);
		peer_open(&other, s);
		peer_bytes(&p, bad[i].bytes);
		expect(&p, 0, CLOSE, "hshh", bad[i].code, bad[i].text, (int)(bad[i].id >> 16),
		       (int)(bad[i].id & 0xFFFF));
		/* whatever else it sends is read and not answered */
		if (be32_get(bad[i].bytes.p + 3) + 8 == bad[i].bytes.n) {
			say_publish(&p, 1, "", "q", "late");
			say(&p, 0, CLOSE_OK, "");
			expect_end(&p);
		} else {
			expect_nothing(&p);
			peer_drop(&p);
		}
		open_channel(&other, 2); /* nobody else is disturbed */
		peer_bye(&other);
	}
}

static void row_1_22_content(struct script *s)
{
	static const struct bad_row bad[] = {
		{BYTES_VIEW("\1\0\1\0\0\0\x0b\0\x3c\0\x0a\0\0\0\0\0\1\0\xce"), 505, PUBLISH,
		 "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead"},
		{BYTES_VIEW("\3\0\1\0\0\0\1x\xce"), 505, PUBLISH,
		 "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead"},
		{BYTES_VIEW("\2\0\1\0\0\0\x0e\0\x55\0\0\0\0\0\0\0\0\0\1\0\0\xce"), 505, PUBLISH,
		 "UNEXPECTED_FRAME - expected content header for class 60, got one for class 85 instead"},
		{BYTES_VIEW("\2\0\1\0\0\0\x0e\0\x3c\0\1\0\0\0\0\0\0\0\1\0\0\xce"), 505, PUBLISH,
		 "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead"},
		{BYTES_VIEW("\2\0\1\0\0\0\x0e\0\x3c\0\0\0\0\0\0\0\0\0\2\0\0\xce\1\0\1\0\0\0\5\0\x14\0\x14\1\xce"), 505,
		 PUBLISH, "UNEXPECTED_FRAME - expected content body, got non content body frame instead"},
		/* a body that is longer than announced never ends */
		{BYTES_VIEW("\2\0\1\0\0\0\x0e\0\x3c\0\0\0\0\0\0\0\0\0\2\0\0\xce\3\0\1\0\0\0\3abc\xce"
			    "\3\0\1\0\0\0\1d\xce\1\0\1\0\0\0\5\0\x14\0\x14\1\xce"), 505, PUBLISH,
		 "UNEXPECTED_FRAME - expected content body, got non content body frame instead"},
		/* properties: too short, more flags to come, octets left over, a header table past its end */
		{BYTES_VIEW("\2\0\1\0\0\0\x0e\0\x3c\0\0\0\0\0\0\0\0\0\0\x80\0\xce"), 541, 0, "INTERNAL_ERROR"},
		{BYTES_VIEW("\2\0\1\0\0\0\x10\0\x3c\0\0\0\0\0\0\0\0\0\0\0\1\0\0\xce"), 541, 0, "INTERNAL_ERROR"},
		{BYTES_VIEW("\2\0\1\0\0\0\x0f\0\x3c\0\0\0\0\0\0\0\0\0\0\0\0z\xce"), 541, 0, "INTERNAL_ERROR"},
		{BYTES_VIEW("\2\0\1\0\0\0\x14\0\x3c\0\0\0\0\0\0\0\0\0\0\x20\0\0\0\0\x10\1a\xce"), 541, 0,
		 "INTERNAL_ERROR"},
		/* an inner table that overruns the outer one, a kind that is none */
		{BYTES_VIEW("\2\0\1\0\0\0\x1d\0\x3c\0\0\0\0\0\0\0\0\0\0\x20\0\0\0\0\7\1aF\0\0\0\4\1bt\1\xce"), 541, 0,
		 "INTERNAL_ERROR"},
		{BYTES_VIEW("\2\0\1\0\0\0\x15\0\x3c\0\0\0\0\0\0\0\0\0\0\x20\0\0\0\0\3\1a?\xce"), 541, 0,
		 "INTERNAL_ERROR"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct peer p;

		peer_open(&p, s);
		say(&p, 1, PUBLISH, "hsso", 0, "", "q", 0);
		peer_bytes(&p, bad[i].bytes);
		expect_fail(&p, bad[i].code, bad[i].text, bad[i].id);
	}
}

static void row_1_22_unknown_method(struct script *s)
{
	static const char *const bad[] = {"\0\x3c\0\xff", "\0\x46\0\x0a", "\xff\xff\xff\xff", "\0\0\0\0"};

	for (size_t i = 0; i < 4; i++) {
		struct peer p;

		peer_open(&p, s);
		peer_frame(&p, 1, 1, view_of(bad[i], 4));
		expect_end(&p);
		peer_open(&p, s);
		peer_frame(&p, 1, 0, view_of(bad[i], 4));
		expect_end(&p);
	}
}

/* A table as deep as a frame allows, in arguments and in headers. */
static void deep_tables(struct script *s)
{
	struct buf table, b;
	struct peer p;
	size_t levels = 15000;

	buf_init(&table, 1 << 20);
	buf_init(&b, 1 << 20);
	for (size_t i = levels; i-- > 0;) {
		buf_add(&table, VIEW("\1kF"));
		buf_add_u32(&table, (uint32_t)(i * 7));
	}
	peer_open(&p, s);
	struct view inside = buf_view(&table);
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "deep", 0, &inside);
	expect_fail(&p, 501, "FRAME_ERROR - a table is nested deeper than 100 levels", QUEUE_DECLARE);
	peer_open(&p, s);
	say(&p, 1, PUBLISH, "hsso", 0, "", "q", 0);
	buf_add_u16(&b, 1 << 13);
	buf_add_u32(&b, (uint32_t)table.n);
	buf_add(&b, buf_view(&table));
	say_content(&p, 1, buf_view(&b), VIEW_NONE);
	expect_fail(&p, 541, "INTERNAL_ERROR", 0);
	buf_fini(&table);
	buf_fini(&b);
}

static void row_1_25_flow(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	say(&p, 1, FLOW, "o", 1);
	expect(&p, 1, FLOW_OK, "o", 1);
	say(&p, 1, FLOW, "o", 0);
	expect_fail(&p, 540, "NOT_IMPLEMENTED - active=false", FLOW);
}

static void row_1_26_channel_error_and_reopen(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "nosuch", PASSIVE, NULL);
	expect_channel_close(&p, 1, 404, "NOT_FOUND - no queue 'nosuch' in vhost '/'", QUEUE_DECLARE);
	/* discarded silently until close-ok */
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "q", 0, NULL);
	say_publish(&p, 1, "", "q", "lost");
	expect_nothing(&p);
	say(&p, 1, CHANNEL_CLOSE_OK, "");
	open_channel(&p, 1);
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "q", PASSIVE, NULL);
	expect_channel_close(&p, 1, 404, "NOT_FOUND - no queue 'q' in vhost '/'", QUEUE_DECLARE);
	/* both closing at once: theirs is answered, ours is still awaited */
	say(&p, 1, CHANNEL_CLOSE, "hshh", 200, "", 0, 0);
	expect(&p, 1, CHANNEL_CLOSE_OK, "");
	say(&p, 1, CHANNEL_CLOSE_OK, "");
	open_channel(&p, 1);
	say(&p, 1, CHANNEL_CLOSE, "hshh", 200, "", 0, 0);
	expect(&p, 1, CHANNEL_CLOSE_OK, "");
	open_channel(&p, 1);
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "q", PASSIVE, NULL);
	expect_channel_close(&p, 1, 404, "NOT_FOUND - no queue 'q' in vhost '/'", QUEUE_DECLARE);
	say(&p, 1, CHANNEL_OPEN, "s", ""); /* not before close-ok */
	expect_fail(&p, 504, "CHANNEL_ERROR - second 'channel.open' seen", CHANNEL_OPEN);
}

static void row_1_27_pipelining(struct script *s)
{
	struct peer p;

	/* all in one turn: answered in order, whoever answers */
	peer_open(&p, s);
	s->hold_engine = true;
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "pipe", DURABLE, NULL);
	say(&p, 1, QOS, "lho", 0, 10, 0);
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "", Q_EXCLUSIVE | NOWAIT, NULL);
	say(&p, 1, QUEUE_BIND, "hsssoT", 0, "", "amq.fanout", "", 0, NULL);
	say(&p, 1, FLOW, "o", 1);
	say(&p, 1, CONFIRM, "o", 0);
	say_publish(&p, 1, "", "pipe", "one");
	say(&p, 1, GET, "hso", 0, "pipe", 1);
	say(&p, 1, GET, "hso", 0, "pipe", 1);
	say(&p, 1, ACCESS_REQUEST, "so", "/data", 0);
	say(&p, 1, QUEUE_DELETE, "hso", 0, "pipe", 0);
	say(&p, 1, CHANNEL_CLOSE, "hshh", 200, "", 0, 0);
	say(&p, 1, CHANNEL_OPEN, "s", "");
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "pipe", PASSIVE, NULL);
	say(&p, 1, QOS, "lho", 0, 10, 0);
	s->hold_engine = false;
	expect(&p, 1, QUEUE_DECLARE_OK, "sll", "pipe", 0, 0);
	expect(&p, 1, QOS_OK, "");
	expect(&p, 1, QUEUE_BIND_OK, "");
	expect(&p, 1, FLOW_OK, "o", 1);
	expect(&p, 1, CONFIRM_OK, "");
	expect(&p, 1, GET_OK, "Lossl", 1, 0, "", "pipe", 0);
	expect_content(&p, 1, VIEW_NONE, VIEW("one"));
	expect(&p, 1, GET_EMPTY, "s", "");
	expect(&p, 1, ACCESS_REQUEST_OK, "h", 1);
	expect(&p, 1, ACK, "Lo", 1, 0); /* the turn ended: the deletion waits for the store */
	expect(&p, 1, QUEUE_DELETE_OK, "l", 0);
	expect(&p, 1, CHANNEL_CLOSE_OK, "");
	expect(&p, 1, CHANNEL_OPEN_OK, "S", "");
	expect_channel_close(&p, 1, 404, "NOT_FOUND - no queue 'pipe' in vhost '/'", QUEUE_DECLARE);
	say(&p, 1, CHANNEL_CLOSE_OK, "");
	peer_bye(&p);
}

/* An error of the head's own waits for the answers before it; what comes after
 * a failure is not done. */
static void errors_in_order(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	s->hold_engine = true;
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "first", DURABLE, NULL);
	say(&p, 1, EXCHANGE_DELETE, "hso", 0, "", 0);
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "never", 0, NULL);
	s->hold_engine = false;
	expect(&p, 1, QUEUE_DECLARE_OK, "sll", "first", 0, 0);
	expect_channel_fail(&p, 1, 403, "ACCESS_REFUSED - operation not permitted on the default exchange",
			    EXCHANGE_DELETE);
	open_channel(&p, 1);
	s->hold_engine = true;
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "never", PASSIVE, NULL);
	say_publish(&p, 1, "", "first", "not sent");
	say(&p, 1, ACK, "Lo", 99, 0);
	s->hold_engine = false;
	expect_channel_fail(&p, 1, 404, "NOT_FOUND - no queue 'never' in vhost '/'", QUEUE_DECLARE);
	open_channel(&p, 1);
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "first", PASSIVE, NULL);
	expect(&p, 1, QUEUE_DECLARE_OK, "sll", "first", 0, 0);
	peer_bye(&p);
}

/* More held back than the mark: not read until it is done, and nothing lost. */
static void held_back_pauses(struct script *s)
{
	struct peer p;
	char body[1000];

	memset(body, 'x', sizeof(body));
	s->env.options.held_bytes_max = 2000;
	peer_open(&p, s);
	s->hold_engine = true;
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "held", DURABLE, NULL);
	for (int i = 0; i < 5; i++) {
		say(&p, 1, PUBLISH, "hsso", 0, "", "held", 0);
		say_content(&p, 1, VIEW_NONE, view_of(body, sizeof(body)));
	}
	assert_true(p.wire.paused);
	s->hold_engine = false;
	expect(&p, 1, QUEUE_DECLARE_OK, "sll", "held", 0, 0);
	assert_false(p.wire.paused);
	say(&p, 1, PURGE, "hso", 0, "held", 0);
	expect(&p, 1, PURGE_OK, "l", 5);
	peer_bye(&p);
}

static void row_1_19_close(struct script *s)
{
	struct peer p, q;

	peer_open(&p, s);
	say(&p, 1, QUEUE_DECLARE, "hsoT", 0, "mine", Q_EXCLUSIVE, NULL);
	expect(&p, 1, QUEUE_DECLARE_OK, "sll", "mine", 0, 0);
	peer_open(&q, s);
	s->hold_engine = true;
	say(&p, 0, CLOSE, "hshh", 200, "", 0, 0);
	say(&q, 1, QUEUE_DECLARE, "hsoT", 0, "mine", Q_EXCLUSIVE, NULL); /* its deletion comes first */
	s->hold_engine = false;
	expect(&p, 0, CLOSE_OK, "");
	expect_end(&p);
	expect(&q, 1, QUEUE_DECLARE_OK, "sll", "mine", 0, 0);
	peer_bye(&q);
}

static void row_1_19_crossing_close(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	say(&p, 1, FLOW, "o", 0);
	expect(&p, 0, CLOSE, "hshh", 540, "NOT_IMPLEMENTED - active=false", 20, 20);
	say(&p, 1, CHANNEL_OPEN, "s", ""); /* ignored */
	say(&p, 0, CLOSE, "hshh", 200, "", 0, 0);
	expect(&p, 0, CLOSE_OK, "");
	say(&p, 0, CLOSE_OK, "");
	expect_end(&p);
}

/* Only who can hear it, only who publishes, once an alarm (rabbitmq.md 1.17). */
static void row_1_17_blocked(struct script *s)
{
	enum { BLOCKED = ID(10, 60), UNBLOCKED = ID(10, 61) };
	struct peer publisher, consumer, late;

	peer_open(&publisher, s);
	peer_open(&consumer, s);
	declare(&publisher, "q");
	say_publish(&publisher, 1, "", "q", "a");
	for (int round = 0; round < 2; round++) {
		engine_alarm(s->engine, "low on disk");
		engine_alarm(s->engine, "low on memory & disk");
		script_settle(s);
		expect_nothing(&publisher);
		peer_open(&late, s); /* comes in the middle of it */
		say_publish(&publisher, 1, "", "q", "a");
		say_publish(&publisher, 1, "", "q", "a");
		expect(&publisher, 0, BLOCKED, "s", "low on memory & disk");
		expect_nothing(&publisher);
		assert_true(publisher.wire.published && !consumer.wire.published);
		say_publish(&late, 1, "", "q", "a");
		expect(&late, 0, BLOCKED, "s", "low on memory & disk");
		expect_nothing(&consumer);
		engine_alarm(s->engine, NULL);
		script_settle(s);
		expect(&publisher, 0, UNBLOCKED, "");
		expect(&late, 0, UNBLOCKED, "");
		expect_nothing(&consumer);
		say_publish(&publisher, 1, "", "q", "a");
		expect_nothing(&publisher);
		peer_bye(&late);
	}
	peer_bye(&consumer);
	peer_bye(&publisher);
}

/* No close-ok ever comes. */
static void close_times_out(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	say(&p, 1, FLOW, "o", 0);
	expect(&p, 0, CLOSE, "hshh", 540, "NOT_IMPLEMENTED - active=false", 20, 20);
	script_wait(s, 29000);
	assert_non_null(p.head);
	script_wait(s, 1100);
	expect_end(&p);
}

static void shutdown_says_why(struct script *s)
{
	struct peer p;

	peer_open(&p, s);
	v091_head.stop(p.head, s->now);
	expect_fail(&p, 320, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'", 0);
	peer_connect(&p, s);
	v091_head.stop(p.head, s->now);
	expect_end(&p);
}

int main(void)
{
	static const struct script_row rows[] = {
		SCRIPT(row_1_1_start), SCRIPT(row_1_2_other_headers), SCRIPT(handshake_times_out),
		SCRIPT(row_1_7_logins), SCRIPT(row_1_8_refused_with_reason), SCRIPT(row_1_9_refused_silently),
		SCRIPT(row_1_10_malformed_login), SCRIPT(early_bytes), SCRIPT(gone_while_checked),
		SCRIPT(row_1_12_bad_tune), SCRIPT(row_1_15_vhost), SCRIPT(handshake_wrong_method),
		SCRIPT(row_1_13_heartbeats), SCRIPT(row_1_17_blocked), SCRIPT(row_1_18_update_secret), SCRIPT(row_1_21_channel_max),
		SCRIPT(row_1_22_framing), SCRIPT(row_1_22_content), SCRIPT(row_1_22_unknown_method),
		SCRIPT(deep_tables), SCRIPT(row_1_25_flow), SCRIPT(row_1_26_channel_error_and_reopen),
		SCRIPT(row_1_27_pipelining), SCRIPT(errors_in_order), SCRIPT(held_back_pauses),
		SCRIPT(row_1_19_close), SCRIPT(row_1_19_crossing_close), SCRIPT(close_times_out),
		SCRIPT(shutdown_says_why),
	};

	return scripts_run("amqp091_connection", rows, sizeof(rows) / sizeof(rows[0]));
}
