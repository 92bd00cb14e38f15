/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of the simulation (sim.h). MQBRIDGE_SIM_SEED=n replays one run of each
 * kind, MQBRIDGE_SIM_RUNS=n sets how many, MQBRIDGE_SIM_KIND=name picks one kind,
 * MQBRIDGE_SIM_TRACE=1 tells what happens. */
#include "base/arena.h"
#include "base/log.h"
#include "mapping/cross.h"
#include "sim.h"
#include "support/store_remote_fake.h"

enum { CHECK_EVERY = 4 };

static const struct codecs codecs = {{[RAW_SQS] = &sqs_header_codec}};

static void time_passes(struct sim *s)
{
	int64_t ms = 1 + (int64_t)pick(s, 3000);
	s->rig.now.mono_ms += ms;
	s->rig.now.wall_ms += ms;
	turn(s);
}

static void step(struct sim *s)
{
	struct sim_peer *p = &s->peers[pick(s, PEERS)];
	uint64_t what = pick(s, 100);
	if (!p->open)
		do_open(s, p);
	else if (what < 80)
		client_step(s, p);
	else if (what < 92)
		definition_step(s, p);
	else if (what < 94)
		do_close(s, p);
	else if (what < 97)
		time_passes(s);
	else
		do_fault(s);
	if (chance(s, 60))
		turn(s);
	if (rig_has(s->rig.kind, STORE_SURVIVES) && pick(s, 1000) < 6)
		life_ends(s, s->rig.kind == RIG_CRASH && chance(s, 70));
}

static void remote_options(struct sim *s)
{
	struct fake_options *o = fake_options(s->rig.store);
	o->retry = (uint32_t)pick(s, 200);
	o->late_polls = (uint32_t)pick(s, 6);
	if (!s->o.loose)
		return;
	o->refuse = (uint32_t)pick(s, 50);
	o->lose = (uint32_t)pick(s, 100);
	o->duplicate = (uint32_t)pick(s, 100);
	o->tell_lost = (uint32_t)pick(s, 1000);
}

static void run(const struct sim_options *o, uint64_t seed)
{
	struct sim *s = mem_zalloc(sizeof(*s));
	s->o = *o;
	s->seed = seed;
	s->trace = getenv("MQBRIDGE_SIM_TRACE") != NULL;
	rng_seed(&s->rng, seed);
	engine_options_default(&s->rig.options);
	s->rig.options.seed = seed;
	s->rig.options.codecs = &codecs;
	rig_envelopes_init(&s->envelopes);
	s->rig.options.envelopes = &s->envelopes.maker;
	s->rig.options.window_entries = 2 + (uint32_t)pick(s, 40);
	s->rig.options.load_entries = 1 + (uint32_t)pick(s, 10);
	s->rig.options.deliver_turn = 1 + (uint32_t)pick(s, 50);
	if (chance(s, 25)) {
		s->o.wide = true;
		s->rig.options.fanout_max = 1;
		s->rig.options.fanout_turn = 1 + (uint32_t)pick(s, 4);
	}
	if (chance(s, 40)) { /* memory is short: pages everywhere, transient ones spill */
		s->rig.options.resident_high_bytes = 300 + pick(s, 8000);
		s->rig.options.resident_low_bytes = s->rig.options.resident_high_bytes * 3 / 4;
	}
	s->rig.outside = chance(s, 30);
	rig_open(&s->rig, o->kind);
	s->rig.check_every = CHECK_EVERY;
	declare_all(s);
	if (o->kind == RIG_REMOTE)
		remote_options(s);
	for (s->step = 0; s->step < STEPS; s->step++)
		step(s);
	drain(s);
	rig_no_files(&s->rig); /* S7 */
	rig_close(&s->rig);
	free(s);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *v = getenv(name);
	return v ? strtoull(v, NULL, 10) : otherwise;
}

static void runs(const char *name, const struct sim_options *o, uint64_t n)
{
	const char *kind = getenv("MQBRIDGE_SIM_KIND");
	uint64_t only = setting("MQBRIDGE_SIM_SEED", 0);
	if (kind && strcmp(kind, name) != 0)
		return;
	n = setting("MQBRIDGE_SIM_RUNS", n);
	for (uint64_t seed = only ? only : 1; seed <= (only ? only : n); seed++)
		run(o, seed);
}

static void test_memory(void **state)
{
	(void)state;
	runs("memory", &(struct sim_options){.kind = RIG_MEMORY}, 300);
}

static void test_power_loss(void **state)
{
	(void)state;
	runs("crash", &(struct sim_options){.kind = RIG_CRASH}, 150);
}

static void test_failing_disk(void **state)
{
	(void)state;
	runs("faults", &(struct sim_options){.kind = RIG_CRASH, .faults = true}, 150);
}

static void test_writer_thread(void **state)
{
	(void)state;
	runs("thread", &(struct sim_options){.kind = RIG_SQLITE_THREAD}, 3);
}

static void test_remote(void **state)
{
	(void)state;
	runs("remote", &(struct sim_options){.kind = RIG_REMOTE}, 200);
}

static void test_remote_that_loses(void **state)
{
	(void)state;
	runs("loose", &(struct sim_options){.kind = RIG_REMOTE, .loose = true}, 200);
}

int main(void)
{
	log_set_level(LOG_ERROR);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_power_loss),
		cmocka_unit_test(test_failing_disk),
		cmocka_unit_test(test_writer_thread),
		cmocka_unit_test(test_remote),
		cmocka_unit_test(test_remote_that_loses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
