/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/load_case.h"

static const struct load_case cases[] = {
	{.name = "a", .what = "transient, automatic acknowledgement, at most 20,000 behind", .publishers = 1, .queues = 1,
	 .consume = true, .behind_max = 20000},
	{.name = "b", .what = "persistent, 1,000 unconfirmed, no consumer", .persistent = true, .publishers = 1,
	 .window = 1000, .queues = 1},
	{.name = "c", .what = "as b with a consumer, prefetch 500, one multiple ack every 100", .persistent = true,
	 .publishers = 1, .window = 1000, .queues = 1, .consume = true, .prefetch = 500, .ack_every = 100},
	{.name = "d", .what = "as b, one unconfirmed", .persistent = true, .publishers = 1, .window = 1, .queues = 1},
	{.name = "dn", .what = "sixteen connections as d, one queue", .persistent = true, .publishers = 16, .window = 1,
	 .queues = 1},
	{.name = "e", .what = "as c at 5,000/s, one ack a message", .persistent = true, .publishers = 1, .window = 1000,
	 .rate = 5000, .queues = 1, .consume = true, .prefetch = 500, .ack_every = 1},
	{.name = "f", .what = "fanout to 10 queues, automatic acknowledgement; deliveries", .publishers = 1, .queues = 10,
	 .consume = true, .behind_max = 20000},
	{.name = "g", .what = "topic exchange, 10,000 bindings over 100 queues; publishes, 2.5 deliveries each",
	 .topic = true, .publishers = 1, .queues = 100, .consume = true, .behind_max = 20000},
	{.name = "h", .what = "backlog: 1,000,000 messages in as b, then out as c", .kind = LOAD_BACKLOG,
	 .parts = {"fill", "ready", "drain"},
	 .messages = 1000000},
	{.name = "i", .what = "5,000 idle connections, opened sixteen at a time", .kind = LOAD_IDLE, .connections = 5000},
	{.name = "l", .what = "SQS: send, send by ten, receive and delete by ten; 16 connections", .protocol = LOAD_SQS,
	 .kind = LOAD_REQUESTS, .parts = {"send", "batch", "drain"}, .messages = 20000, .connections = 16},
};

const struct load_case *load_case_at(size_t i)
{
	return i < sizeof(cases) / sizeof(*cases) ? &cases[i] : NULL;
}

const struct load_case *load_case_find(const char *name)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (!strcmp(cases[i].name, name))
			return &cases[i];
	return NULL;
}
