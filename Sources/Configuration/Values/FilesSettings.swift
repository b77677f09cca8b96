/// Static files from disk.
public struct FilesSettings: Equatable, Sendable {
  /// Where paths lead.
  public enum Base: Equatable, Sendable {
    /// The whole path is appended. nginx: `root`.
    case root(String)
    /// What follows the route's prefix is appended. nginx: `alias`.
    case alias(String)
  }

  /// What precompressed siblings are looked for.
  public enum Encoding: String, CaseIterable, Equatable, Sendable {
    /// `.br`
    case br
    /// `.gz`
    case gzip
  }

  public var base: Base

  /// What is looked for, first come first served; `{path}` is the normalised path and `{host}`
  /// the request's host. nginx: `try_files`.
  public var candidates = ["{path}"]

  /// The route that answers when there is no such file; nil answers 404.
  ///
  /// nginx: `try_files … @name`.
  public var fallback: String?

  /// Symbolic links are followed, out of the root, too. nginx: `disable_symlinks`.
  public var followsSymlinks = true

  /// In the order of preference; empty is none. nginx: `gzip_static`.
  public var precompressed: [Encoding] = []

  /// The first whose pattern the path matches gives Cache-Control.
  public var cacheControl: [CacheControlRule] = []

  /// Media types by file name extension (without dot, lower case), before the built-in ones.
  ///
  /// nginx: `types`.
  public var mediaTypes: [String: String] = [:]

  public init(_ base: Base) {
    self.base = base
  }
}

/// Cache-Control for files whose path matches a pattern.
public struct CacheControlRule: Equatable, Sendable {
  /// PCRE over the normalised path; nil is every path.
  public var pattern: String?
  public var value: String

  public init(pattern: String?, value: String) {
    self.pattern = pattern
    self.value = value
  }
}
