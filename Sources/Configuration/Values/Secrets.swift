/// Texts that came out of `${file:…}`, each with the expression that gave it.
///
/// No part of what a configuration means: all are equal.
struct Secrets: Equatable, Sendable {
  private(set) var expressions: [String: String] = [:]

  /// The first expression that gives a text stands for it.
  mutating func add(_ text: String, from expression: String) {
    if expressions[text] == nil { expressions[text] = expression }
  }

  static func == (_: Secrets, _: Secrets) -> Bool { true }
}
