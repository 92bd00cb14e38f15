# SPDX-License-Identifier: Apache-2.0
# What Bunny brings back by itself when the broker restarts on the same data.

# A session with recovery: [session, counts its recoveries].
def lasting(ctx)
  recoveries = []
  session = ctx.session(automatically_recover: true, network_recovery_interval: 0.1,
                        recovery_completed: -> { recoveries << true })
  [session, recoveries]
end

scenario "everything" do |ctx|
  session, recoveries = lasting(ctx)
  channel = session.create_channel
  channel.prefetch(10)
  exchange = channel.topic(ctx.name("x"))
  durable = channel.queue(ctx.name("durable"), durable: true).bind(exchange, routing_key: "all.#")
  exclusive = channel.queue(ctx.name("exclusive"), exclusive: true).bind(exchange, routing_key: "all.#")
  named = channel.queue("", exclusive: true).bind(exchange, routing_key: "all.#")
  first_name = named.name
  of_exclusive = Taken.new(exclusive)
  of_named = Taken.new(named, manual_ack: false)
  channel.confirm_select
  50.times { |i| durable.publish("kept #{i}", persistent: true) }
  require_that(channel.wait_for_confirms, "confirmed before")
  Broker.restart
  wait_until("recovery") { recoveries.length == 1 }
  expect(durable.message_count, 50, "confirmed messages after the restart")
  exchange.publish("after", routing_key: "all.of.them")
  require_that(channel.wait_for_confirms, "confirmed after")
  info, _, body = of_exclusive.first(1).first
  expect(body, "after", "of the exclusive queue")
  channel.ack(info.delivery_tag)
  expect(of_named.first(1)[0][2], "after", "of the server-named queue")
  require_that(named.name != first_name && named.name.start_with?("amq.gen-"), "its new name #{named.name}")
  of_durable = Taken.new(durable)
  51.times { |i| channel.ack(of_durable.first(i + 1)[i][0].delivery_tag) }
  expect(of_durable.bodies, (0...50).map { |i| "kept #{i}" } + ["after"], "order")
  channel.queue_delete(durable.name)
end

scenario "consumer_resumes" do |ctx|
  session, recoveries = lasting(ctx)
  channel = session.create_channel
  queue = channel.queue(ctx.name, durable: true)
  channel.confirm_select
  %w[a b c d].each { |body| queue.publish(body, persistent: true) }
  require_that(channel.wait_for_confirms, "confirmed")
  channel.prefetch(2)
  taken = Taken.new(queue, consumer_tag: "same")
  channel.ack(taken.first(1)[0][0].delivery_tag)
  taken.exactly(3)
  Broker.restart
  wait_until("recovery") { recoveries.length == 1 }
  again = taken.exactly(5).last(2)
  expect(taken.bodies, %w[a b c b c], "deliveries")
  expect(again.map { |info, _, _| info.redelivered? }, [true, true], "redelivered")
  channel.ack(again.last[0].delivery_tag, true)
  channel.ack(taken.exactly(6).last[0].delivery_tag)
  expect(channel.queue_delete(queue.name).message_count, 0, "ready at the end")
end

scenario "down_for_a_while" do |ctx|
  session, recoveries = lasting(ctx)
  channel = session.create_channel
  queue = channel.queue(ctx.name, durable: true)
  Broker.stop
  wait_until("the end of the connection") { !session.open? }
  sleep 0.5
  Broker.start
  wait_until("recovery") { recoveries.length == 1 }
  queue.publish("m")
  expect(channel.queue_delete(queue.name).message_count, 1, "published after it")
end

# Bunny keeps the socket when a login is refused: an orderly stop does not wait for such.
scenario "stops_without_those_it_refused" do |ctx|
  raises(Bunny::AuthenticationFailureError) { ctx.session(pass: "wrong") }
  began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  Broker.stop
  took = Process.clock_gettime(Process::CLOCK_MONOTONIC) - began
  Broker.start
  require_that(ctx.real || took < 8, "it took #{took.round} s to stop")
end
