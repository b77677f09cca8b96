extension Codec where Value == Bool {
  static var boolean: Codec {
    Codec(
      .boolean,
      parse: { text throws(Complaint) in
        switch text {
        case "true": return true
        case "false": return false
        default:
          let isYes = ["yes", "on", "1", "y", "True", "TRUE"].contains(text)
          let isNo = ["no", "off", "0", "n", "False", "FALSE"].contains(text)
          throw Complaint(
            "is neither true nor false",
            isYes ? ["did you mean true?"] : isNo ? ["did you mean false?"] : [])
        }
      }, write: { .boolean($0) })
  }
}

extension Codec where Value == Int {
  static func integer(_ range: ClosedRange<Int>) -> Codec {
    Codec(
      .integer(range),
      parse: { text throws(Complaint) in
        let isNumber = !text.isEmpty && text.allSatisfy { ("0"..."9").contains($0) || $0 == "-" }
        guard isNumber else { throw Complaint("is not a number", ["write \(Shape.text(range))"]) }
        guard let number = Int(text), range.contains(number) else {
          throw Complaint("is out of range", ["write \(Shape.text(range))"])
        }
        return number
      }, write: { .integer($0) })
  }

  /// In bytes.
  static func size(_ range: ClosedRange<Int>) -> Codec {
    Codec(
      .size(range),
      parse: { text throws(Complaint) in
        let bytes = try ByteCount.parse(text)
        guard range.contains(bytes) else {
          throw Complaint(
            bytes < range.lowerBound ? "is too small" : "is too large",
            ["write \(Shape.sizes(range))"])
        }
        return bytes
      }, write: { .string(ByteCount.text($0)) })
  }

  static func percent(_ range: ClosedRange<Int>) -> Codec {
    Codec(
      .percent(range),
      parse: { text throws(Complaint) in
        let digits = text.hasSuffix("%") ? text.dropLast() : text[...]
        let isNumber = !digits.isEmpty && digits.allSatisfy { ("0"..."9").contains($0) }
        guard isNumber else {
          throw Complaint("is not a percentage", Shape.percent(range).advice)
        }
        guard text.hasSuffix("%") else {
          throw Complaint("has no percent sign", ["did you mean \(text)%?"])
        }
        guard let number = Int(digits), range.contains(number) else {
          throw Complaint("is out of range", Shape.percent(range).advice)
        }
        return number
      }, write: { .string("\($0)%") })
  }
}

extension Codec where Value == Duration {
  static func duration(_ range: ClosedRange<Duration>) -> Codec {
    Codec(
      .duration(range),
      parse: { text throws(Complaint) in
        let duration = try TimeSpan.parse(text)
        guard range.contains(duration) else {
          throw Complaint(
            duration < range.lowerBound ? "is too short" : "is too long",
            ["write \(Shape.durations(range))"])
        }
        return duration
      }, write: { .string(TimeSpan.text($0)) })
  }
}

extension Codec where Value: Equatable {
  /// One of a few words, each with its value.
  ///
  /// - Parameters:
  ///   - noun: with its article: `a strategy`.
  ///   - others: keys that a mapping in their place may have, to be named with them.
  ///   - synonyms: what other proxies call them, folded (`Suggestion.folded`).
  static func words(
    _ noun: String, _ words: KeyValuePairs<String, Value>, others: [String] = [],
    synonyms: [String: String] = [:]
  ) -> Codec {
    let names = words.map(\.key)
    return Codec(
      .words(names),
      parse: { text throws(Complaint) in
        guard let match = words.first(where: { $0.key == text }) else {
          throw Complaint(
            "is not \(noun)",
            Suggestion.advice(for: text, among: names + others, synonyms: synonyms))
        }
        return match.value
      },
      write: { value in words.first { $0.value == value }.map { .string($0.key) } })
  }
}

extension Codec
where Value: Equatable & CaseIterable & RawRepresentable, Value.RawValue == String {
  /// One of a few words that are the values' own.
  static func words(_ noun: String, synonyms: [String: String] = [:]) -> Codec {
    let names = Value.allCases.map(\.rawValue)
    return Codec(
      .words(names),
      parse: { text throws(Complaint) in
        guard let value = Value(rawValue: text) else {
          throw Complaint(
            "is not \(noun)", Suggestion.advice(for: text, among: names, synonyms: synonyms))
        }
        return value
      }, write: { .string($0.rawValue) })
  }
}

extension Codec where Value == String {
  /// - Parameters:
  ///   - noun: with its article: `a path`.
  ///   - pattern: what the schema says of it; `check` decides.
  static func text(
    _ noun: String, pattern: String? = nil, examples: [String] = [],
    check: @escaping @Sendable (String) throws(Complaint) -> Void = { _ in }
  ) -> Codec {
    Codec(
      .text(noun: noun, pattern: pattern, examples: examples),
      parse: { text throws(Complaint) in
        try check(text)
        return text
      }, write: { .string($0) })
  }
}
