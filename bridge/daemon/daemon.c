/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's life: the loop's hooks, signals, the way out. The states are in
 * daemon_priv.h, the building of the rooms in daemon_open.c. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/log.h"
#include "daemon/daemon_priv.h"

/* Between states something may end without waking the loop; it is looked at this often. */
enum { LOOK_MS = 20 };

static const bool edges[DAEMON_STOPPED + 1][DAEMON_STOPPED + 1] = {
	[DAEMON_OPENING] = {[DAEMON_SERVING] = true, [DAEMON_CLOSING] = true, [DAEMON_STOPPED] = true},
	[DAEMON_SERVING] = {[DAEMON_LEAVING] = true, [DAEMON_STOPPED] = true},
	[DAEMON_LEAVING] = {[DAEMON_CLOSING] = true, [DAEMON_STOPPED] = true},
	[DAEMON_CLOSING] = {[DAEMON_KEEPING] = true, [DAEMON_STOPPED] = true},
	[DAEMON_KEEPING] = {[DAEMON_STOPPED] = true},
};

void daemon_enter(struct daemon *d, enum daemon_state state)
{
	must(edges[d->state][state]);
	d->state = state;
	if (state == DAEMON_STOPPED)
		loop_stop(d->loop);
}

void daemon_fail(struct daemon *d, enum exit_code code, const char *event, const char *text)
{
	if (d->exit_code == EXIT_OK)
		d->exit_code = code;
	log_error(event, "text=\"%s\"", text);
	if (d->state != DAEMON_STOPPED)
		daemon_enter(d, DAEMON_STOPPED);
}

static void serve_begin(struct daemon *d)
{
	struct error e = {0};
	if (!listeners_open(d, &e)) {
		daemon_fail(d, EXIT_LISTEN, "listener.failed", e.text);
		return;
	}
	daemon_enter(d, DAEMON_SERVING);
	ready_line_print(d, stdout);
}

static void close_begin(struct daemon *d)
{
	loop_close_heads(d->loop);
	d->until_ms = d->now.mono_ms + CLOSE_MS_MAX;
	daemon_enter(d, DAEMON_CLOSING);
}

static bool settled(const struct daemon *d)
{
	return d->pending == 0 && engine_idle(d->engine) && access_idle(d->access);
}

static void stop_late(struct daemon *d)
{
	if (d->now.mono_ms >= d->until_ms)
		daemon_fail(d, EXIT_FAILED, "stop.unfinished", "the store did not finish in time");
}

static void advance(struct daemon *d)
{
	switch (d->state) {
	case DAEMON_OPENING:
		if (settled(d))
			serve_begin(d);
		break;
	case DAEMON_LEAVING:
		if (loop_connections(d->loop) == 0 || d->now.mono_ms >= d->until_ms)
			close_begin(d);
		break;
	case DAEMON_CLOSING:
		if (loop_connections(d->loop) == 0 && settled(d)) {
			engine_leases_keep(d->engine);
			daemon_enter(d, DAEMON_KEEPING);
		} else {
			stop_late(d);
		}
		break;
	case DAEMON_KEEPING:
		if (settled(d))
			daemon_enter(d, DAEMON_STOPPED);
		else
			stop_late(d);
		break;
	case DAEMON_SERVING:
	case DAEMON_STOPPED:
		break;
	}
}

/* Verbs of the READ phase happen at the turn's time, not at the last one's. */
static void on_turn(void *ctx, struct now now)
{
	struct daemon *d = ctx;
	d->now = now;
	if (d->engine)
		engine_time(d->engine, now);
}

static bool on_engine(void *ctx, struct now now)
{
	struct daemon *d = ctx;
	d->now = now;
	if (d->blobs)
		blobs_poll(d->blobs);
	bool more = engine_run(d->engine, now);
	if (access_poll(d->access, now) > 0)
		more = true;
	if (v091_turn_end(&d->v091))
		more = true;
	alarms_look(d);
	advance(d);
	return more;
}

static void on_store(void *ctx)
{
	engine_flush(((struct daemon *)ctx)->engine);
}

static int64_t on_next_ms(void *ctx)
{
	const struct daemon *d = ctx;
	int64_t next = engine_next_ms(d->engine);
	next = d->alarms_ms < next ? d->alarms_ms : next;
	int64_t look = d->state == DAEMON_SERVING ? INT64_MAX : d->now.mono_ms + LOOK_MS;
	return look < next ? look : next;
}

static bool on_publishers_wait(void *ctx)
{
	const struct daemon *d = ctx;
	return engine_store_full(d->engine) || (d->blobs && blobs_full(d->blobs));
}

static bool on_alarm(void *ctx)
{
	return ((const struct daemon *)ctx)->alarm != NULL;
}

static bool reloads(size_t option)
{
	return option == OPT_log_level || option == OPT_memory_high_bytes || option == OPT_memory_high_percent ||
	       option == OPT_memory_low_percent || option == OPT_disk_free_bytes || option == OPT_disk_free_percent ||
	       option == OPT_disk_clear_percent || option == OPT_alarm_interval_ms;
}

/* SIGHUP: what may change while running does, the rest is named. */
static void reload(struct daemon *d)
{
	struct options fresh;
	struct error e = {0};
	bool differs[OPTIONS];
	options_init(&fresh);
	if (!options_load(&fresh, d->sources, &e)) {
		log_error("reload.failed", "text=\"%s\"", e.text);
		options_fini(&fresh);
		return;
	}
	size_t n = options_compare(&d->options, &fresh, differs);
	for (size_t i = 0; i < OPTIONS; i++)
		if (differs[i] && !reloads(i))
			log_warn("reload.restart_needed", "key=%s", option_rows[i].name);
	d->options.log_level = fresh.log_level;
	log_set_level((enum log_level)fresh.log_level);
	d->options.memory_high_bytes = fresh.memory_high_bytes;
	d->options.memory_high_percent = fresh.memory_high_percent;
	d->options.memory_low_percent = fresh.memory_low_percent;
	d->options.disk_free_bytes = fresh.disk_free_bytes;
	d->options.disk_free_percent = fresh.disk_free_percent;
	d->options.disk_clear_percent = fresh.disk_clear_percent;
	d->options.alarm_interval_ms = fresh.alarm_interval_ms;
	alarms_marks(d);
	log_info("reload.done", "changed=%zu", n);
	options_fini(&fresh);
}

static void on_stop_signal(struct daemon *d, const char *name)
{
	switch (d->state) {
	case DAEMON_OPENING:
		log_info("stop.begin", "signal=%s", name);
		close_begin(d);
		break;
	case DAEMON_SERVING:
		log_info("stop.begin", "signal=%s connections=%u grace_ms=%lld", name, loop_connections(d->loop),
			 (long long)d->options.stop_grace_ms);
		loop_unlisten(d->loop);
		loop_stop_heads(d->loop);
		d->until_ms = d->now.mono_ms + d->options.stop_grace_ms;
		daemon_enter(d, DAEMON_LEAVING);
		break;
	case DAEMON_LEAVING:
		log_info("stop.now", "signal=%s connections=%u", name, loop_connections(d->loop));
		d->until_ms = d->now.mono_ms;
		break;
	case DAEMON_CLOSING:
	case DAEMON_KEEPING:
	case DAEMON_STOPPED:
		break;
	}
}

static void on_signal(void *ctx, int signum)
{
	struct daemon *d = ctx;
	if (signum == SIGHUP)
		reload(d);
	else
		on_stop_signal(d, signum == SIGINT ? "INT" : "TERM");
}

/* As many descriptors as the system allows: one connection is one. */
static void descriptors_raise(void)
{
	struct rlimit r;
	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur == r.rlim_max)
		return;
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) != 0)
		log_warn("start.descriptors", "limit=%llu", (unsigned long long)r.rlim_cur);
}

static enum exit_code run(struct daemon *d)
{
	struct error e = {0};
	const struct loop_hooks hooks = {d, on_engine, on_store, on_next_ms, on_publishers_wait, on_signal,
					 on_turn, on_alarm};
	d->loop = loop_new(&hooks, &e);
	enum exit_code code = d->loop ? daemon_open(d, &e) : EXIT_FAILED;
	if (code != EXIT_OK) {
		log_error("start.failed", "text=\"%s\"", e.text);
		return code;
	}
	if (d->state != DAEMON_STOPPED) {
		loop_wake(d->loop);
		loop_run(d->loop);
	}
	return d->exit_code;
}

enum exit_code daemon_run(const struct options_sources *sources)
{
	struct daemon d = {.sources = sources, .wake_lock = PTHREAD_MUTEX_INITIALIZER};
	struct error e = {0};
	for (int i = 0; i < LISTENERS; i++)
		d.bound[i] = PORT_OFF;
	options_init(&d.options);
	if (!options_load(&d.options, sources, &e)) {
		fprintf(stderr, "mqbridge: %s\n", e.text);
		options_fini(&d.options);
		return EXIT_USAGE;
	}
	log_set_level((enum log_level)d.options.log_level);
	descriptors_raise();
	enum exit_code code = run(&d);
	daemon_close(&d);
	if (code == EXIT_OK)
		log_info("stop.done", "exit=0");
	options_fini(&d.options);
	return code;
}
