# Redact secrets as elkmon/emit/redaction/redactor.py does, with the same patterns and words from rules.json.
class ElkmonRedact
  PART = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+|(?:(?![A-Za-z])[[:alpha:]])+/
  DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"

  def initialize(rules)
    @patterns = rules["patterns"].map { |pattern| [pattern["kind"], Regexp.new(pattern["regex"]), pattern["check"]] }
    @assignment = Regexp.new(rules["assignment"])
    @words = rules["words"]
    @schemes = rules["schemes"]
  end

  # Return a text without its secrets.
  def text(value)
    @patterns.each do |kind, regex, check|
      value = value.gsub(regex) do |secret|
        match = Regexp.last_match
        next secret if check && !send(check, secret)
        prefix = regex.names.include?("keep") ? match["keep"] : ""
        "#{prefix}[redacted:#{kind}]"
      end
    end
    assignments(value)
  end

  # Return whether the value with a name is secret.
  def key?(name)
    parts = name[0, 200].scan(PART).map(&:downcase)
    return false if parts.empty? || name.start_with?("gen_ai.usage") || @words["about"].include?(parts[-1])
    return true if parts.size == 1 && @words["alone"].include?(parts[0])
    @words["last"].include?(parts[-1]) || !(@words["anywhere"] & parts).empty? ||
      @words["anywhere"].include?(parts.join) || parts.each_cons(2).any? { |two| @words["pairs"].include?(two) }
  end

  # Return any JSON value without its secrets, and add their paths to a list.
  def value(value, path, redacted)
    case value
    when String
      clean = text(value)
      redacted << path if clean != value
      clean
    when Hash
      value.map do |name, item|
        item_path = "#{path}.#{name}"
        next [name, value(item, item_path, redacted)] unless key?(name) && !item.nil?
        redacted << item_path
        [name, "[redacted]"]
      end.to_h
    when Array
      value.each_with_index.map { |item, number| value(item, "#{path}.#{number}", redacted) }
    else value
    end
  end

  private

  def assignments(text)
    result = ""
    copied = position = 0
    while (match = @assignment.match(text, position))
      if key?(match["name"])
        result += text[copied...match.begin(0)] + assignment(match)
        copied = position = match.end(0)
      else # its value may be an assignment: ValueError: password=…
        position = match.begin("value")
      end
    end
    result + text[copied..-1]
  end

  def assignment(match)
    value = match["value"]
    return match[0] if !match["after"].empty? || value.include?("[redacted")
    return match[0] if @schemes.include?(value.downcase)
    prose = match["sign"].strip == ":" && match["quote"].empty? && match["name"].downcase == "token"
    return match[0] if prose && value !~ /\d/
    edge = value[/\A[\\"']+/] || ""
    "#{match["before"]}#{edge}[redacted]#{edge}"
  end

  def luhn(text)
    digits = text.scan(/\d/).map(&:to_i)
    return false unless digits.size.between?(13, 19) && digits.uniq.size > 1 && digits[0].between?(2, 6)
    sum = digits.reverse.each_with_index.map { |digit, position| position.even? ? digit : 2 * digit - (digit > 4 ? 9 : 0) }
    (sum.sum % 10).zero?
  end

  def iban(text)
    code = text.delete(" ")
    code.size.between?(15, 34) && (code[4..-1] + code[0, 4]).each_char.map { |c| c.to_i(36).to_s }.join.to_i % 97 == 1
  end

  def dni(text)
    code = text.delete("-")
    number = "XYZ".include?(code[0]) ? "XYZ".index(code[0]).to_s + code[1..-2] : code[0..-2]
    DNI_LETTERS[number.to_i % 23] == code[-1]
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
