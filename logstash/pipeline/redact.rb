# What elkmon/emit/redaction/redactor.py does, in Ruby, by the same patterns and words: rules.json has them.
class ElkmonRedact
  PART = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+|(?:(?![A-Za-z])[[:alpha:]])+/
  KEYED = "TRWAGMYFPDXBNJZSQVHLCKE"

  def initialize(rules)
    @patterns = rules["patterns"].map { |each| [each["kind"], Regexp.new(each["regex"]), each["check"]] }
    @assignment = Regexp.new(rules["assignment"])
    @words = rules["words"]
    @schemes = rules["schemes"]
  end

  # Give a text without what is secret in it.
  def text(value)
    @patterns.each do |kind, regex, check|
      value = value.gsub(regex) do |found|
        match = Regexp.last_match
        next found if check && !send(check, found)
        kept = regex.names.include?("keep") ? match["keep"] : ""
        "#{kept}[redacted:#{kind}]"
      end
    end
    assignments(value)
  end

  # Say whether what stands under a name is secret.
  def key?(name)
    parts = name[0, 200].scan(PART).map(&:downcase)
    return false if parts.empty? || name.start_with?("gen_ai.usage") || @words["about"].include?(parts[-1])
    return true if parts.size == 1 && @words["alone"].include?(parts[0])
    @words["last"].include?(parts[-1]) || !(@words["anywhere"] & parts).empty? ||
      @words["anywhere"].include?(parts.join) || parts.each_cons(2).any? { |two| @words["pairs"].include?(two) }
  end

  # Give any JSON value without it; paths of what was found are added to notes.
  def value(value, path, notes)
    case value
    when String
      made = text(value)
      notes << path if made != value
      made
    when Hash
      value.map do |name, each|
        below = "#{path}.#{name}"
        next [name, value(each, below, notes)] unless key?(name) && !each.nil?
        notes << below
        [name, "[redacted]"]
      end.to_h
    when Array
      value.each_with_index.map { |each, number| value(each, "#{path}.#{number}", notes) }
    else value
    end
  end

  private

  def assignments(text)
    made = ""
    done = place = 0
    while (match = @assignment.match(text, place))
      if key?(match["name"])
        made += text[done...match.begin(0)] + assignment(match[0], match)
        done = place = match.end(0)
      else # what it says may be one: ValueError: password=…
        place = match.begin("value")
      end
    end
    made + text[done..-1]
  end

  def assignment(found, match)
    value = match["value"]
    return found if !match["after"].empty? || value.include?("[redacted")
    return found if @schemes.include?(value.downcase)
    prose = match["sign"].strip == ":" && match["quote"].empty? && match["name"].downcase == "token"
    return found if prose && value !~ /\d/
    edge = value[/\A[\\"']+/] || ""
    "#{match["before"]}#{edge}[redacted]#{edge}"
  end

  def luhn(text)
    digits = text.scan(/\d/).map(&:to_i)
    return false unless digits.size.between?(13, 19) && digits.uniq.size > 1 && digits[0].between?(2, 6)
    sum = digits.reverse.each_with_index.map { |digit, place| place.even? ? digit : 2 * digit - (digit > 4 ? 9 : 0) }
    (sum.sum % 10).zero?
  end

  def iban(text)
    code = text.delete(" ")
    code.size.between?(15, 34) && (code[4..-1] + code[0, 4]).each_char.map { |c| c.to_i(36).to_s }.join.to_i % 97 == 1
  end

  def dni(text)
    code = text.delete("-")
    number = "XYZ".include?(code[0]) ? "XYZ".index(code[0]).to_s + code[1..-2] : code[0..-2]
    KEYED[number.to_i % 23] == code[-1]
  end

  def nir(text)
    code = text.delete(" ").upcase
    number = code[0..-3].sub("2A", "19").sub("2B", "18")
    number.match?(/\A\d+\z/) && 97 - number.to_i % 97 == code[-2..-1].to_i
  end

  def token(text)
    word = text.split[-1]
    word.size >= 20 || (word[1..-1].match?(/[A-Z]/) && word.match?(/[a-z]/)) || word.match?(/[\d=]/)
  end
end
