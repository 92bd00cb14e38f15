/* SPDX-License-Identifier: Apache-2.0 */
/* Building the rooms, bottom up, and taking them down in the other order.
 *
 *   data directory → body files → store → access → engine → heads → loop
 *
 * access comes before the engine because a first start waits for its users to be
 * stored, and no engine may have anything in the store while it waits. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"
#include "base/map.h"
#include "daemon/daemon_priv.h"
#include "mapping/cross.h"
#include "mapping/names.h"
#include "store/store_memory.h"
#include "store/store_sqlite.h"

enum { STORE_SQLITE = 0, STORE_UNSYNCED = 0, SPILL_CACHE_BYTES = 8 << 20 };

static bool data_dir_make(const char *dir, struct error *e)
{
	struct stat st;
	if (mkdir(dir, 0700) == 0 || (errno == EEXIST && stat(dir, &st) == 0 && S_ISDIR(st.st_mode)))
		return true;
	error_set(e, CODE_UNAVAILABLE, "%s: %s", dir, errno == EEXIST ? "not a directory" : strerror(errno));
	return false;
}

/* Signals come to the loop's thread alone: others are started with them blocked, so
 * that blocking them here at the end of life really keeps them away. */
static void signals_block(sigset_t *before)
{
	sigset_t ours;
	sigemptyset(&ours);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &ours, before);
}

static void signals_restore(const sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* Where the bodies of large durable messages go. */
static bool blobs_start(struct daemon *d, struct error *e)
{
	const struct options *o = &d->options;
	struct blobs_options b = {
		.threaded = true,
		.unsynced = o->store_synchronous == STORE_UNSYNCED,
		.bytes_min = (uint64_t)o->body_file_bytes,
		.ahead_max = (uint64_t)o->body_ahead_bytes,
		.full_bytes = (uint64_t)o->body_full_bytes,
	};
	random_secret(&b.seed, sizeof b.seed);
	struct blob_disk *disk = blob_disk_open(o->data, e);
	d->blobs = disk ? blobs_open(&b, disk, e) : NULL;
	return d->blobs != NULL;
}

/* Where transient messages go that memory has no room for. */
static void spill_open(struct daemon *d, struct error *e)
{
	struct store_sqlite_options s = {
		.dir = d->options.data, .threaded = true, .scratch = true, .cache_bytes = SPILL_CACHE_BYTES,
		.blobs = d->blobs};
	d->spill = store_sqlite_open(&s, e);
}

static bool store_open(struct daemon *d, struct error *e)
{
	const struct options *o = &d->options;
	if (o->store != STORE_SQLITE) {
		d->store = store_memory_open();
		return true;
	}
	struct store_sqlite_options s = {.dir = o->data, .threaded = true, .synchronous = o->store_synchronous};
	if (!data_dir_make(o->data, e))
		return false;
	sigset_t before;
	signals_block(&before);
	if (blobs_start(d, e)) {
		s.blobs = d->blobs;
		d->store = store_sqlite_open(&s, e);
	}
	if (d->store)
		spill_open(d, e);
	signals_restore(&before);
	return d->store && d->spill;
}

static void seen(void *ctx, struct view key, struct view value, uint64_t version)
{
	(void)key;
	(void)value;
	(void)version;
	*(bool *)ctx = true;
}

static void vhost_added(void *ctx, struct view vhost)
{
	struct daemon *d = ctx;
	engine_vhost_add(d->engine, vhost);
}

static void vhost_known(void *ctx, struct view vhost)
{
	vhost_added(ctx, vhost);
}

static void offload(void *ctx, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	sigset_t before;
	signals_block(&before);
	loop_offload(((struct daemon *)ctx)->loop, work, done, arg);
	signals_restore(&before);
}

static bool access_open(struct daemon *d, struct error *e)
{
	const struct options *o = &d->options;
	if (!credentials_make(&d->credentials, o, d->first_start, e))
		return false;
	struct access_options a = {
		.default_user = view_str(d->credentials.user),
		.default_pass = view_str(d->credentials.pass),
		.default_user_anywhere = !options_loopback_user(o, o->default_user) ||
					 strcmp(d->credentials.pass, "guest") != 0,
		.key_id = view_str(d->credentials.key),
		.key_secret = view_str(d->credentials.secret),
		.anonymous_aws = o->aws_anonymous,
		.account_of = name_account,
		.vhost_added = vhost_added,
		.ctx = d,
		.offload = offload,
		.offload_ctx = d,
		.remember_ms = o->access_remember_ms,
		.remember_max = (uint32_t)o->access_remember_max,
		.hashing_max = (uint32_t)o->access_hashing_max,
		.decisions_max = (uint32_t)o->access_decisions_max,
		.pattern_max = (uint32_t)o->access_pattern_max,
		.match_steps_max = (uint32_t)o->access_match_steps_max,
	};
	if (o->store != STORE_SQLITE)
		random_secret(a.master_key, sizeof a.master_key);
	else if (!access_master_key_load(o->data, a.master_key, e))
		return false;
	d->access = access_new(&a, d->store, e);
	explicit_bzero(a.master_key, sizeof a.master_key);
	return d->access != NULL;
}

/* queue.promote, cut at its commas. */
static void promote_cut(struct daemon *d)
{
	d->n_promote = 0;
	for (const char *p = d->options.queue_promote; *p && d->n_promote < PROMOTE_MAX;) {
		size_t n = strcspn(p, ",");
		if (n)
			d->promote[d->n_promote++] = view_of(p, n);
		p += n;
		p += strspn(p, ", ");
	}
}

/* Of queues whose arguments say nothing else. */
static struct cross_settings cross_settings(const struct daemon *d)
{
	return (struct cross_settings){
		.body = (enum cross_body)d->options.queue_body,
		.default_content_type = view_str(d->options.queue_content_type),
		.promote = d->n_promote ? d->promote : NULL,
		.n_promote = d->n_promote,
	};
}

static const struct envelope_maker *envelopes_open(struct daemon *d)
{
	promote_cut(d);
	d->envelopes = aws_envelopes_new(&(struct aws_envelope_options){
		.codecs = &d->codecs,
		.cross = cross_settings(d),
		.signer = d->signer,
	});
	return aws_envelopes_maker(d->envelopes);
}

static bool engine_open(struct daemon *d, struct error *e)
{
	const struct options *o = &d->options;
	struct engine_options eo;
	engine_options_default(&eo);
	eo.window_entries = (uint32_t)o->window_entries;
	eo.window_bytes = (uint64_t)o->window_bytes;
	eo.load_entries = (uint32_t)o->load_entries;
	eo.load_bytes = (uint64_t)o->load_bytes;
	eo.resident_high_bytes = (uint64_t)o->resident_high_bytes;
	eo.resident_low_bytes = (uint64_t)o->resident_low_bytes;
	eo.spill = d->spill;
	eo.store_high_bytes = (uint64_t)o->store_high_bytes;
	eo.store_low_bytes = (uint64_t)o->store_low_bytes;
	eo.batch_ops_max = (uint32_t)o->batch_ops_max;
	eo.deliver_turn = (uint32_t)o->deliver_turn;
	eo.deliver_bytes = (uint64_t)o->deliver_bytes;
	eo.in_flight_max = (uint32_t)o->aws_in_flight_max;
	eo.fanout_max = (uint32_t)o->fanout_max;
	eo.fanout_turn = (uint32_t)o->fanout_turn;
	eo.codecs = &d->codecs;
	eo.envelopes = envelopes_open(d);
	random_secret(&eo.seed, sizeof eo.seed);
	d->engine = engine_new(&eo, d->store, d->now, e);
	if (!d->engine)
		return false;
	aws_envelopes_engine(d->envelopes, d->engine);
	store_watch_start(d);
	alarms_marks(d);
	access_vhosts_each(d->access, vhost_known, d);
	return true;
}

static void vhost_ready(void *ctx, enum code code, const char *text)
{
	struct daemon *d = ctx;
	d->pending--;
	if (code != CODE_OK)
		daemon_fail(d, EXIT_FAILED, "start.default_vhost", text);
}

/* default_vhost beside "/": access itself makes only "/". */
static void default_vhost_make(struct daemon *d)
{
	struct view vhost = view_str(d->options.default_vhost), all = VIEW(".*");
	if (!d->first_start || access_vhost_has(d->access, vhost))
		return;
	d->pending += 2;
	access_vhost_put(d->access, vhost, VIEW_NONE, vhost_ready, d);
	access_permission_put(d->access,
			      &(struct access_permission){view_str(d->options.default_user), vhost, all, all, all},
			      vhost_ready, d);
}

/* aws.account_id: what emulators' users expect of `/`. */
static void account_give(struct daemon *d)
{
	if (!*d->options.aws_account_id)
		return;
	d->pending++;
	access_vhost_put(d->access, VIEW("/"), view_str(d->options.aws_account_id), vhost_ready, d);
}

static const char *not_ready(void *ctx)
{
	const struct daemon *d = ctx;
	if (d->state == DAEMON_OPENING)
		return "starting";
	if (d->state != DAEMON_SERVING)
		return "stopping";
	if (d->watch.state >= STATE_FULL)
		return d->watch.why[0] ? d->watch.why : "the store does not take writes";
	return engine_store_full(d->engine) ? "the store is behind" : NULL;
}

static const char *listeners_tell(void *ctx)
{
	return listeners_json(ctx);
}

static void store_tell(void *ctx, struct admin_store *out)
{
	const struct daemon *d = ctx;
	out->name = d->store->ops->name;
	out->state = store_state_name(d->watch.state);
	out->reason = d->watch.why[0] ? d->watch.why : NULL;
}

static void amqp_open(struct daemon *d)
{
	const struct options *o = &d->options;
	d->v091 = (struct v091_env){
		.engine = d->engine, .access = d->access, .codecs = &d->codecs, .rng = &d->rng, .blobs = d->blobs};
	d->v091.cross = cross_settings(d);
	struct v091_options *v = &d->v091.options;
	v091_options_default(v);
	v->channel_max = (uint16_t)o->amqp_channel_max;
	v->frame_max = (uint32_t)o->amqp_frame_max;
	v->heartbeat = (uint16_t)o->amqp_heartbeat;
	v->message_bytes_max = (uint64_t)o->amqp_message_bytes_max;
	v->handshake_ms = o->amqp_handshake_ms;
	v->silent_close_ms = o->amqp_silent_close_ms;
	v->closing_ms = o->amqp_closing_ms;
	v->grant_ms = o->amqp_grant_ms;
	v->interleave = (enum v091_interleave)o->amqp_interleave;
	v->held_bytes_max = (uint32_t)o->amqp_held_bytes_max;
	v->reply_bytes_max = (uint64_t)o->amqp_reply_bytes_max;
}

static void aws_open(struct daemon *d)
{
	const struct options *o = &d->options;
	struct aws_options a = {
		.anonymous = o->aws_anonymous,
		.anonymous_vhost = view_str(o->aws_anonymous_vhost),
		.anonymous_user = view_str(*o->aws_anonymous_user ? o->aws_anonymous_user : o->default_user),
		.signatures_unchecked = !o->aws_verify_signatures,
		.region = view_str(o->aws_region),
		.sixty_seconds = o->aws_sixty_seconds,
		.public_url = view_str(o->aws_public_url),
		.cross = cross_settings(d),
		.sns_message_bytes_max = (size_t)o->aws_sns_message_bytes_max,
		.signer = d->signer,
		.request_bytes_max = (size_t)o->aws_request_bytes_max,
		.idle_ms = o->aws_idle_ms,
	};
	filter_limits_default(&a.filter);
	a.filter.keys_max = (uint32_t)o->aws_filter_keys_max;
	a.filter.combinations_max = (uint32_t)o->aws_filter_combinations_max;
	a.filter.extended = o->aws_filter_extended;
	memcpy(a.receipt_key, d->receipt_key, RECEIPT_KEY_BYTES);
	d->aws = aws_new(&a, d->engine, d->access, &d->codecs, &d->rng);
	explicit_bzero(a.receipt_key, sizeof a.receipt_key);
}

static void admin_open(struct daemon *d)
{
	const struct options *o = &d->options;
	struct admin_options m = {
		.ctx = d,
		.not_ready = not_ready,
		.listeners = listeners_tell,
		.store = store_tell,
		.gates = gates_tell,
		.started_ms = d->now.mono_ms,
		.head_max = (size_t)o->admin_head_max,
		.body_max = (size_t)o->admin_body_max,
		.idle_ms = o->admin_idle_ms,
		.login_failures_free = (uint32_t)o->login_failures_free,
		.login_wait_ms = o->login_wait_ms,
		.login_wait_ms_max = o->login_wait_ms_max,
		.login_forget_ms = o->login_forget_ms,
		.login_peers_max = (uint32_t)o->login_peers_max,
	};
	d->admin = admin_new(d->engine, d->access, &m);
}

/* From the store's thread, maybe while the loop is being freed. */
static void wake(void *ctx)
{
	struct daemon *d = ctx;
	pthread_mutex_lock(&d->wake_lock);
	if (!d->deaf)
		loop_wake(d->loop);
	pthread_mutex_unlock(&d->wake_lock);
}

static void chance_open(struct daemon *d)
{
	uint64_t seeds[3];
	random_secret(seeds, sizeof seeds);
	hash_seed(seeds[0], seeds[1]);
	rng_seed(&d->rng, seeds[2]);
}

enum exit_code daemon_open(struct daemon *d, struct error *e)
{
	umask(S_IRWXG | S_IRWXO); /* password hashes and messages are nobody else's to read */
	chance_open(d);
	d->now = clock_now();
	d->codecs.of[RAW_AMQP091] = &v091_codec;
	d->codecs.of[RAW_SQS] = &sqs_header_codec;
	if (!store_open(d, e))
		return EXIT_DATA;
	d->first_start = true;
	bool users = false;
	if (!d->store->ops->defs(d->store, VIEW("user"), seen, &users)) {
		error_set(e, CODE_UNAVAILABLE, "the store's definitions cannot be read");
		return EXIT_DATA;
	}
	d->first_start = !users;
	if (!guard_settings(&d->options, d->first_start, e))
		return EXIT_INSECURE;
	if (!receipt_key_get(d, e) || !signing_key_get(d, e) || !access_open(d, e) || !engine_open(d, e))
		return EXIT_DATA;
	amqp_open(d);
	aws_open(d);
	admin_open(d);
	d->store->wake_ctx = d;
	d->store->wake = wake;
	if (d->spill) {
		d->spill->wake_ctx = d;
		d->spill->wake = wake;
	}
	if (d->blobs)
		blobs_wake(d->blobs, wake, d);
	receipt_key_keep(d);
	signing_key_keep(d);
	default_vhost_make(d);
	account_give(d);
	guard_catalogue(d);
	return EXIT_OK;
}

/* What is still on its way to disk, for the ways out that did not wait for it. */
static void drain(struct daemon *d)
{
	const struct timespec pause = {0, 1000000};
	int64_t until = clock_now().mono_ms + CLOSE_MS_MAX;
	while (!engine_idle(d->engine)) {
		struct now now = clock_now();
		if (now.mono_ms > until) {
			log_error("stop.unfinished", "text=\"the store did not finish in time\"");
			return;
		}
		engine_run(d->engine, now);
		access_poll(d->access, now);
		engine_flush(d->engine);
		nanosleep(&pause, NULL);
	}
}

void daemon_close(struct daemon *d)
{
	sigset_t before;
	signals_block(&before);
	if (d->engine && d->access)
		drain(d);
	pthread_mutex_lock(&d->wake_lock);
	d->deaf = true;
	pthread_mutex_unlock(&d->wake_lock);
	if (d->loop)
		loop_free(d->loop);
	if (d->aws)
		aws_free(d->aws);
	if (d->access)
		access_free(d->access);
	if (d->admin)
		admin_free(d->admin);
	if (d->engine)
		engine_free(d->engine);
	if (d->spill)
		d->spill->ops->close(d->spill);
	aws_envelopes_free(d->envelopes);
	if (d->store)
		d->store->ops->close(d->store);
	if (d->blobs)
		blobs_close(d->blobs);
	signing_key_fini(d);
	explicit_bzero(d->receipt_key, sizeof d->receipt_key);
	credentials_fini(&d->credentials);
}
