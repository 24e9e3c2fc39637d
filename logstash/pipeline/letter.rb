# What was not stored becomes a document of its own: when, why, from where, and the line itself.
require "digest"
require "json"

def register(_)
  rules = JSON.parse(File.read(File.join(File.dirname(__FILE__), "rules.json"), encoding: "UTF-8"))
  @kept = rules["max_line_kept"]
end

def filter(event)
  told = event.get("[@metadata]") || {}
  queue = told["dead_letter_queue"]
  raw = queue ? again(event, told) : event.get("message").to_s
  reason = queue ? refused(queue["reason"].to_s)[0, 2000] : told["reason"]
  made = LogStash::Event.new
  made.remove("@version")
  made.set("event", { "dataset" => "elkmon.deadletter", "kind" => "event", "id" => Digest::SHA256.hexdigest(raw)[0, 32] })
  made.set("message", reason)
  made.set("error", { "type" => queue ? "refused" : "guard" })
  made.set("log", { "file" => { "path" => told["source"] } }) if told["source"]
  made.set("raw", raw.bytesize > @kept ? raw.byteslice(0, @kept).scrub("") : raw)
  made.set("cut", true) if raw.bytesize > @kept
  made.set("[@metadata]", { "id" => made.get("[event][id]") })
  [made]
end

# What Elasticsearch answered; between its status and the answer stands the whole event.
def refused(reason)
  answer = reason.rindex(", response: ")
  answer ? reason[/\A.*?status: \d+/m].to_s + reason[answer..-1] : reason
end

# The event as it was sent: Logstash has put @version back.
def again(event, told)
  data = event.to_hash
  data.delete("@version")
  LogStash::Json.dump(data)
end
