# SPDX-License-Identifier: Apache-2.0
# A worker as Sneakers makes them: what fails waits in a retry queue and comes back,
# after three times it is parked (rabbitmq.md 3.13, 3.16).

RETRY_MS = 150
TRIES_MAX = 3

# Exchanges and queues NAME, NAME-retry, NAME-requeue, NAME-error, and who works.
class Sneaker
  attr_reader :tries

  def initialize(ctx)
    @channel = ctx.channel
    @name = ctx.name("mail")
    @tries = Hash.new { |hash, body| hash[body] = [] }
    @jobs, @retry, @requeue, @error = ["", "-retry", "-requeue", "-error"].map do |suffix|
      @channel.topic(@name + suffix, auto_delete: true)
    end
    @work = @channel.queue(@name, durable: true, arguments: { "x-dead-letter-exchange" => @retry.name })
    @work.bind(@jobs, routing_key: "mail.#").bind(@requeue, routing_key: "#")
    @waiting = @channel.queue(@retry.name, durable: true, arguments: { "x-dead-letter-exchange" => @requeue.name, "x-message-ttl" => RETRY_MS })
    @waiting.bind(@retry, routing_key: "#")
    @parked = @channel.queue(@error.name, durable: true).bind(@error, routing_key: "#")
    @channel.confirm_select
  end

  def send(body, key)
    @jobs.publish(body, routing_key: key, persistent: true, message_id: "id-#{body}", headers: { "tenant" => 7 })
    require_that(@channel.wait_for_confirms, "the job is confirmed")
  end

  # Works on what comes; the block says whether a try (its number from 0) goes well.
  def work(&well)
    @channel.prefetch(1)
    @work.subscribe(manual_ack: true) do |info, properties, body|
      failed = failures(properties)
      @tries[body] << [failed, info.routing_key, info.exchange, info.redelivered?, Process.clock_gettime(Process::CLOCK_MONOTONIC)]
      settle(info, properties, body, failed, well.call(body, failed))
    end
  end

  # How often this queue has rejected it.
  def failures(properties)
    deaths = (properties.headers || {})["x-death"] || []
    deaths.select { |death| death["queue"] == @name && death["reason"] == "rejected" }.sum { |death| death["count"] }
  end

  def settle(info, properties, body, failed, well)
    if well
      @channel.ack(info.delivery_tag)
    elsif failed < TRIES_MAX
      @channel.reject(info.delivery_tag, false)
    else
      @error.publish(body, routing_key: info.routing_key, persistent: true, message_id: properties.message_id, headers: properties.headers)
      @channel.ack(info.delivery_tag)
    end
  end

  def parked = get(@parked)

  def expect_empty
    { "work" => @work, "retry" => @waiting, "error" => @parked }.each { |what, queue| expect_ready(queue, 0, "left in #{what}") }
  end

  # Both entries, the latest first, without their time.
  def expect_deaths(deaths, key)
    deaths.each { |death| require_that(death["time"].is_a?(Time), "time of #{death}") }
    expect(deaths.map { |death| death.except("time") }, [
             { "count" => TRIES_MAX, "reason" => "expired", "queue" => @retry.name, "exchange" => @retry.name, "routing-keys" => [key] },
             { "count" => TRIES_MAX, "reason" => "rejected", "queue" => @name, "exchange" => @jobs.name, "routing-keys" => [key] },
           ], "x-death")
  end

  # Each try a retry's time after the one before, from where it should come.
  def expect_tries(body, key, count)
    tries = @tries[body]
    expect(tries.map { |try| try.first(4) }, Array.new(count) { |i| [i, key, i.zero? ? @jobs.name : @requeue.name, false] }, "tries of #{body}")
    tries.each_cons(2) do |before, after|
      waited = (after.last - before.last) * 1000
      require_that(waited >= RETRY_MS - 1, "came back after #{waited.round} ms")
    end
  end

  def remove
    [@work, @waiting, @parked].each(&:delete)
  end
end

scenario "gives_up_after_three_retries" do |ctx|
  sneaker = Sneaker.new(ctx)
  sneaker.work { |body, failed| body == "slow" && failed == 1 }
  sneaker.send("bad", "mail.bulk.eu")
  sneaker.send("slow", "mail.one")
  info, properties, body = sneaker.parked
  expect([body, info.routing_key, properties.message_id, properties.delivery_mode], ["bad", "mail.bulk.eu", "id-bad", 2], "parked")
  expect(properties.headers["tenant"], 7, "its own header")
  expect(properties.headers.slice("x-first-death-reason", "x-first-death-queue").values.first, "rejected", "first death")
  sneaker.expect_deaths(properties.headers["x-death"], "mail.bulk.eu")
  sneaker.expect_tries("bad", "mail.bulk.eu", 4)
  wait_until("the slow one") { sneaker.tries["slow"].length == 2 }
  sneaker.expect_tries("slow", "mail.one", 2)
  sneaker.expect_empty
  sneaker.remove
end

# The worker's own back-off: the same retry queue, an expiration a message.
scenario "waits_longer_each_time" do |ctx|
  channel = ctx.channel
  work = channel.queue(ctx.name("work"), durable: true)
  later = channel.queue(ctx.name("later"), durable: true,
                        arguments: { "x-dead-letter-exchange" => "", "x-dead-letter-routing-key" => work.name })
  tries = []
  work.subscribe(manual_ack: true) do |info, properties, body|
    deaths = properties.headers&.dig("x-death") || []
    tries << [deaths.sum { |death| death["count"] }, deaths.first&.dig("original-expiration"), properties.expiration]
    later.publish(body, persistent: true, expiration: (50 << tries.length).to_s, headers: properties.headers) if tries.length < 4
    channel.ack(info.delivery_tag)
  end
  work.publish("m", persistent: true)
  wait_until("four tries") { tries.length == 4 }
  # One entry, whose original-expiration is the first one.
  expect(tries, [[0, nil, nil], [1, "100", nil], [2, "100", nil], [3, "100", nil]], "deaths, original expiration, expiration")
  expect_ready(later, 0, "left")
  [work, later].each(&:delete)
end
