/* SPDX-License-Identifier: Apache-2.0 */
/* A loop on this thread with one listener, and a client on another that talks to
 * it over real sockets. The client's checks note the first line that failed. */
#ifndef TESTS_UNIT_NET_RIG_H
#define TESTS_UNIT_NET_RIG_H

#include <stdatomic.h>

#include "net/loop.h"

struct rig {
	struct loop *loop;
	int port;
	const struct wire_head *head;
	struct listener_spec spec;  /* host "127.0.0.1" and the marks a test wants */
	void (*client)(struct rig *r);
	/* Called in every ENGINE phase; may be NULL. */
	void (*turn)(struct rig *r, struct now now);
	void (*signal)(struct rig *r, int signum);
	int64_t next_ms;
	atomic_bool gate, alarm;
	atomic_bool done;          /* the client has finished */
	atomic_int failed;         /* the line of its first failed check */
	/* What the heads have seen. */
	atomic_int opened, closed, ends[3];
	atomic_ullong input_bytes, out_bytes_max;
	atomic_int a, b;           /* a test's own */
	char peer[112];
	bool loopback;
};

/* Runs until the client has finished; fails the test when a check of it did. */
void rig_run(struct rig *r);

#define RIG_CHECK(r, cond)                                                     \
	do {                                                                   \
		int none = 0;                                                  \
		if (!(cond)) {                                                 \
			atomic_compare_exchange_strong(&(r)->failed, &none, __LINE__); \
			return;                                                \
		}                                                              \
	} while (0)

/* Client side: blocking sockets that give up after 20 s. */
int rig_connect(const struct rig *r);
bool rig_send(int fd, const void *p, size_t n);
bool rig_recv(int fd, void *p, size_t n);
/* True when the peer's orderly end comes next. */
bool rig_recv_end(int fd);
/* Polls until *what is `value`; false after 20 s. */
bool rig_wait_int(atomic_int *what, int value);

/* Heads. All count into the rig, which is their env. */
extern const struct wire_head echo_head; /* stop: "bye", then closing */
extern const struct wire_head sink_head; /* counts what comes, publishes */

struct rig_conn {
	struct rig *r;
	struct wire *w;
};
/* For a test's own heads. */
void *rig_conn_open(void *env, struct wire *w, struct now now);
void rig_conn_input(void *head, struct view bytes, struct now now);
void rig_conn_tick(void *head, struct now now);
void rig_conn_close(void *head, enum wire_end end);

#endif
