/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of settings. Parser, --help and docs/configuration.md come from
 * it. No include guard: each includer says what a row becomes.
 *
 *   SECTION(title)
 *   OPTION(field, name, TYPE, default, min, max, doc)
 *   CHOICE(field, name, default, words, doc)     words: blank-separated; the value is an index
 *
 * TYPE: TEXT (min..max bytes), ADDRESS (a numeric one, as text), NUMBER, SIZE (bytes; K, M, G suffix), TIME (ms;
 * ms, s, m, h suffix), BOOL (yes/no, on/off, true/false), PORT (0: a free one; empty: off). */

SECTION("Data")
OPTION(data, "data", TEXT, "data", 1, 4096,
       "Directory of the store; made with mode 0700 when absent, locked while in use.")
CHOICE(store, "store", "sqlite", "sqlite memory",
       "Where queues live: `sqlite` on disk, `memory` for the life of the process.")
CHOICE(store_synchronous, "store.synchronous", "full", "off normal full",
       "When SQLite syncs. Only with `full` does a confirm mean synced to disk.")

OPTION(body_file_bytes, "body.file_bytes", SIZE, "256K", 1, INT64_C(1) << 30,
       "Size from which the body of a durable AMQP message is a file of its own.")
OPTION(body_ahead_bytes, "body.ahead_bytes", SIZE, "4M", 65536, INT64_C(1) << 30,
       "Bytes of one such body waiting for the disk from which its sender is not read.")
OPTION(body_full_bytes, "body.full_bytes", SIZE, "64M", 65536, INT64_C(1) << 36,
       "Bytes of all such bodies waiting for the disk from which publishers are not read.")

SECTION("Listeners")
OPTION(host, "host", ADDRESS, "127.0.0.1", 1, 64,
       "Numeric address every listener binds to unless it has its own.")
OPTION(amqp_host, "amqp.host", ADDRESS, "", 0, 64, "Address of the AMQP listener; empty: `host`.")
OPTION(aws_host, "aws.host", ADDRESS, "", 0, 64, "Address of the SQS and SNS listener; empty: `host`.")
OPTION(admin_host, "admin.host", ADDRESS, "", 0, 64, "Address of the admin listener; empty: `host`.")
OPTION(amqp_port, "amqp.port", PORT, "5672", 0, 65535, "AMQP 0-9-1.")
OPTION(amqps_port, "amqps.port", PORT, "5671", 0, 65535, "AMQP over TLS. Not built yet: stays off.")
OPTION(stomp_port, "stomp.port", PORT, "61613", 0, 65535, "STOMP. Not built yet: stays off.")
OPTION(stomps_port, "stomps.port", PORT, "61614", 0, 65535, "STOMP over TLS. Not built yet: stays off.")
OPTION(stomp_ws_port, "stomp_ws.port", PORT, "15674", 0, 65535,
       "STOMP over WebSocket; follows `stomp.port` when that is 0 or off. Not built yet: stays off.")
OPTION(stomp_wss_port, "stomp_wss.port", PORT, "15673", 0, 65535,
       "STOMP over WebSocket and TLS. Not built yet: stays off.")
OPTION(aws_port, "aws.port", PORT, "9324", 0, 65535, "SQS and SNS.")
OPTION(awss_port, "awss.port", PORT, "9325", 0, 65535, "SQS and SNS over TLS. Not built yet: stays off.")
OPTION(admin_port, "admin.port", PORT, "15672", 0, 65535, "Health checks and the command line.")
OPTION(admins_port, "admins.port", PORT, "15671", 0, 65535, "Admin over TLS. Not built yet: stays off.")
OPTION(metrics_port, "metrics.port", PORT, "15692", 0, 65535,
       "Metrics; follows `admin.port` when that is 0 or off. Not built yet: stays off.")
OPTION(insecure, "insecure", BOOL, "no", 0, 0,
       "Start even when a listener outside loopback has a default or empty password, or anonymous AWS access.")
OPTION(connections_max, "connections_max", NUMBER, "65536", 1, 1000000, "Connections each listener accepts.")
OPTION(out_high, "connection.out_high", SIZE, "128K", 4096, INT64_C(1) << 30,
       "Unsent bytes of a connection from which deliveries to it stop.")
OPTION(out_low, "connection.out_low", SIZE, "32K", 1024, INT64_C(1) << 30,
       "Unsent bytes of a connection below which they go on.")
OPTION(out_max, "connection.out_max", SIZE, "1M", 4096, INT64_C(1) << 32,
       "Unsent bytes of a connection from which it is not read.")
OPTION(linger_ms, "connection.linger", TIME, "5s", 0, 600000,
       "Wait for the peer's end of a connection that was closed here.")

SECTION("Users")
OPTION(default_user, "default_user", TEXT, "guest", 1, 255, "User made when the data directory is new.")
OPTION(default_pass, "default_pass", TEXT, "guest", 0, 1024,
       "Its password. `generate`: one is made, printed once and kept in `credentials` in the data directory.")
OPTION(default_vhost, "default_vhost", TEXT, "/", 1, 255,
       "Vhost made for it beside `/`, with all permissions.")
OPTION(default_key, "default_key", TEXT, "", 0, 32,
       "Its AWS access key id. Empty: `guest` for the password `guest`, else one is made, printed once and kept in `credentials`.")
OPTION(default_secret, "default_secret", TEXT, "", 0, 64, "Secret of `default_key`.")
OPTION(loopback_users, "loopback_users", TEXT, "guest", 0, 1024,
       "Users that may log in over loopback only, comma-separated; `none`: nobody is restricted. Read when the default user is made.")

SECTION("AMQP 0-9-1")
OPTION(amqp_heartbeat, "amqp.heartbeat", NUMBER, "60", 0, 65535, "Heartbeat proposed to clients, in seconds; 0: none.")
OPTION(amqp_frame_max, "amqp.frame_max", SIZE, "131072", 4096, INT64_C(1) << 27, "Largest frame proposed, in bytes.")
OPTION(amqp_channel_max, "amqp.channel_max", NUMBER, "2047", 1, 65535, "Channels a connection may open.")
OPTION(amqp_message_bytes_max, "amqp.message_bytes_max", SIZE, "128M", 1024, INT64_C(1) << 29,
       "Largest message body accepted.")
OPTION(amqp_handshake_ms, "amqp.handshake_ms", TIME, "10s", 100, 600000,
       "Time a client has from connect to connection.open.")
OPTION(amqp_silent_close_ms, "amqp.silent_close_ms", TIME, "3s", 0, 60000,
       "Wait before a refused connection is answered or closed, against guessing.")
OPTION(amqp_closing_ms, "amqp.closing_ms", TIME, "30s", 100, 600000,
       "Wait for the client's close-ok after a close from here.")
OPTION(amqp_grant_ms, "amqp.grant_ms", TIME, "5s", 0, 600000,
       "How long a channel remembers that a name may be written or read.")
CHOICE(amqp_interleave, "amqp.interleave", "known", "known always never",
       "Who gets other channels' frames between those of a large content: clients `known` to tell them apart (others, such as Bunny, would mix up their bodies), all, or none.")
OPTION(amqp_held_bytes_max, "amqp.held_bytes_max", SIZE, "1M", 4096, INT64_C(1) << 30,
       "Bytes pipelined behind an unanswered method of a channel before the connection is not read.")
OPTION(amqp_reply_bytes_max, "amqp.reply_bytes_max", SIZE, "64M", 4096, INT64_C(1) << 34,
       "Unread bytes of a connection beyond which direct replies (amq.rabbitmq.reply-to) to it are dropped.")

SECTION("SQS and SNS")
OPTION(aws_region, "aws.region", TEXT, "us-east-1", 1, 64, "Region in ARNs when the request names none.")
OPTION(aws_public_url, "aws.public_url", TEXT, "", 0, 1024,
       "scheme://host:port of queue URLs; empty: what the request was sent to.")
OPTION(aws_verify_signatures, "aws.verify_signatures", BOOL, "yes", 0, 0,
       "Check the signature of every request; no: whoever knows an access key id acts as its user (refused outside loopback).")
OPTION(aws_anonymous, "aws.anonymous", BOOL, "no", 0, 0, "Serve requests without an Authorization header.")
OPTION(aws_anonymous_user, "aws.anonymous_user", TEXT, "", 0, 255, "Who they act as; empty: `default_user`.")
OPTION(aws_anonymous_vhost, "aws.anonymous_vhost", TEXT, "/", 1, 255, "Vhost they act in.")
OPTION(aws_account_id, "aws.account_id", TEXT, "", 0, 12,
       "Account id (12 digits) of the vhost `/`; empty: what it has, at first 000000000000. Others: `PUT /api/vhosts/{name}`.")
OPTION(aws_sixty_seconds, "aws.sixty_seconds", BOOL, "no", 0, 0,
       "As AWS: one PurgeQueue of a queue in 60 s, and no CreateQueue for 60 s under the name of a queue deleted over SQS.")
OPTION(aws_in_flight_max, "aws.in_flight_max", NUMBER, "120000", 1, 100000000,
       "Messages of a queue that ReceiveMessage may have in flight; then OverLimit; a long poll waits.")
OPTION(aws_sns_message_bytes_max, "aws.sns_message_bytes_max", SIZE, "256K", 1024, 1 << 24,
       "Largest SNS message, its attributes included; the same holds for a PublishBatch as a whole.")
OPTION(aws_filter_keys_max, "aws.filter_keys_max", NUMBER, "5", 1, 100,
       "Keys of an SNS filter policy.")
OPTION(aws_filter_combinations_max, "aws.filter_combinations_max", NUMBER, "150", 1, 10000,
       "Combinations of values in an SNS filter policy.")
OPTION(aws_filter_extended, "aws.filter_extended", BOOL, "no", 0, 0,
       "SNS filter policies may use wildcard, and anything-but with suffix, wildcard or equals-ignore-case, "
       "which AWS refused when its answers were recorded.")
OPTION(aws_sign_envelopes, "aws.sign_envelopes", BOOL, "yes", 0, 0,
       "Sign SNS messages to subscriptions without raw delivery; no: they have no signature fields.")
OPTION(aws_request_bytes_max, "aws.request_bytes_max", SIZE, "8M", 65536, 1 << 30, "Largest body of a request.")
OPTION(aws_idle_ms, "aws.idle", TIME, "60s", 1000, 86400000, "Kept alive without a request so long.")

SECTION("Queues")
CHOICE(queue_body, "queue.body", "auto", "auto text base64",
       "Body shown to SQS readers of a message whose publisher declared no content type; the queue argument `x-mqb-body` wins.")
OPTION(queue_promote, "queue.promote", TEXT, "", 0, 4096,
       "Headers that become SQS attributes, comma-separated; empty: the standing order. The queue argument `x-mqb-promote` wins.")
OPTION(queue_content_type, "queue.content_type", TEXT, "", 0, 255,
       "Content type that AMQP readers see on a message from SQS that names none; the queue argument `x-mqb-content-type` wins.")

SECTION("Logins and administration")
OPTION(access_remember_ms, "access.remember", TIME, "5m", 1, 86400000,
       "How long a successful login is remembered, so that the next one needs no hash.")
OPTION(access_remember_max, "access.remember_max", NUMBER, "4096", 1, 1000000, "Successful logins remembered.")
OPTION(access_hashing_max, "access.hashing_max", NUMBER, "1024", 1, 1000000,
       "Logins waiting for their hash at once; more are refused.")
OPTION(access_decisions_max, "access.decisions_max", NUMBER, "1024", 1, 1000000, "Decisions about permissions kept.")
OPTION(access_pattern_max, "access.pattern_max", NUMBER, "4096", 1, 65536, "Bytes of a permission's expression.")
OPTION(access_match_steps_max, "access.match_steps_max", NUMBER, "100000", 100, 100000000,
       "Steps one match of a permission's expression may take.")
OPTION(admin_head_max, "admin.head_max", SIZE, "16K", 1024, 1 << 20, "Largest head of a request.")
OPTION(admin_body_max, "admin.body_max", SIZE, "1M", 1024, 1 << 30, "Largest body of a request.")
OPTION(admin_idle_ms, "admin.idle", TIME, "60s", 1000, 86400000, "Kept alive without a request so long.")
OPTION(login_failures_free, "admin.login_failures_free", NUMBER, "3", 1, 1000, "Failed logins without a pause.")
OPTION(login_wait_ms, "admin.login_wait", TIME, "250ms", 1, 3600000,
       "First pause after failed logins of one user from one address; doubled by each further one.")
OPTION(login_wait_ms_max, "admin.login_wait_max", TIME, "8s", 1, 3600000, "Longest such pause.")
OPTION(login_forget_ms, "admin.login_forget", TIME, "60s", 1, 86400000, "Time without a failure that ends the counting.")
OPTION(login_peers_max, "admin.login_peers_max", NUMBER, "1024", 1, 1000000, "Pairs of address and user counted.")

SECTION("Engine")
OPTION(window_entries, "engine.window_entries", NUMBER, "16384", 16, INT64_C(1) << 24,
       "Messages of a queue kept in memory at most; the rest waits in the store.")
OPTION(window_bytes, "engine.window_bytes", SIZE, "32M", 65536, INT64_C(1) << 36, "The same limit in bytes.")
OPTION(load_entries, "engine.load_entries", NUMBER, "512", 1, 65536, "Messages read back from the store in one go.")
OPTION(load_bytes, "engine.load_bytes", SIZE, "4M", 4096, INT64_C(1) << 30, "The same limit in bytes.")
OPTION(resident_high_bytes, "engine.resident_high_bytes", SIZE, "128M", 65536, INT64_C(1) << 40,
       "Messages in memory from which each queue keeps only `engine.load_entries` of them there: durable ones wait in the store, transient ones in a scratch file.")
OPTION(resident_low_bytes, "engine.resident_low_bytes", SIZE, "96M", 32768, INT64_C(1) << 40,
       "Messages in memory below which queues keep as many as `engine.window_entries` again.")
OPTION(store_high_bytes, "engine.store_high_bytes", SIZE, "64M", 65536, INT64_C(1) << 36,
       "Bytes waiting for the disk from which publishers are not read.")
OPTION(store_low_bytes, "engine.store_low_bytes", SIZE, "32M", 32768, INT64_C(1) << 36,
       "Bytes waiting for the disk below which they are read again.")
OPTION(batch_ops_max, "engine.batch_ops_max", NUMBER, "20000", 1, 1000000, "Operations in one commit.")
OPTION(deliver_turn, "engine.deliver_turn", NUMBER, "4096", 1, 1000000, "Deliveries in one loop turn.")
OPTION(deliver_bytes, "engine.deliver_bytes", SIZE, "256K", 1024, INT64_C(1) << 30,
       "Bytes of deliveries to a connection between two looks at what it has unsent.")
OPTION(fanout_max, "engine.fanout_max", NUMBER, "256", 1, 1000000,
       "Queues that a message reaches in its own loop turn; for more it goes on over later ones.")
OPTION(fanout_turn, "engine.fanout_turn", NUMBER, "4096", 1, 1000000, "Queues reached in one loop turn by such messages.")

SECTION("Memory and disk")
OPTION(memory_high_bytes, "memory.high_bytes", SIZE, "0", 0, INT64_C(1) << 44,
       "Resident memory above which connections that publish are not read (connection.blocked); 0: `memory.high_percent`. Reloaded by SIGHUP, as the others here.")
OPTION(memory_high_percent, "memory.high_percent", NUMBER, "40", 0, 100,
       "The same in percent of the machine's or the container's memory.")
OPTION(memory_low_percent, "memory.low_percent", NUMBER, "95", 0, 100,
       "Percent of that mark at which they are read again.")
OPTION(disk_free_bytes, "disk.free_bytes", SIZE, "50M", 0, INT64_C(1) << 50,
       "Free space of the data directory's file system below which connections that publish are not read.")
OPTION(disk_free_percent, "disk.free_percent", NUMBER, "0", 0, 10000,
       "The same in percent of the memory; 0: `disk.free_bytes`.")
OPTION(disk_clear_percent, "disk.clear_percent", NUMBER, "110", 100, 1000,
       "Percent of that mark at which they are read again.")
OPTION(alarm_interval_ms, "alarm.interval", TIME, "1s", 10, 3600000, "Time between two looks at memory and disk.")

SECTION("Running")
OPTION(stop_grace_ms, "stop.grace", TIME, "5s", 0, 3600000,
       "Time clients get to leave after SIGTERM; a second signal ends it.")
CHOICE(log_level, "log.level", "info", "debug info warn error", "Least level that is logged. Reloaded by SIGHUP.")
