/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: the ordered groups of work on their way to the store
 * (engine.md §5). One batch is being built, at most JOURNAL_DEPTH are with the
 * store. Invariants:
 *  J1  groups reach the store in the order they were closed
 *  J2  an append that is removed while its batch is being built is never written
 *      (elision); one that was submitted gets a remove behind it
 *  J3  every group is reported once; removals, rows and counters of a failed group
 *      are queued again, in order, when the store has recovered
 *  J4  `bytes` = what all unfinished batches hold
 * With a depth of one, whatever arrives while the store works gathers in the next
 * batch: that is the group commit, and the time in which elision happens. */
#ifndef MQB_ENGINE_JOURNAL_H
#define MQB_ENGINE_JOURNAL_H

#include "base/arena.h"
#include "base/list.h"
#include "store/store.h"

struct ask;
struct tx_commit;
struct entry;
struct queue;
struct publish;
struct engine;

enum { JOURNAL_DEPTH = 1, JOURNAL_ROW_MS = 50, JOURNAL_RETRY_MS = 200 };

struct jbatch {
	struct store_batch batch;
	struct engine *engine;
	struct arena arena;   /* dests, keys, handles */
	uint64_t live;        /* operations that are not cancelled */
	struct jbatch *merged; /* operations of a failed batch that go along; freed with this one */
	struct jbatch *next_free;
};

struct journal {
	struct jbatch *building;
	struct jbatch *free;
	uint32_t submitted;
	uint64_t bytes;
	struct link dirty;     /* queues whose row changed */
	int64_t dirty_since_ms; /* mono; 0: not */
	struct jbatch *retry;  /* operations to queue again once the store is sound */
	int64_t retry_at_ms;
};

void journal_init(struct engine *e);
void journal_fini(struct engine *e);
/* The entry that waits for a destination; NULL: only the store has it, or nobody
 * waits any more (dest_forget). */
struct entry *dest_entry(const struct store_dest *d);
/* Its entry was removed: what becomes of the append is nobody's business. */
void dest_forget(struct store_dest *d);
bool dest_forgotten(const struct store_dest *d);
/* Room for a message's destinations, in the batch being built. */
struct store_dest *journal_dests(struct engine *e, uint32_t n);
/* One append group of its own; dests from journal_dests. Refs the message. */
void journal_append(struct engine *e, struct message *m, struct store_dest *dests, uint32_t n, struct publish *p);
void journal_cancel(struct entry *e);              /* UNSENT: elide */
void journal_remove(struct queue *q, uint64_t pos);
/* Removals queued since `mark` are waited for by a. */
size_t journal_mark_point(const struct engine *e);
void journal_wait(struct engine *e, size_t mark, struct ask *a);
/* What was queued since `mark` is one group, told to c when it is done. false:
 * there is nothing. */
bool journal_close_group(struct engine *e, size_t mark, struct tx_commit *c);
/* What was queued since `mark` moves a message on: one group, tried again as a
 * whole until the store has taken it. */
void journal_close_republish(struct engine *e, size_t mark);
/* What was queued since `mark`, appends all of it, is taken back; their entries are
 * nobody's any more (entry_unsent). */
void journal_abandon(struct engine *e, size_t mark);
/* a waits for all that is unfinished now. */
void journal_barrier(struct engine *e, struct ask *a);
void journal_mark(struct entry *e);
void journal_due(struct entry *e); /* DELAYED so far, from now on ready at the same position */
/* Up to a position, less keep (ascending); a waits for the commit. */
void journal_purge(struct queue *q, uint8_t lane, uint64_t upto, const uint64_t *keep, size_t n, struct ask *a);
void journal_purge_queue(struct queue *q); /* all lanes, and its row */
void journal_handle(struct queue *q, enum store_op_kind kind, struct view handle, int64_t ms);
/* Copies key and value. a may be NULL; else it waits for the commit. */
void journal_definition(struct engine *e, const char *kind, struct view key, struct view value, bool put, struct ask *a);
void journal_meta(struct engine *e, const char *key, uint64_t value);
void journal_row(struct queue *q); /* its counters changed */
void journal_flush(struct engine *e);
/* Hands over what is being built at once, so that a load behind it sees it.
 * false: operations wait for the store to recover, no load would be right now. */
bool journal_submit_now(struct engine *e);
bool journal_idle(const struct engine *e);
int64_t journal_next_ms(const struct engine *e);

#endif
