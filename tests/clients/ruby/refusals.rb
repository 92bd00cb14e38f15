# SPDX-License-Identifier: Apache-2.0
# Refusals as Bunny's exceptions show them, and what goes on afterwards (rabbitmq.md 1.24, 2, 3).

def channel_refuses(session, kind, code, text)
  channel = session.create_channel
  error = raises(kind) { yield channel }
  close = error.channel_close
  expect([close.reply_code, close.reply_text, error.message], [code, text, text], "channel.close")
  require_that(channel.closed?, "the channel is closed")
  require_that(session.open?, "the session lives")
  raises(Bunny::ChannelAlreadyClosed) { channel.queue_declare("", exclusive: true) }
  again = session.create_channel
  expect(again.number, channel.number, "number of the next channel")
  again.close
end

scenario "of_a_channel" do |ctx|
  session = ctx.session
  name = ctx.name("nosuch")
  owner = ctx.channel
  locked = ctx.queue(owner).name
  mine = session.create_channel.queue(ctx.name, auto_delete: true, arguments: { "x-message-ttl" => 60_000 }).name
  no_queue = "NOT_FOUND - no queue '#{name}' in vhost '/'"
  no_exchange = "NOT_FOUND - no exchange '#{name}' in vhost '/'"
  inequivalent = "PRECONDITION_FAILED - inequivalent arg '%s' for queue '#{mine}' in vhost '/': received %s but current is %s"
  [
    [Bunny::NotFound, 404, no_queue, ->(c) { c.queue(name, passive: true) }],
    [Bunny::NotFound, 404, no_exchange, ->(c) { c.direct(name, passive: true) }],
    [Bunny::NotFound, 404, no_exchange, ->(c) { c.queue_bind(mine, name) }],
    [Bunny::NotFound, 404, no_queue, ->(c) { c.queue_purge(name) }],
    [Bunny::NotFound, 404, no_queue, ->(c) { c.basic_consume(name) { nil } }],
    [Bunny::PreconditionFailed, 406, format(inequivalent, "durable", "'true'", "'false'"),
     ->(c) { c.queue(mine, durable: true, auto_delete: true, arguments: { "x-message-ttl" => 60_000 }) }],
    [Bunny::PreconditionFailed, 406, format(inequivalent, "x-message-ttl", "none", "the value '60000' of type 'long'"),
     ->(c) { c.queue(mine, auto_delete: true) }],
    [Bunny::AccessRefused, 403, "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'",
     ->(c) { c.queue("amq.mine") }],
    [Bunny::AccessRefused, 403, "ACCESS_REFUSED - deletion of system exchange 'amq.direct' in vhost '/' not allowed",
     ->(c) { c.exchange_delete("amq.direct") }],
    [Bunny::ResourceLocked, 405,
     "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '#{locked}' in vhost '/'. It could be originally " \
     "declared on another connection or the exclusive property value does not match that of the original declaration.",
     ->(c) { c.queue_delete(locked) }]
  ].each { |kind, code, text, action| channel_refuses(session, kind, code, text, &action) }
  session.create_channel.queue_delete(name) # 3.11: no error
end

scenario "without_an_answer" do |ctx| # 4.19: by on_error
  session = ctx.session
  channel = session.create_channel
  closed = nil
  channel.on_error { |_, close| closed = close }
  channel.ack(99)
  wait_until("channel.close") { closed }
  expect([closed.reply_code, closed.reply_text, closed.class_id, closed.method_id],
         [406, "PRECONDITION_FAILED - unknown delivery tag 99", 60, 80], "channel.close")
  require_that(session.open?, "the session lives")
end

scenario "of_a_connection" do |ctx|
  [
    [503, "COMMAND_INVALID - unknown exchange type 'bogus'", ->(c) { c.exchange(ctx.name("x"), type: "bogus") }],
    [530, "NOT_ALLOWED - attempt to reuse consumer tag 't'",
     ->(c) { 2.times { c.basic_consume(c.queue(ctx.name, exclusive: true).name, "t") { nil } } }]
  ].each do |code, text, action|
    errors = Errors.new
    session = ctx.session(session_error_handler: errors, recover_from_connection_close: false, continuation_timeout: 1000)
    channel = session.create_channel
    begin
      action.call(channel)
    rescue Timeout::Error, Bunny::Exception
      nil # the same, or that nothing came
    end
    close = wait_until("connection.close #{code} #{text}") { errors.first }.connection_close
    expect([close.reply_code, close.reply_text], [code, text], "connection.close")
    require_that(!session.open?, "the session is closed")
  end
end

scenario "wrong_password" do |ctx| # 1.8
  error = raises(Bunny::AuthenticationFailureError) { ctx.session(pass: "wrong") }
  expect([error.username, error.vhost], ["guest", "/"], "who")
end

scenario "no_such_vhost" do |ctx| # 1.15
  error = raises(Bunny::NotAllowedError) { ctx.session(vhost: "nosuch") }
  require_that(error.message.include?("vhost nosuch not found"), error.message)
end

scenario "passive_then_declared" do |ctx| # 9
  session = ctx.session
  name = ctx.name
  expect(session.queue_exists?(name), false, "queue_exists?")
  expect(session.exchange_exists?(name), false, "exchange_exists?")
  channel = session.create_channel
  queue = channel.queue(name, durable: true, auto_delete: true)
  expect(session.queue_exists?(name), true, "queue_exists?")
  Taken.new(queue)
  expect(queue.consumer_count, 1, "consumers")
end
