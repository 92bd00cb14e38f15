/* SPDX-License-Identifier: Apache-2.0 */
/* A store that owns leases, as a remote one would: no order, every completion
 * late and in any order, failures per entry, lost leases, duplicates,
 * approximate counts, and a second writer behind the caller's back. Everything
 * follows from the seed and the calls made.
 *
 * Model: an operation is carried out at a moment of its own between submit and
 * its outcome. A batch is done when all its operations are. Within a group
 * (store.h: append before remove) what follows the appends waits for them, and
 * is answered STORE_RETRY_LATER, undone, when one of them failed; groups are not
 * atomic beyond that and have no order between each other. Messages are visible,
 * leased until a moment, or delayed; a handle names one lease, and an operation
 * with an older one is answered STORE_LOST. Time is what the test says it is.
 *
 * MARK, DUE and MOVE are refused (not among its caps); QUEUE_ROW is accepted and
 * forgotten: counts are the store's own. */
#ifndef MQB_TESTS_SUPPORT_STORE_REMOTE_FAKE_H
#define MQB_TESTS_SUPPORT_STORE_REMOTE_FAKE_H

#include "base/clock.h"
#include "store/store.h"

/* Chances are per 1,000; zero is never. */
struct fake_options {
	uint64_t seed;
	uint32_t late_polls;   /* an outcome waits for 0 .. late_polls polls */
	bool manual;           /* outcomes come by fake_step only, none by poll */
	uint32_t retry;        /* an entry's operation is answered RETRY_LATER, not done */
	uint32_t refuse;       /* an append is answered REFUSED */
	uint32_t lose;         /* a lease is gone when an operation names it: LOST */
	uint32_t duplicate;    /* an appended message is stored twice */
	uint32_t tell_lost;    /* a lease that times out is told by lease_lost */
	uint32_t batch_max;    /* a load answers at most so many; 10 when 0 */
};

struct store *fake_open(const struct fake_options *o);
/* The same knobs, later. */
struct fake_options *fake_options(struct store *s);

/* The virtual clock: leases time out and long polls end by its mono, delays by
 * its wall. Starts at 0. */
void fake_now(struct store *s, struct now now);
/* Carries out and releases up to n waiting operations or loads, in random order;
 * poll raises them. Returns how many. */
size_t fake_step(struct store *s, size_t n);

/* The second writer. fake_put takes no reference. */
void fake_put(struct store *s, uint32_t queue, struct message *m);
/* Takes one visible message away for `lease_ms` (0: for ever, it is deleted);
 * false: none. */
bool fake_receive(struct store *s, uint32_t queue, int64_t lease_ms);
/* A definition changes; value NULL: it is deleted. Raises def_changed. */
void fake_def_change(struct store *s, struct view kind, struct view key, const struct view *value);
/* Every lease of the queue ends at once. */
void fake_drop_leases(struct store *s, uint32_t queue);

/* For assertions: exact. */
size_t fake_count(struct store *s, uint32_t queue);   /* all of them */
size_t fake_visible(struct store *s, uint32_t queue);
size_t fake_leased(struct store *s, uint32_t queue);
size_t fake_delayed(struct store *s, uint32_t queue);
size_t fake_waiting(struct store *s); /* operations and loads without outcome */
/* What the remote's own statistics would say: up to 20 % beside the truth. */
size_t fake_count_approximate(struct store *s, uint32_t queue);

#endif
