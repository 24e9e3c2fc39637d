# A line becomes its events, each with its id and kind, or with the reason why it is none.
# The rules are those of elkmon ship (elkmon/ship/admission.py); rules.json comes from its tables.
require "digest"
require "json"
require "time"

here = File.dirname(__FILE__)
load File.join(here, "redact.rb") unless defined?(ElkmonRedact)
load File.join(here, "foreign.rb") unless defined?(ElkmonForeign)

TIME = /\d{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z/
PLAIN = /\A#{TIME}\z/
NONE = Object.new
MIB = 1024 * 1024
SECOND = "%Y-%m-%dT%H:%M:%S"
# where a line begins that is more than the rest of the one above it, as in files.conf
BEGINS = /\n(?=\{|\[\d{4}-|(?:\x1b\[\d+m)?(?:TRACE|DEBUG|INFO|WARNING|ERROR|CRITICAL)(?:\x1b\[0m)?:|\S+ \S+ \S+ \[)/
MANY = 500_000 # objects and lists of one text: a few millions take more memory than there is, at each start anew
AT_ONCE = 100_000 # events of one array, likewise
ZONE = /(?:Z|[+-]\d\d:?\d\d)\z/
PAIRS = /\\[^u]|\\u[dD][89abAB]\h\h\\u[dD][c-fC-F]\h\h/
HALF = /\\u[dD][89a-fA-F]/

def register(params)
  @rules = JSON.parse(File.read(File.join(File.dirname(__FILE__), "rules.json"), encoding: "UTF-8"))
  @kinds = @rules["datasets"].map { |name| [name, name.sub("elkmon.", "")] }.to_h
  @head = /\A\{"@timestamp":"(?<at>#{TIME})","event":\{"id":"(?<id>[\w-]{1,#{@rules["max_id"]}})","dataset":"(?<dataset>#{@kinds.keys.join("|")})"/
  @retention = params["retention"].to_i
  @redact = ElkmonRedact.new(@rules)
  @foreign = ElkmonForeign.new(@rules, @redact)
end

def filter(event)
  raw = event.get("message")
  return [apart(event, "without a line", event.to_json)] unless raw.is_a?(String)
  # bytes that are no UTF-8 are kept as JSON can
  text = raw.valid_encoding? ? raw : raw.scrub
  return [apart(event, "more than #{MANY} values", text)] if many?(text)
  return [event] if text.bytesize <= @rules["max_line"] && quick(text, event)
  texts(text).flat_map { |one| events(one, event) }
end

# Lines of a post are one text each; a stack stays with the line above it, but for a line that is JSON.
def texts(text)
  return [text] unless text.chomp.include?("\n")
  return [text] if text.start_with?("{", "[") && value(text) != NONE
  text.split(BEGINS).flat_map do |each|
    each.start_with?("{") && value(each) == NONE ? each.split("\n", 2) : [each]
  end
end

def events(text, source)
  return [apart(source, long(text), text)] if text.bytesize > @rules["max_line"] + (text.start_with?("[") ? 1024 : 0)
  return [] unless text.match?(/\S/) # NUL is something
  data = value(text)
  if data == NONE
    foreign = @foreign.line(text, source)
    return [foreign ? judged(foreign, source, text) : apart(source, "not JSON", text)]
  end
  return [apart(source, "not JSON: half of a surrogate pair", text)] if half?(text)
  return [apart(source, "more than #{AT_ONCE} events at once", text)] if data.is_a?(Array) && data.size > AT_ONCE
  return data.map { |each| one(each, source, nil) } if data.is_a?(Array)
  [one(data, source, text)]
rescue StandardError, java.lang.Exception, java.lang.StackOverflowError => e # else it would stop the pipeline, again and again
  [apart(source, "#{e.class}: #{e.message}"[0, 200], text)]
end

# What the text says as JSON, NONE where it is not one value: load alone takes the last of several.
def value(text)
  found = LogStash::Json.load("[#{text}\n]")
  found.size == 1 ? found[0] : NONE
rescue LogStash::Json::ParserError
  NONE
end

# A line as elkmon writes it is read by Logstash itself, and in place, which is faster; nil: read it with care.
# What follows the text tells that the text is one object and no more.
def quick(text, source)
  return nil if brackets?(text) || half?(text)
  return nil unless (head = @head.match(text)) && between?(head["at"]) && !text.index('"@', head.end(0))
  event, behind = LogStash::Event.from_json("[#{text},{\"behind\":1}]")
  return nil unless behind && behind.include?("behind") && !event.include?("_tags")
  return nil unless event.get("[event][id]") == head["id"] && event.get("[event][dataset]") == head["dataset"]
  ours(source.overwrite(event), head["id"], head["dataset"])
rescue LogStash::Json::ParserError
  nil
end

def one(data, source, text)
  deep = (text.nil? || brackets?(text)) && deep?(data)
  text ||= deep ? JSON.generate(data, max_nesting: 0) : LogStash::Json.dump(data)
  return apart(source, long(text), text) if text.bytesize > @rules["max_line"]
  return apart(source, "nested deeper than #{@rules["max_nesting"]}", text) if deep
  foreign = data.is_a?(Hash) ? @foreign.ecs(data, source, text) : nil
  judged(foreign || data, source, text)
end

def judged(data, source, text)
  reason = reason(data)
  return apart(source, reason, text) if reason
  event = made(data)
  # Logstash puts aside tags and times that it does not take, and others in their place
  return apart(source, "tags are no texts", text) if event.include?("_tags") && !data.key?("_tags")
  return event unless event.include?("_@timestamp") && !data.key?("_@timestamp")
  apart(source, "@timestamp #{data["@timestamp"].inspect[0, 80]} is no time", text)
end

def many?(text)
  text.bytesize > MANY && (text.count("[{") > MANY || text.count(",") > 3 * MANY)
end

# Whether a text may be nested too deeply: most are told apart by this. Elasticsearch takes more levels, but 300 end
# Logstash 9, which writes them by recursion, at each start anew.
def brackets?(text)
  text.bytesize > @rules["max_nesting"] && text.count("[{") > @rules["max_nesting"]
end

# Whether a text has half of a surrogate pair, with which Logstash would lose what follows.
def half?(text)
  text.include?("\\u") && text.match?(HALF) && text.gsub(PAIRS, "").match?(HALF)
end

def deep?(data)
  level = [data]
  @rules["max_nesting"].times do
    level = level.flat_map { |each| each.is_a?(Hash) ? each.values : each }
    level.select! { |each| each.is_a?(Hash) || each.is_a?(Array) }
    return false if level.empty?
  end
  true
end

def made(data)
  data["@timestamp"] = zoned(data["@timestamp"])
  ours(LogStash::Event.new(data), data["event"]["id"], data["event"]["dataset"])
end

def ours(event, id, dataset)
  event.remove("@version")
  event.set("[@metadata][id]", id)
  event.set("[@metadata][kind]", @kinds[dataset])
  event
end

def long(text)
  "#{(text.bytesize * 10.0 / MIB).ceil / 10.0} MiB long; the limit is #{@rules["max_line"] / MIB} MiB"
end

def apart(source, reason, text = source.get("message"))
  event = LogStash::Event.new({ "message" => text.to_s })
  sender = source.get("[log][file][path]") || source.get("[@metadata][sender]")
  event.set("[@metadata]", { "reason" => reason, "source" => sender })
  event
end

def reason(data)
  return "not a JSON object" unless data.is_a?(Hash)
  return "has @metadata, which Logstash keeps to itself" if data.key?("@metadata")
  meta = data["event"]
  return "without event.id and event.dataset" unless meta.is_a?(Hash)
  unless meta.key?("id") && meta.key?("dataset") && data.key?("@timestamp")
    absent = %w[id dataset].reject { |name| meta.key?(name) }.map { |name| "event.#{name}" }
    absent << "@timestamp" unless data.key?("@timestamp")
    return "without #{absent.join(" and ")}"
  end
  id = meta["id"]
  return "event.id is no text" unless id.is_a?(String) && !id.empty?
  return "event.id has more than #{@rules["max_id"]} bytes" if id.bytesize > @rules["max_id"]
  return "event.id is an unresolved reference: #{id[0, 80]}" if id.include?("%{")
  return "event.dataset #{meta["dataset"].inspect[0, 80]} is none of ours" unless @kinds.key?(meta["dataset"])
  misdated(data["@timestamp"], meta["dataset"])
end

def misdated(at, dataset)
  return "@timestamp is no text" unless at.is_a?(String)
  return nil if PLAIN.match?(at) && between?(at)
  begin
    time = Time.iso8601(zoned(at.sub(" ", "T")))
    raise ArgumentError if time.day != at[8, 2].to_i # 30 February is read as a day that is
  rescue ArgumentError
    return "@timestamp #{at.inspect[0, 80]} is no time"
  end
  now = Time.now
  return "@timestamp #{at.inspect[0, 80]} is more than a day ahead: a clock is wrong" if time > now + @rules["ahead"]
  return nil if @rules["kept"].include?(dataset) || time >= now - @retention * 86_400
  "@timestamp #{at.inspect[0, 80]} is older than the retention of #{@retention} days"
end

# A time without a zone is in UTC, as for Elasticsearch; not in the host's.
def zoned(at)
  at.match?(ZONE) ? at : "#{at}Z"
end

# Tells texts of plain times apart, which takes a tenth of making times of them. The bounds are those of a minute,
# a minute within what holds now: what is near them is judged with care.
def between?(at)
  minute = Time.now.to_i / 60
  if minute != @minute
    now = Time.at(minute * 60).utc
    @bounds = [(now - @retention * 86_400 + 120).strftime(SECOND), (now + @rules["ahead"] - 60).strftime(SECOND)]
    @minute = minute
  end
  at > @bounds[0] && at < @bounds[1]
end
