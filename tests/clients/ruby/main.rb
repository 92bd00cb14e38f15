# SPDX-License-Identifier: Apache-2.0
# Bunny, unchanged, against a broker. Called by ../external.py with PORT BROKER
# [NAME-PART...]; says one line a scenario. Those of recovering.rb restart the broker
# and come last.

require_relative "rig"
%w[publishing consuming settling contents refusals application recovering].each { |topic| require_relative topic }

SECONDS_MAX = 60

def run(name, context, body)
  Timeout.timeout(SECONDS_MAX, Overdue) { body.call(context) }
  Broker.say("ok #{name}")
  true
rescue Skip => skip
  Broker.say("skip #{name}: #{skip.message}")
  true
rescue StandardError => error
  kind = error.is_a?(Unmet) ? "" : "#{error.class} "
  Broker.say("FAIL #{name}: #{(kind + error.message).gsub(/\s+/, " ")}")
  warn(error.full_message(highlight: false))
  false
ensure
  context.close
end

port, broker, *parts = ARGV
Thread.report_on_exception = false
Broker.say("client Bunny #{Bunny::VERSION}")
chosen = SCENARIOS.select { |name, _| parts.empty? || parts.any? { |part| name.include?(part) } }
well = chosen.map { |name, body| run(name, Context.new(port.to_i, broker == "rabbitmq"), body) }
exit!(well.all? ? 0 : 1)
