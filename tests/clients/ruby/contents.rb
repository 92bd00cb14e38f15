# SPDX-License-Identifier: Apache-2.0
# What a message carries comes out as it went in (rabbitmq.md 1.23, 4.7).

def through(channel, body, **properties)
  queue = channel.queue("", exclusive: true)
  queue.publish(body, **properties)
  get(queue)
end

scenario "headers_of_every_kind" do |ctx|
  kinds = {
    "string" => "żółw 🐢".b, "int" => -(2**63), "float" => 0.1, "true" => true, "false" => false, "nil" => nil,
    "time" => Time.at(1_700_000_001), "empty" => "", "bytes" => "\x00\xff\xc3".b
  }
  headers = kinds.merge("table" => kinds.merge("deeper" => { "none" => {} }), "list" => ["a", 1, nil, [true, []], kinds])
  _, properties, = through(ctx.channel, "m", headers: headers)
  expect(properties.headers, headers, "headers")
end

scenario "every_property" do |ctx|
  given = {
    content_type: "text/plain", content_encoding: "utf-8", headers: {}, persistent: true, priority: 9,
    correlation_id: "c", reply_to: "r", expiration: "60000", message_id: "m", timestamp: 1_700_000_001, type: "t",
    user_id: "guest", app_id: "a"
  }
  _, properties, = through(ctx.channel, "m", **given)
  wanted = given.reject { |key, _| key == :persistent }.merge(delivery_mode: 2, timestamp: Time.at(1_700_000_001))
  expect(properties.to_hash, wanted, "properties")
end

scenario "large" do |ctx|
  body = Random.new(5).bytes((5 << 20) + 13)
  channel = ctx.channel
  channel.confirm_select
  _, _, got = through(channel, body)
  require_that(got == body, "by basic.get")
  queue = ctx.queue(channel)
  taken = Taken.new(queue)
  queue.publish(body)
  require_that(channel.wait_for_confirms, "confirmed")
  (info, _, got), = taken.first(1)
  require_that(got == body, "by a consumer")
  channel.nack(info.delivery_tag, false, true)
  info, _, got = taken.first(2).last
  require_that(got == body && info.redelivered?, "again")
end

scenario "sizes_around_a_frame" do |ctx| # 1.23
  channel = ctx.channel
  [0, 1, 131_063, 131_064, 131_065, 262_128, 262_129].each do |size|
    _, _, got = through(channel, "x" * size)
    expect(got.bytesize, size, "body")
  end
end
