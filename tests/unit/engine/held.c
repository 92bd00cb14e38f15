/* SPDX-License-Identifier: Apache-2.0 */
#include "held.h"

enum { TURNS = 20 };

static struct store_ops held;
static const struct store_ops *real;

static int held_poll(struct store *s)
{
	(void)s;
	return 0;
}

void held_begin(struct rig *r)
{
	real = r->store->ops;
	held = *real;
	held.poll = held_poll;
	r->store->ops = &held;
}

void held_turns(struct rig *r)
{
	for (int i = 0; i < TURNS; i++)
		rig_turn(r);
}

void held_pass(struct rig *r)
{
	real->poll(r->store);
	held_turns(r);
}

void held_end(struct rig *r)
{
	r->store->ops = real;
	rig_settle(r);
}
