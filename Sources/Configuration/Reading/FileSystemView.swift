/// What is found under a path of the file system.
public enum PathKind: Equatable, Sendable {
  case directory, file, other, missing
  /// A symbolic link that leads to nothing, and what it says.
  case danglingLink(to: String)
  /// The file system did not answer in time.
  case silent
}

/// How a reader looks at the file system, for warnings about what is not there.
public struct FileSystemView {
  public var kind: (String) -> PathKind
  /// What is in a directory; nil when that is not known: it has too many names, cannot be read,
  /// or does not answer.
  public var names: (String) -> [String]?

  public init(
    kind: @escaping (String) -> PathKind, names: @escaping (String) -> [String]?
  ) {
    self.kind = kind
    self.names = names
  }
}
