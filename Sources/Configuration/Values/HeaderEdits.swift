/// Changes to the fields of a head, made in this order: remove, set, add.
public struct HeaderEdits: Equatable, Sendable {
  /// Field names.
  public var remove: [String] = []
  /// In place of all fields of that name. nginx: `proxy_set_header`.
  public var set: [HeaderField] = []
  /// Beside what is there. nginx: `add_header … always`.
  public var add: [HeaderField] = []

  public var isEmpty: Bool { remove.isEmpty && set.isEmpty && add.isEmpty }

  public init() {}
}

/// One `name: value`, both well-formed (RFC 9110 §5).
public struct HeaderField: Hashable, Sendable {
  public var name: String
  public var value: String

  public init(name: String, value: String) {
    self.name = name
    self.value = value
  }
}

extension HeaderEdits {
  static let declaration = Declaration(blank: HeaderEdits()) {
    Key(
      "remove", \.remove, .list(of: .fieldName, isEmptyAllowed: true),
      synonyms: ["hide", "proxy_hide_header", "delete", "unset"], "Headers that are dropped.")
    Key(
      "set", \.set, .fields, synonyms: ["proxy_set_header", "replace"],
      "Headers in place of all of that name.")
    Key("add", \.add, .fields, synonyms: ["add_header", "append"], "Headers beside what is there.")
  }
}
