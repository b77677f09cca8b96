/// Changes to the fields of a head, made in this order: remove, set, add.
public struct HeaderEdits: Equatable, Sendable {
  /// Field names.
  public var remove: [String] = []
  /// In place of all fields of that name. nginx: `proxy_set_header`.
  public var set: [HeaderEdit] = []
  /// Beside what is there. nginx: `add_header`.
  public var add: [HeaderEdit] = []

  public var isEmpty: Bool { remove.isEmpty && set.isEmpty && add.isEmpty }

  public init() {}
}

/// A field that is set or added. One that turns out empty is left out.
public struct HeaderEdit: Equatable, Sendable {
  public var name: String
  public var value: Template
  /// Of a response: with which statuses; empty is with all. nginx: `add_header` without `always`.
  public var status: [ClosedRange<Int>] = []

  public init(name: String, value: Template, status: [ClosedRange<Int>] = []) {
    self.name = name
    self.value = value
    self.status = status
  }
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
  static let requests = declaration(Codec<HeaderEdit>.always)
  static let responses = declaration(HeaderEdit.declaration.codec().either(.always))

  private static func declaration(_ edit: Codec<HeaderEdit>) -> Declaration<HeaderEdits> {
    Declaration(blank: HeaderEdits()) {
      Key(
        "remove", \.remove, .list(of: .fieldName, isEmptyAllowed: true),
        synonyms: ["hide", "proxy_hide_header", "delete", "unset"], "Headers that are dropped.")
      Key(
        "set", \.set, .edits(edit), synonyms: ["proxy_set_header", "replace"],
        "Headers in place of all of that name.")
      Key(
        "add", \.add, .edits(edit), synonyms: ["add_header", "append"],
        "Headers beside what is there.")
    }
  }
}

extension HeaderEdit {
  fileprivate static let declaration = Declaration(
    blank: HeaderEdit(name: "", value: .text(""))
  ) {
    Key("value", \.value, .template, isRequired: true, "What it says.")
    Key(
      "status", \.status, .list(of: .statuses), synonyms: ["statuses", "code"],
      "With which statuses: 200, or 200-399, or a list; without it, with all.")
  }
}

extension Codec where Value == HeaderEdit {
  /// The text alone.
  fileprivate static var always: Codec {
    Codec<Template>.template.map(
      { HeaderEdit(name: "", value: $0) }, { $0.status.isEmpty ? $0.value : nil })
  }
}

extension Codec where Value == [HeaderEdit] {
  fileprivate static func edits(_ edit: Codec<HeaderEdit>) -> Codec {
    .dictionary(
      keyNoun: "names of headers", keyPattern: HTTPText.tokenPattern, shape: edit.shape,
      checkKey: HTTPText.checkName,
      item: { name in
        edit.map(
          { value in
            var value = value
            value.name = name
            return value
          }, { $0 })
      }, name: \.name)
  }
}
