# Turn logs of applications without elkmon into events: ECS as JSON, and lines of uvicorn and gunicorn.
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
  GROUP = /^ *(?:\+-[-+ \d]*$|[|+] )/ # what an exception group has before its lines and between its parts
  RAISED = /\A(?<type>[A-Za-z_][\w.]*)(?:: (?<message>.*))?\z/m

  def initialize(rules, redact)
    @rules = rules
    @redact = redact
  end

  # Return the event of a line that is not JSON; nil if its format is unknown.
  def line(text, source)
    text = text.gsub("\r\n", "\n").gsub(COLOUR, "").rstrip
    if (match = GUNICORN_ACCESS.match(text))
      return access_event(match, Time.strptime(match["at"], "%d/%b/%Y:%H:%M:%S %z"), "gunicorn.access", text, source)
    end
    if (match = GUNICORN.match(text))
      at = Time.strptime(match["at"], "%Y-%m-%d %H:%M:%S %z")
      return log_event(match["level"], match["rest"], at, "gunicorn.error", text, source, pid: match["pid"].to_i)
    end
    return nil unless (match = UVICORN.match(text))
    if (request = UVICORN_ACCESS.match(match["rest"]))
      return access_event(request, Time.now, "uvicorn.access", text, source)
    end
    log_event(match["level"], match["rest"], Time.now, "uvicorn.error", text, source)
  rescue ArgumentError # an invalid time
    nil
  end

  # Return the event of a JSON object in the Elastic Common Schema; nil if it is none, or elkmon's own.
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
          error.any? ? error_fields(error) : nil, fields, data["labels"].is_a?(Hash) ? data["labels"] : {},
          data["process"].is_a?(Hash) ? data["process"]["pid"] : nil)
  end

  private

  # Turn names with dots into nested objects: ecs-logging of some languages writes "error.type".
  def nested(data)
    data.each_with_object({}) do |(name, value), result|
      *parents, last = name.split(".", -1)
      parent = parents.reduce(result) { |object, part| object[part].is_a?(Hash) ? object[part] : object[part] = {} }
      parent[last] = parent[last].is_a?(Hash) && value.is_a?(Hash) ? parent[last].merge(value) : value
    end
  end

  def access_event(request, at, logger, text, source)
    status = request["status"].to_i
    level = status >= 500 ? "warning" : "info"
    labels = { "method" => request["method"], "path" => request["path"], "status" => status }
    more = text[/\n.*/m] # following lines of an unknown format
    message = "#{request["method"]} #{request["path"]} #{status}#{more}"
    build(level, message, stamp(at), logger, text, source, nil, {}, labels, nil)
  end

  def log_event(level, rest, at, logger, text, source, pid: nil)
    message, stack = rest.match?(TRACEBACK) ? rest.split("\n", 2) : [rest, nil]
    error = stack ? { "stack_trace" => stack, "message" => nil } : nil
    if stack && (raised = RAISED.match(last_exception(stack)))
      error["type"] = raised["type"]
      error["message"] = raised["message"]
    end
    build(level, message, stamp(at), logger, text, source, error && error_fields(error), {}, {}, pid)
  end

  # Return the end of the last traceback, below its frames: type and message, perhaps of several lines.
  def last_exception(stack)
    _, begins, last = stack.gsub(GROUP, "").rpartition("Traceback (most recent call last):\n")
    begins.empty? ? "" : last.lines.drop_while { |line| line.start_with?(" ") }.join.strip
  end

  # Return error.* as elkmon writes it, with the innermost frame as culprit and a fingerprint.
  def error_fields(error)
    stack = error["stack_trace"].is_a?(String) ? error["stack_trace"] : nil
    frames = stack.to_s.scan(FRAME).map { |file, function| "#{File.basename(file, ".py")}:#{function}" }.uniq
    type = (error["type"] || "message").to_s
    fields = { "type" => type, "message" => error["message"].to_s, "stack_trace" => stack }
    fields["culprit"] = frames[-1].sub(":", " in ") unless frames.empty?
    fields["fingerprint"] = hash(frames.empty? ? [type, fields["message"]] : [type, *frames])[0, 16]
    fields.reject { |_, value| value.nil? }
  end

  def build(level, message, at, logger, text, source, error, fields, labels, pid)
    level = level.downcase
    level = LEVELS.fetch(level, level)
    error ||= error_fields("message" => message) if FAILED.include?(level)
    redacted = []
    event = fields.merge("message" => message, "labels" => labels)
    event["error"] = error.select { |name, _| %w[message stack_trace].include?(name) } if error
    event = event.map { |name, value| [name, @redact.value(value, name, redacted)] }.to_h
    event["error"] = error.merge(event["error"]) if error
    event.delete("labels") if labels.empty?
    event["service"] = { "name" => stem(source) }.compact.merge(event["service"] || {})
    event.delete("service") if event["service"].empty?
    event["process"] = { "pid" => pid } if pid
    event["log"] = { "level" => level, "logger" => logger }.compact
    dataset = error ? "elkmon.error" : "elkmon.log"
    event["event"] = { "id" => identity(text, source), "dataset" => dataset, "kind" => "event", "created" => stamp(Time.now) }
    event["ml"] = { "schema" => @rules["schema"] }
    event["ml"]["redacted"] = redacted unless redacted.empty?
    event["ecs"] = { "version" => @rules["ecs"] }
    event["@timestamp"] = at
    event
  end

  # Return the event's id: a line of a file on a host keeps it, no matter how often it is read.
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
