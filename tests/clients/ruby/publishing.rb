# SPDX-License-Identifier: Apache-2.0
# Publishing, routing, confirms and returns (rabbitmq.md 2, 4.1 to 4.10).

scenario "confirms_waited_for" do |ctx|
  channel = ctx.channel
  queue = ctx.queue(channel)
  channel.confirm_select
  500.times { |i| queue.publish("m#{i}", persistent: true) }
  require_that(channel.wait_for_confirms, "all are acknowledged")
  expect(channel.unconfirmed_set.size, 0, "outstanding")
  expect(channel.nacked_set.size, 0, "refused")
  expect(queue.message_count, 500, "ready messages")
  expect(channel.next_publish_seq_no, 501, "next number")
end

scenario "confirms_called_back" do |ctx|
  channel = ctx.channel
  queue = ctx.queue(channel)
  confirmed = []
  channel.confirm_select(->(tag, _, nack) { confirmed << [tag, nack] })
  1000.times { |i| queue.publish("m#{i}") }
  channel.wait_for_confirms
  wait_until("confirms") { confirmed.length == 1000 }
  expect(confirmed.sort_by(&:first), (1..1000).map { |tag| [tag, false] }, "confirms")
end

scenario "returned_before_confirmed" do |ctx| # 4.2
  channel = ctx.channel
  events = []
  exchange = channel.topic("amq.topic", durable: true)
  returned = nil
  exchange.on_return do |info, properties, body|
    returned = [info, properties, body]
    events << "return"
  end
  channel.confirm_select(->(tag, _, nack) { events << "#{nack ? "nack" : "ack"} #{tag}" })
  exchange.publish("back", routing_key: "to.nobody", mandatory: true, message_id: "id", headers: { "n" => 1 })
  channel.wait_for_confirms
  exchange.publish("dropped", routing_key: "to.nobody")
  channel.wait_for_confirms
  wait_until("confirms") { events.length == 3 }
  expect(events, ["return", "ack 1", "ack 2"], "events")
  info, properties, body = returned
  expect([info.reply_code, info.reply_text, info.exchange, info.routing_key], [312, "NO_ROUTE", "amq.topic", "to.nobody"],
         "return")
  expect([properties.message_id, properties.headers, body], ["id", { "n" => 1 }, "back"], "message")
end

scenario "through_exchanges" do |ctx| # 2.10, 2.14
  channel = ctx.channel
  queue = ctx.queue(channel)
  topic = channel.topic(ctx.name("topic"), auto_delete: true)
  fanout = channel.fanout(ctx.name("fanout"), auto_delete: true)
  fanout.bind(topic, routing_key: "order.#")
  queue.bind(fanout).bind(topic, routing_key: "*.made")
  %w[order order.made bill.made bill.paid].each { |key| topic.publish(key, routing_key: key) }
  taken = Taken.new(queue, manual_ack: false)
  taken.exactly(3)
  expect(taken.bodies, %w[order order.made bill.made], "what came")
  queue.unbind(topic, routing_key: "*.made")
  fanout.unbind(topic, routing_key: "order.#")
end

scenario "by_headers" do |ctx| # 2.15
  channel = ctx.channel
  exchange = channel.headers(ctx.name("headers"), auto_delete: true)
  all = ctx.queue(channel).bind(exchange, arguments: { "x-match" => "all", "a" => "1", "n" => 3 })
  any = ctx.queue(channel).bind(exchange, arguments: { "x-match" => "any", "a" => "1", "n" => 3 })
  exchange.publish("both", headers: { "a" => "1", "n" => 3 })
  exchange.publish("one", headers: { "a" => "1", "n" => "3" })
  exchange.publish("none", headers: { "a" => "2" })
  expect_ready(all, 1, "all")
  expect_ready(any, 2, "any")
end

scenario "transactions" do |ctx| # 4.10
  session = ctx.session(session_error_handler: Errors.new, continuation_timeout: 3000)
  channel = session.create_channel
  other = ctx.channel
  queue = other.queue(ctx.name, auto_delete: true)
  begin
    channel.tx_select
  rescue StandardError
    require_that(!ctx.real, "RabbitMQ has transactions")
    raise Skip, "tx.select is not answered yet"
  end
  channel.default_exchange.publish("a", routing_key: queue.name)
  expect(queue.message_count, 0, "before the commit")
  channel.tx_commit
  expect_ready(queue, 1, "after the commit")
  channel.default_exchange.publish("b", routing_key: queue.name)
  channel.tx_rollback
  expect(queue.message_count, 1, "after the rollback")
end
