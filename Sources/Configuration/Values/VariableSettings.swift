/// A variable of the configuration's own, under a name that templates use in braces.
///
/// nginx: `map`.
public struct VariableSettings: Equatable, Sendable {
  /// One row of a map.
  public struct Row: Equatable, Sendable {
    /// Compared without regard to case.
    public var key: String
    public var value: Template

    public init(key: String, value: Template) {
      self.key = key
      self.value = value
    }
  }

  public var name: String
  /// What is looked for among the keys of `map`; nil where there is no map.
  public var subject: Template?
  public var map: [Row] = []
  /// Without a map, or when no key of it is the subject.
  public var standard = Template.text("")

  public init(name: String, standard: Template = .text("")) {
    self.name = name
    self.standard = standard
  }
}

extension VariableSettings {
  static let declaration = Declaration(blank: VariableSettings(name: "")) {
    Key(
      "of", \.subject, Codec<Template>.template.optional, synonyms: ["source", "from", "key"],
      "What is looked for among the keys of map.")
    Key(
      "map", \.map, .rows, synonyms: ["cases", "values", "when"],
      "Values by what of says, compared without regard to case.")
    Key(
      "default", \.standard, .template, synonyms: ["else", "otherwise", "value"],
      "What it is when no key of map is the one; without a map, what it is.")
  }
}

extension Codec where Value == [VariableSettings] {
  /// By name; a text alone is the default.
  static var variables: Codec {
    let codec = VariableSettings.declaration.codec().either(
      Codec<Template>.template.map(
        { VariableSettings(name: "", standard: $0) }, { $0.subject == nil ? $0.standard : nil }))
    return .dictionary(
      keyNoun: "names of variables", keyPattern: "^[a-z][a-z0-9_]*$", shape: codec.shape,
      checkKey: { name throws(Complaint) in
        let isName = name.unicodeScalars.allSatisfy {
          ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "_"
        }
        guard isName, let first = name.unicodeScalars.first, ("a"..."z").contains(first) else {
          throw Complaint(
            "is not the name of a variable", ["names are lower-case letters, digits and _"])
        }
        guard !Variable.known.contains(where: { $0.text == name }), name != "path" else {
          throw Complaint("is a variable already", ["give it another name"])
        }
      },
      item: { name in
        codec.map(
          { settings in
            var settings = settings
            settings.name = name
            return settings
          }, { $0 })
      }, name: \.name)
  }
}

extension Codec where Value == [VariableSettings.Row] {
  fileprivate static var rows: Codec {
    .dictionary(
      keyNoun: "values", shape: Codec<Template>.template.shape,
      checkKey: { _ throws(Complaint) in },
      item: { key in
        Codec<Template>.template.map({ VariableSettings.Row(key: key, value: $0) }, { $0.value })
      }, name: \.key)
  }
}
