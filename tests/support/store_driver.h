/* SPDX-License-Identifier: Apache-2.0 */
/* A test's hand on a store: builds batches op by op, waits with a deadline,
 * keeps results and loaded entries. It owns the messages it makes, its batches
 * and what was loaded until the next load or driver_fini. */
#ifndef MQB_TESTS_SUPPORT_STORE_DRIVER_H
#define MQB_TESTS_SUPPORT_STORE_DRIVER_H

#include "store/store.h"

struct driver {
	struct store *store;
	struct store_batch *building; /* NULL: none yet */
	size_t unfinished;            /* batches and loads */
	uint8_t *results;             /* of every op, in order of submission */
	size_t n_results, cap_results;
	struct store_entry *entries; /* of the last load */
	size_t n_entries;
	bool end, failed;
	uint64_t tag;
	enum store_state state;
	unsigned states; /* state up-calls */
	unsigned lost, arrived, def_changes;
	uint8_t *flat; /* driver_body's */
	bool lazy; /* do not wait: the test polls itself */
};

/* Hangs itself into the store's sink. */
void driver_init(struct driver *d, struct store *store);
/* Closes the store too, if it is still there. */
void driver_fini(struct driver *d);

/* Ops of the batch being built; each is a group of its own unless driver_more
 * is called after it. */
struct store_op *driver_op(struct driver *d, enum store_op_kind kind);
void driver_more(struct driver *d);
struct store_op *driver_append(struct driver *d, uint32_t queue, uint8_t lane, uint64_t pos, struct view body);
/* One message for n queues first, first + 1, … at pos, pos + 1, … */
struct store_op *driver_append_many(struct driver *d, uint32_t first, uint32_t n, uint64_t pos,
				    struct view body);
/* The same with a body of the caller's, whose reference it takes. */
struct store_op *driver_append_body(struct driver *d, uint32_t first, uint32_t n, uint64_t pos,
				    struct body *body);
struct store_op *driver_remove(struct driver *d, uint32_t queue, uint64_t pos);
struct store_op *driver_def(struct driver *d, const char *kind, const char *key, const char *value,
			    uint64_t expected);
/* Hands the batch over. Returns the index of its first result. */
size_t driver_submit(struct driver *d);
/* Polls until everything handed over is finished; fails the process after 60 s. */
void driver_wait(struct driver *d);
/* Both, and the result of the batch's first op. */
enum store_result driver_run(struct driver *d);

/* Loads and waits, unless lazy. */
size_t driver_load(struct driver *d, uint32_t queue, uint8_t lane, uint64_t after, uint32_t n);
/* Number of entries in a lane, by loading all of it. */
size_t driver_count(struct driver *d, uint32_t queue, uint8_t lane);
/* The body of loaded entry i, flat; valid until the next call. */
struct view driver_body(struct driver *d, size_t i);

/* A fresh empty directory below $TMPDIR; removed with what it holds. */
char *temp_dir_new(void);
void temp_dir_remove(char *dir);

#endif
