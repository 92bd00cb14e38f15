# SPDX-License-Identifier: Apache-2.0
# Consumers: deliveries, acknowledgements, prefetch, cancellation, RPC (rabbitmq.md 4.11 to 4.17).

scenario "in_order_with_acks" do |ctx|
  channel = ctx.channel
  queue = channel.queue(ctx.name)
  sent = (0...200).map { |i| "m#{i}" }
  sent.each { |body| queue.publish(body) }
  channel.prefetch(20)
  bodies = []
  consumer = queue.subscribe(manual_ack: true) do |info, _, body|
    bodies << body
    channel.ack(info.delivery_tag, true) if (bodies.length % 10).zero?
  end
  wait_until("200 deliveries") { bodies.length == 200 }
  expect(bodies, sent, "bodies")
  consumer.cancel
  expect(queue.consumer_count, 0, "consumers")
  channel.close
  expect(ctx.channel.queue_delete(queue.name).message_count, 0, "all are acknowledged")
end

scenario "cancelled_when_the_queue_goes" do |ctx| # 4.13
  channel = ctx.channel
  queue = channel.queue(ctx.name)
  taken = Taken.new(queue, consumer_tag: "mine")
  queue.publish("m")
  (info, _, _), = taken.first(1)
  ctx.channel.queue_delete(queue.name)
  wait_until("cancellation") { !taken.cancelled.empty? }
  expect(taken.cancelled, ["mine"], "cancelled")
  channel.ack(info.delivery_tag)
  Taken.new(ctx.queue(channel), consumer_tag: "mine")
end

scenario "prefetch_of_each_consumer" do |ctx| # 4.17
  channel = ctx.channel
  queue = ctx.queue(channel)
  10.times { |i| queue.publish(i.to_s) }
  channel.prefetch(2)
  first = Taken.new(queue)
  first.exactly(2)
  channel.prefetch(3)
  second = Taken.new(queue)
  second.exactly(3)
  channel.ack(first.first(1)[0][0].delivery_tag)
  first.exactly(3)
  expect(first.bodies, %w[0 1 5], "of the first")
  second.exactly(3)
  expect_ready(queue, 4, "ready")
end

scenario "prefetch_of_the_channel" do |ctx| # 4.17
  channel = ctx.channel
  queue = ctx.queue(channel)
  channel.prefetch(3, true)
  both = [Taken.new(queue), Taken.new(queue)]
  8.times { |i| queue.publish(i.to_s) }
  wait_until("three of both") { both.sum { |taken| taken.deliveries.size } == 3 }
  sleep 0.06
  expect(both.sum { |taken| taken.deliveries.size }, 3, "of both")
  channel.ack(2, true)
  wait_until("two more") { both.sum { |taken| taken.deliveries.size } == 5 }
  expect_ready(queue, 3, "ready")
end

scenario "rpc" do |ctx|
  serving = ctx.channel
  requests = serving.queue(ctx.name("rpc"), auto_delete: true)
  requests.subscribe do |_, properties, body|
    serving.default_exchange.publish(body.upcase, routing_key: properties.reply_to,
                                                  correlation_id: properties.correlation_id)
  end
  calling = ctx.channel
  replies = calling.queue("", exclusive: true)
  require_that(replies.name.start_with?("amq.gen-"), "the broker's queue name #{replies.name}")
  taken = Taken.new(replies, manual_ack: false)
  %w[one two three].each_with_index do |word, i|
    calling.default_exchange.publish(word, routing_key: requests.name, reply_to: replies.name, correlation_id: "c#{i}")
    _, properties, body = taken.first(i + 1)[i]
    expect([body, properties.correlation_id], [word.upcase, "c#{i}"], "answer")
  end
end

scenario "heartbeats" do |ctx| # 1.13
  session = ctx.session(heartbeat: 1)
  expect(session.heartbeat, 1, "heartbeat")
  channel = session.create_channel
  queue = ctx.queue(channel)
  taken = Taken.new(queue, manual_ack: false)
  sleep 3.5
  require_that(session.open?, "open after silence")
  queue.publish("m")
  taken.first(1)
end
