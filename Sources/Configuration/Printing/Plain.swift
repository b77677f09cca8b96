/// A value as it is written to a file, YAML or JSON.
indirect enum Plain: Equatable, Sendable {
  case boolean(Bool)
  case integer(Int)
  case string(String)
  case list([Plain])
  case map([Entry])

  struct Entry: Equatable, Sendable {
    let key: String
    let value: Plain
  }

  static func map(_ entries: KeyValuePairs<String, Plain>) -> Plain {
    .map(entries.map { Entry(key: $0.key, value: $0.value) })
  }

  /// With every string that is a value, not a key, changed.
  func mapStrings(_ change: (String) -> String) -> Plain {
    switch self {
    case .boolean, .integer: self
    case .string(let text): .string(change(text))
    case .list(let items): .list(items.map { $0.mapStrings(change) })
    case .map(let entries):
      .map(entries.map { Entry(key: $0.key, value: $0.value.mapStrings(change)) })
    }
  }

  var isScalar: Bool {
    switch self {
    case .boolean, .integer, .string: true
    case .list, .map: false
    }
  }
}
