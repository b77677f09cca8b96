/// How a changed file is noticed, beside SIGHUP.
public struct ReloadSettings: Equatable, Sendable {
  /// How often the file is looked at, and those of `${file:…}`; nil is never. A change that two
  /// looks in a row agree on is read as SIGHUP reads it.
  ///
  /// 100 ms … 1 h. Off unless told, for who edits a file in place saves it more than once, and what
  /// is half done may be valid.
  public var watch: Duration?

  public init() {}
}

extension ReloadSettings {
  static let declaration = Declaration(blank: ReloadSettings()) {
    Key(
      "watch", \.watch,
      Codec<Duration>.duration(.milliseconds(100) ... .seconds(3600)).optional.or("off", nil),
      synonyms: ["interval", "poll", "every"],
      "How often the file, and those of ${file:…}, are looked at; a change that lasts is taken.")
  }
}
