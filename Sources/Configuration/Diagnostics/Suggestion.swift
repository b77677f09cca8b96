/// "Did you mean": what somebody may have had in mind who wrote something else.
enum Suggestion {
  /// The advice after a word that is none of `words`.
  ///
  /// - Parameter synonyms: what other proxies call these words.
  static func advice(
    for word: String, among words: [String], synonyms: [String: String] = [:]
  ) -> [String] {
    guard !words.isEmpty else { return [] }
    guard let closest = synonyms[folded(word)] ?? closest(to: word, among: words) else {
      return words.count == 1
        ? ["the only one is \(words[0])"] : ["one of " + words.joined(separator: ", ")]
    }
    let others = words.filter { $0 != closest }
    return others.isEmpty
      ? ["did you mean \(closest)?"]
      : ["did you mean \(closest)? Others: " + others.joined(separator: ", ")]
  }

  /// The word that is nearest, if any is near enough to have been meant.
  static func closest(to word: String, among words: [String]) -> String? {
    let wanted = Array(folded(word).unicodeScalars)
    // What is much longer than any word is none; and the work below stays small.
    guard !wanted.isEmpty, wanted.count <= 64 else { return nil }
    var best: (word: String, distance: Int)?
    for candidate in words {
      let given = Array(folded(candidate).unicodeScalars)
      var distance = distance(wanted, given)
      // `timeout` for `timeouts`, `round` for `round_robin`.
      if min(wanted.count, given.count) >= 3,
        given.starts(with: wanted) || wanted.starts(with: given)
      {
        distance = min(distance, 1)
      }
      guard distance <= max(1, min(wanted.count, given.count) / 3) else { continue }
      if best == nil || distance < best!.distance { best = (candidate, distance) }
    }
    return best?.word
  }

  /// Without what is written differently by habit: `maxAge`, `max-age`, `MAX_AGE`.
  static func folded(_ word: String) -> String {
    var folded = ""
    var previous: Unicode.Scalar = "_"
    for scalar in word.unicodeScalars {
      if scalar == "-" || scalar == " " {
        folded += "_"
      } else {
        let isUpper = scalar.properties.isUppercase
        if isUpper, previous.properties.isLowercase { folded += "_" }
        folded += isUpper ? scalar.properties.lowercaseMapping : String(scalar)
      }
      previous = scalar
    }
    return folded
  }

  /// How many letters must be put in, left out, replaced or swapped with their neighbour
  /// (the restricted Damerau-Levenshtein distance).
  static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...b.count)
    for i in a.indices {
      var current = [i + 1]
      for j in b.indices {
        var best = min(
          previous[j + 1] + 1, current[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
          best = min(best, beforePrevious[j - 1] + 1)
        }
        current.append(best)
      }
      beforePrevious = previous
      previous = current
    }
    return previous[b.count]
  }
}
