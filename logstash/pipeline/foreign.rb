# Logs of applications without elkmon become its events: ECS as JSON, and lines of uvicorn and gunicorn.
require "digest"
require "time"

class ElkmonForeign
  FAILED = %w[error critical fatal alert emergency].freeze
  LEVELS = { "warn" => "warning", "fatal" => "critical", "notice" => "info", "trace" => "debug" }.freeze
  REQUEST = /"(?<method>[A-Z]+) (?<path>\S+) HTTP\/[\d.]+" (?<status>\d{3})/
  UVICORN = /\A(?<level>TRACE|DEBUG|INFO|WARNING|ERROR|CRITICAL): +(?<rest>.*)\z/m
  UVICORN_ACCESS = /\A\S+ - #{REQUEST}/
  GUNICORN = /\A\[(?<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4})\] \[(?<pid>\d+)\] \[(?<level>[A-Z]+)\] (?<rest>.*)\z/m
  GUNICORN_ACCESS = /\A\S+ \S+ \S+ \[(?<at>\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] #{REQUEST}/
  FRAME = /File "(?<file>[^"]+)", line \d+, in (?<function>\S+)/
  COLOUR = /\e\[[\d;]*m/
  TRACEBACK = /\n(?: +\+ Exception Group )?Traceback \(/
  GROUP = /^ *(?:\+-[-+ \d]*$|[|+] )/ # what a group of exceptions has before its lines, and between its parts
  RAISED = /\A(?<type>[A-Za-z_][\w.]*)(?:: (?<message>.*))?\z/m

  def initialize(rules, redact)
    @rules = rules
    @redact = redact
  end

  # A line that is no JSON; nil where nobody known writes such.
  def line(text, source)
    text = text.gsub("\r\n", "\n").gsub(COLOUR, "").rstrip
    if (found = GUNICORN_ACCESS.match(text))
      return access(found, Time.strptime(found["at"], "%d/%b/%Y:%H:%M:%S %z"), "gunicorn.access", text, source)
    end
    if (found = GUNICORN.match(text))
      at = Time.strptime(found["at"], "%Y-%m-%d %H:%M:%S %z")
      return said(found["level"], found["rest"], at, "gunicorn.error", text, source, pid: found["pid"].to_i)
    end
    return nil unless (found = UVICORN.match(text))
    if (request = UVICORN_ACCESS.match(found["rest"]))
      return access(request, Time.now, "uvicorn.access", text, source)
    end
    said(found["level"], found["rest"], Time.now, "uvicorn.error", text, source)
  rescue ArgumentError # a time that is none
    nil
  end

  # A JSON object in the Elastic Common Schema; nil where it is none, or elkmon's own.
  def ecs(data, source, text)
    meta = data["event"].is_a?(Hash) ? data["event"] : {}
    return nil if data.key?("ml") || meta["dataset"].to_s.start_with?("elkmon.")
    data = nested(data)
    log = data["log"].is_a?(Hash) ? data["log"] : {}
    return nil unless log["level"].is_a?(String) && data["@timestamp"].is_a?(String)
    error = data["error"].is_a?(Hash) ? data["error"] : { "message" => data["error"] }.compact
    fields = { "service" => data["service"], "trace" => data["trace"], "span" => data["span"] }
    fields.select! { |_, value| value.is_a?(Hash) }
    fields["service"] = fields["service"].select { |name, _| %w[name version environment node].include?(name) } if fields["service"]
    message = data["message"]
    message = LogStash::Json.dump(message) if message.is_a?(Hash) || message.is_a?(Array)
    build(log["level"], message.to_s, data["@timestamp"], log["logger"], text, source,
          error.any? ? failure(error) : nil, fields, data["labels"].is_a?(Hash) ? data["labels"] : {},
          data["process"].is_a?(Hash) ? data["process"]["pid"] : nil)
  end

  private

  # Names with dots as objects: "error.type" is what some languages' ecs-logging writes.
  def nested(data)
    data.each_with_object({}) do |(name, value), made|
      *above, last = name.split(".", -1)
      place = above.reduce(made) { |each, part| each[part].is_a?(Hash) ? each[part] : each[part] = {} }
      place[last] = place[last].is_a?(Hash) && value.is_a?(Hash) ? place[last].merge(value) : value
    end
  end

  def access(found, at, logger, text, source)
    status = found["status"].to_i
    level = status >= 500 ? "warning" : "info"
    labels = { "method" => found["method"], "path" => found["path"], "status" => status }
    more = text[/\n.*/m] # lines that nobody knows, which came after it
    message = "#{found["method"]} #{found["path"]} #{status}#{more}"
    build(level, message, stamp(at), logger, text, source, nil, {}, labels, nil)
  end

  def said(level, rest, at, logger, text, source, pid: nil)
    message, stack = rest.match?(TRACEBACK) ? rest.split("\n", 2) : [rest, nil]
    error = stack ? { "stack_trace" => stack, "message" => nil } : nil
    if stack && (raised = RAISED.match(last_words(stack)))
      error["type"] = raised["type"]
      error["message"] = raised["message"]
    end
    build(level, message, stamp(at), logger, text, source, error && failure(error), {}, {}, pid)
  end

  # What the last traceback ends with, below its frames: type and message, over several lines perhaps.
  def last_words(stack)
    _, begins, last = stack.gsub(GROUP, "").rpartition("Traceback (most recent call last):\n")
    begins.empty? ? "" : last.lines.drop_while { |line| line.start_with?(" ") }.join.strip
  end

  # error.* as elkmon has it: the innermost frame, and a hash that groups.
  def failure(error)
    stack = error["stack_trace"].is_a?(String) ? error["stack_trace"] : nil
    frames = stack.to_s.scan(FRAME).map { |file, function| "#{File.basename(file, ".py")}:#{function}" }.uniq
    type = (error["type"] || "message").to_s
    made = { "type" => type, "message" => error["message"].to_s, "stack_trace" => stack }
    made["culprit"] = frames[-1].sub(":", " in ") unless frames.empty?
    made["fingerprint"] = hash(frames.empty? ? [type, made["message"]] : [type, *frames])[0, 16]
    made.reject { |_, value| value.nil? }
  end

  def build(level, message, at, logger, text, source, error, fields, labels, pid)
    level = level.downcase
    level = LEVELS.fetch(level, level)
    error ||= failure("message" => message) if FAILED.include?(level)
    notes = []
    made = fields.merge("message" => message, "labels" => labels)
    made["error"] = error.select { |name, _| %w[message stack_trace].include?(name) } if error
    made = made.map { |name, each| [name, @redact.value(each, name, notes)] }.to_h
    made["error"] = error.merge(made["error"]) if error
    made.delete("labels") if labels.empty?
    made["service"] = { "name" => stem(source) }.compact.merge(made["service"] || {})
    made.delete("service") if made["service"].empty?
    made["process"] = { "pid" => pid } if pid
    made["log"] = { "level" => level, "logger" => logger }.compact
    dataset = error ? "elkmon.error" : "elkmon.log"
    made["event"] = { "id" => identity(text, source), "dataset" => dataset, "kind" => "event", "created" => stamp(Time.now) }
    made["ml"] = { "schema" => @rules["schema"] }
    made["ml"]["redacted"] = notes unless notes.empty?
    made["ecs"] = { "version" => @rules["ecs"] }
    made["@timestamp"] = at
    made
  end

  # The same line of the same file of the same host has the same id, however often it is read.
  def identity(text, source)
    hash([source.get("[host][name]"), path(source), source.get("[log][offset]"), text])[0, 32]
  end

  def path(source)
    source.get("[log][file][path]")
  end

  def stem(source)
    path(source) && File.basename(path(source)).sub(/\..*\z/, "")
  end

  def hash(parts)
    Digest::SHA256.hexdigest(parts.map(&:to_s).join("\0"))
  end

  def stamp(time)
    time.getutc.strftime("%Y-%m-%dT%H:%M:%S.%LZ")
  end
end
