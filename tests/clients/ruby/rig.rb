# SPDX-License-Identifier: Apache-2.0
# What every scenario uses: registration, names, connections closed at its end,
# expectations with texts, waits with a deadline.

require "bunny"
require "securerandom"
require "stringio"
require "timeout"

DEADLINE = 15
SCENARIOS = [] # [name, body] in the order of their files

class Skip < StandardError; end
class Unmet < StandardError; end
class Overdue < StandardError; end

# A scenario, named after its file.
def scenario(name, &body)
  topic = File.basename(caller_locations(1, 1).first.path, ".rb")
  SCENARIOS << ["ruby_#{topic}.#{name}", body]
end

def brief(value)
  text = value.inspect
  text.length <= 400 ? text : "#{text[0, 400]}… (#{text.length})"
end

def expect(got, wanted, what)
  raise Unmet, "#{what}: got #{brief(got)}, expected #{brief(wanted)}" unless got == wanted
end

def require_that(truth, what)
  raise Unmet, what unless truth
end

# Polls until the block is true; its value.
def wait_until(what, seconds = DEADLINE)
  deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
  loop do
    value = yield
    return value if value
    raise Unmet, "#{what}: not within #{seconds} s" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline

    sleep 0.01
  end
end

# The error of that class which the block must end with.
def raises(kind)
  begin
    yield
  rescue kind => error
    return error
  end
  raise Unmet, "no #{kind} was raised"
end

# The lines between this runner and the one who holds its broker (../external.py).
module Broker
  def self.say(line)
    $stdout.write("#{line}\n")
    $stdout.flush
  end

  def self.ask(wish, answer)
    say(wish)
    expect($stdin.gets&.chomp, answer, "answer to #{wish}")
  end

  def self.restart = ask("restart", "restarted")
  def self.stop = ask("stop", "stopped")
  def self.start = ask("start", "started")
end

# Takes what Bunny raises in the thread of its owner when a connection dies.
class Errors < Array
  def raise(error)
    self << error
  end
end

# A consumer that only collects.
class Taken
  attr_reader :deliveries, :cancelled, :tag

  def initialize(queue, manual_ack: true, **options)
    @deliveries = Queue.new
    @seen = []
    @cancelled = []
    @consumer = queue.subscribe(manual_ack: manual_ack, on_cancellation: ->(info) { @cancelled << info.consumer_tag },
                                **options) { |*delivery| @deliveries << delivery }
    @tag = @consumer.consumer_tag
  end

  def cancel
    @consumer.cancel
  end

  # The first n: [delivery info, properties, body] each.
  def first(n)
    wait_until("#{n} deliveries") do
      @seen << @deliveries.pop until @deliveries.empty?
      @seen.length >= n
    end
    @seen.first(n)
  end

  # Exactly n, also a while later.
  def exactly(n)
    first(n)
    sleep 0.06
    @seen << @deliveries.pop until @deliveries.empty?
    expect(@seen.length, n, "deliveries #{@seen.map(&:last)}")
    @seen
  end

  def bodies = @seen.map(&:last)
end

# One run of one scenario.
class Context
  attr_reader :port, :real

  def initialize(port, real)
    @port = port
    @real = real
    @sessions = []
  end

  def name(base = "q") = "#{base}-#{SecureRandom.hex(4)}"

  # A started session; without recovery unless that is asked for.
  def session(**options)
    session = Bunny.new(host: "127.0.0.1", port: @port, automatically_recover: false, heartbeat: 0,
                        continuation_timeout: DEADLINE * 1000, logger: Logger.new($stderr, level: (ENV["MQB_TRACE"] ? Logger::DEBUG : Logger::ERROR)),
                        **options)
    @sessions << session
    session.start
  end

  # Of a session of its own.
  def channel(**options) = session(**options).create_channel

  # A new queue that this session alone sees.
  def queue(channel) = channel.queue(name, exclusive: true)

  def close
    @sessions.each do |session|
      Timeout.timeout(3) { session.close(true) if session.open? }
    rescue StandardError
      nil # the scenario's business
    end
  end
end

# Ready messages; RabbitMQ's count may overtake a publish that no confirm was waited for.
def expect_ready(queue, wanted, what)
  got = nil
  begin
    wait_until(what) { (got = queue.message_count) == wanted }
  rescue Unmet
    expect(got, wanted, what)
  end
end

# basic.get until there is one: [info, properties, body].
def get(queue, manual_ack: false)
  wait_until("basic.get") do
    got = queue.pop(manual_ack: manual_ack)
    got.first && got
  end
end
