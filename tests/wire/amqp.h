/* SPDX-License-Identifier: Apache-2.0 */
/* Wire scripts for AMQP 0-9-1: the head, the engine, the memory store and the
 * real access room in one process, a virtual clock, and peers that send and
 * expect frames byte by byte. Frames are put together here by hand, with none of
 * the head's own code.
 *
 * Arguments of a method are given by a layout: o octet, h short, l long, L long
 * long (all int64_t or int), s short string, S long string (const char *), T
 * table (const struct view *: its inside, NULL: empty). */
#ifndef MQB_TESTS_WIRE_AMQP_H
#define MQB_TESTS_WIRE_AMQP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "amqp/v091.h"
#include "base/arena.h"
#include "store/blobs.h"
#include "store/store_memory.h"
#include "support/store_crash.h"

/* How the bytes that a peer sends are cut: the answers must be the same. */
enum split { SPLIT_NONE, SPLIT_OCTETS, SPLIT_RANDOM, SPLITS };

struct script {
	struct store *store;
	struct access *access;
	struct engine *engine;
	struct store_crash *disk; /* of large bodies, in memory */
	struct blobs *blobs;
	struct codecs codecs;
	struct rng rng, cuts;
	struct now now;
	enum split split;
	struct v091_env env;
	struct peer *peers; /* open ones */
	bool hold_engine;   /* script_turn leaves the ENGINE phase out */
	bool hold_blobs;    /* the disk of large bodies does not answer */
	bool store_fails;   /* the next batch is not stored */
	bool failed;        /* the last test did not come to its end */
};

struct peer {
	struct script *script;
	struct peer *next;
	struct wire wire;
	void *head; /* NULL: closed */
	bool touched;
	uint8_t *got; /* everything it was sent */
	size_t n, cap, at; /* at: next byte to be looked at */
	uint32_t frame_max;
};

void script_open(struct script *s);
void script_close(struct script *s);
/* One loop turn; script_settle: turns until nothing moves. */
void script_turn(struct script *s);
void script_settle(struct script *s);
/* Moves the clock, ticks, settles. */
void script_wait(struct script *s, int64_t ms);
/* Deletes every queue and exchange that a test left; no leases may be left. */
void script_clean(struct script *s);

/* A connection before its protocol header. */
void peer_connect(struct peer *p, struct script *s);
/* The same, up to open-ok, as guest on "/", with the usual capabilities. */
void peer_login(struct peer *p, struct script *s);
/* peer_login and channel 1. */
void peer_open(struct peer *p, struct script *s);
/* The socket is gone, without a word. */
void peer_drop(struct peer *p);
/* connection.close and its answer, then peer_drop. */
void peer_bye(struct peer *p);

void peer_bytes(struct peer *p, struct view v);
void peer_frame(struct peer *p, uint8_t type, uint16_t channel, struct view payload);
/* id = class << 16 | method */
void say(struct peer *p, uint16_t channel, uint32_t id, const char *layout, ...);
/* Header and body frames; raw: flags and properties, VIEW_NONE: none. */
void say_content(struct peer *p, uint16_t channel, struct view raw, struct view body);
void say_publish(struct peer *p, uint16_t channel, const char *exchange, const char *key, const char *body);

/* The next bytes are exactly this. */
void expect_bytes(struct peer *p, struct view v);
void expect(struct peer *p, uint16_t channel, uint32_t id, const char *layout, ...);
void expect_content(struct peer *p, uint16_t channel, struct view raw, struct view body);
/* On channel 1, from the default exchange. */
void expect_deliver(struct peer *p, const char *tag, uint64_t n, bool again, const char *key, const char *body);
void expect_channel_close(struct peer *p, uint16_t channel, uint16_t code, const char *text, uint32_t id);
/* The same, and answers it. */
void expect_channel_fail(struct peer *p, uint16_t channel, uint16_t code, const char *text, uint32_t id);
/* connection.close, answered, and the end of the connection. */
void expect_fail(struct peer *p, uint16_t code, const char *text, uint32_t id);
void expect_nothing(struct peer *p);
void expect_end(struct peer *p);

/* Commonest steps with their answers. */
void open_channel(struct peer *p, uint16_t channel);
void declare(struct peer *p, const char *queue);
void consume(struct peer *p, const char *queue, const char *tag, bool no_ack);

#define ID(class_id, method_id) ((uint32_t)(class_id) << 16 | (method_id))
enum {
	START = ID(10, 10), START_OK = ID(10, 11), TUNE = ID(10, 30), TUNE_OK = ID(10, 31),
	OPEN = ID(10, 40), OPEN_OK = ID(10, 41), CLOSE = ID(10, 50), CLOSE_OK = ID(10, 51),
	UPDATE_SECRET = ID(10, 70), UPDATE_SECRET_OK = ID(10, 71),
	CHANNEL_OPEN = ID(20, 10), CHANNEL_OPEN_OK = ID(20, 11), FLOW = ID(20, 20), FLOW_OK = ID(20, 21),
	CHANNEL_CLOSE = ID(20, 40), CHANNEL_CLOSE_OK = ID(20, 41),
	ACCESS_REQUEST = ID(30, 10), ACCESS_REQUEST_OK = ID(30, 11),
	EXCHANGE_DECLARE = ID(40, 10), EXCHANGE_DECLARE_OK = ID(40, 11),
	EXCHANGE_DELETE = ID(40, 20), EXCHANGE_DELETE_OK = ID(40, 21),
	EXCHANGE_BIND = ID(40, 30), EXCHANGE_BIND_OK = ID(40, 31),
	EXCHANGE_UNBIND = ID(40, 40), EXCHANGE_UNBIND_OK = ID(40, 51),
	QUEUE_DECLARE = ID(50, 10), QUEUE_DECLARE_OK = ID(50, 11), QUEUE_BIND = ID(50, 20),
	QUEUE_BIND_OK = ID(50, 21), PURGE = ID(50, 30), PURGE_OK = ID(50, 31), QUEUE_DELETE = ID(50, 40),
	QUEUE_DELETE_OK = ID(50, 41), QUEUE_UNBIND = ID(50, 50), QUEUE_UNBIND_OK = ID(50, 51),
	QOS = ID(60, 10), QOS_OK = ID(60, 11), CONSUME = ID(60, 20), CONSUME_OK = ID(60, 21),
	CANCEL = ID(60, 30), CANCEL_OK = ID(60, 31), PUBLISH = ID(60, 40), RETURN = ID(60, 50),
	DELIVER = ID(60, 60), GET = ID(60, 70), GET_OK = ID(60, 71), GET_EMPTY = ID(60, 72),
	ACK = ID(60, 80), REJECT = ID(60, 90), RECOVER_ASYNC = ID(60, 100), RECOVER = ID(60, 110),
	RECOVER_OK = ID(60, 111), NACK = ID(60, 120), CONFIRM = ID(85, 10), CONFIRM_OK = ID(85, 11),
	TX_SELECT = ID(90, 10), TX_SELECT_OK = ID(90, 11), TX_COMMIT = ID(90, 20), TX_COMMIT_OK = ID(90, 21),
	TX_ROLLBACK = ID(90, 30), TX_ROLLBACK_OK = ID(90, 31),
};
/* Bits of queue.declare and exchange.declare. */
enum { PASSIVE = 1, DURABLE = 2, Q_EXCLUSIVE = 4, Q_AUTO_DELETE = 8, X_AUTO_DELETE = 4, X_INTERNAL = 8, NOWAIT = 16 };

/* A view of a literal, NULs and all, for static tables. */
#define BYTES_VIEW(lit) {(const uint8_t *)(lit), sizeof(lit) - 1}

/* A row of a test table: the function runs once for every split. */
#define SCRIPT(f) {#f, f}
struct script_row {
	const char *name;
	void (*run)(struct script *s);
};
int scripts_run(const char *group, const struct script_row *rows, size_t n);

#endif
