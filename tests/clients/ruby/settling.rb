# SPDX-License-Identifier: Apache-2.0
# basic.get, ack, nack, reject and what comes again (rabbitmq.md 4.18 to 4.23).

scenario "got" do |ctx| # 4.18
  channel = ctx.channel
  queue = ctx.queue(channel)
  expect(queue.pop, [nil, nil, nil], "of an empty queue")
  3.times { |i| queue.publish(i.to_s) }
  3.times do |i|
    info, _, body = get(queue, manual_ack: true)
    expect([info.delivery_tag.to_i, info.exchange, info.routing_key, info.redelivered?, body],
           [i + 1, "", queue.name, false, i.to_s], "basic.get")
  end
  channel.ack(2, true)
  channel.ack(3)
  expect(queue.pop, [nil, nil, nil], "of an emptied queue")
end

scenario "requeued" do |ctx| # 4.20
  channel = ctx.channel
  queue = ctx.queue(channel)
  4.times { |i| queue.publish(i.to_s) }
  4.times { get(queue, manual_ack: true) }
  channel.nack(2, true, true)
  channel.reject(3, false)
  channel.reject(4, true)
  %w[0 1 3].each do |wanted|
    info, _, body = get(queue)
    expect([body, info.redelivered?], [wanted, true], "again")
  end
  expect(queue.pop.first, nil, "the rejected one is gone")
end

scenario "recovered" do |ctx| # 4.23
  channel = ctx.channel
  queue = ctx.queue(channel)
  taken = Taken.new(queue)
  2.times { |i| queue.publish(i.to_s) }
  taken.first(2)
  channel.basic_recover(true)
  taken.exactly(4)
  expect(taken.bodies, %w[0 1 0 1], "deliveries")
end

scenario "back_when_the_session_closes" do |ctx| # 4.21
  own = ctx.session
  channel = own.create_channel
  queue = channel.queue(ctx.name, auto_delete: true)
  queue.publish("m")
  get(queue, manual_ack: true)
  own.close
  info, = get(ctx.channel.queue(queue.name, auto_delete: true))
  expect(info.redelivered?, true, "redelivered")
end

scenario "purged" do |ctx| # 3.12
  channel = ctx.channel
  queue = ctx.queue(channel)
  channel.confirm_select
  3.times { |i| queue.publish(i.to_s) }
  channel.wait_for_confirms
  get(queue, manual_ack: true)
  expect(channel.queue_purge(queue.name).message_count, 2, "purged")
end
