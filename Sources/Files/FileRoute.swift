public import CLibraries
public import HTTP

/// How a route finds files and what it says of them: a `files` action, compiled.
public struct FileRoute: Sendable {
  /// What paths are put behind.
  public enum Base: Equatable, Sendable {
    /// The whole path follows. nginx: `root`.
    case root(String)
    /// What follows the first `prefixCount` bytes of the path follows; without a slash between
    /// the two there is no such file, so that `/i..` leads nowhere. nginx: `alias`.
    case alias(String, prefixCount: Int)
  }

  /// The codings that siblings may have; each adds its own ending to the file's name.
  public static var siblings: [ContentCoding] { [.brotli, .gzip] }

  let base: [UInt8]
  let prefixCount: Int
  let candidates: [PathTemplate]
  /// The name of the placeholder, beside `{path}`, in the candidates; nil when there is none.
  public let variable: String?
  let followsSymlinks: Bool
  let precompressed: [ContentCoding]
  let cacheControl: [CacheControl]
  let mediaTypes: MediaTypes
  let compression: GzipRule?

  /// - Parameters:
  ///   - candidates: tried in order; all name the same variable, or none. nginx: `try_files`.
  ///   - followsSymlinks: also out of the base. Otherwise a symbolic link below the base is no
  ///     file; one in the base itself is followed. nginx: `disable_symlinks on from=$root`.
  ///   - precompressed: codings whose siblings (`.br`, `.gz`) are looked for, the one preferred
  ///     first; one that is named twice counts once. nginx: `gzip_static`.
  ///   - cacheControl: the first rule whose pattern the path matches gives Cache-Control.
  ///   - mediaTypes: texts are written into heads as they are.
  ///   - compression: which files are also kept compressed for those who take gzip; nil is none.
  ///     nginx: `gzip`.
  public init(
    base: Base, candidates: [PathTemplate] = [.path], followsSymlinks: Bool = true,
    precompressed: [ContentCoding] = [], cacheControl: [CacheControl] = [],
    mediaTypes: MediaTypes = MediaTypes(), compression: GzipRule? = nil
  ) {
    switch base {
    case .root(let path):
      self.base = FileRoute.withoutSlash(path)
      prefixCount = 0
    case .alias(let path, let count):
      self.base = FileRoute.withoutSlash(path)
      prefixCount = count
    }
    self.candidates = candidates
    let variables = Set(candidates.compactMap(\.variable))
    precondition(variables.count <= 1, "a route has one value for its candidates")
    variable = variables.first
    self.followsSymlinks = followsSymlinks
    self.precompressed = precompressed.reduce(into: []) { kept, coding in
      if FileRoute.siblings.contains(coding), !kept.contains(coding) { kept.append(coding) }
    }
    self.cacheControl = cacheControl
    self.mediaTypes = mediaTypes
    self.compression = compression
  }

  /// The most bytes that a media type and a Cache-Control of this route have together.
  var longestFields: Int {
    cacheControl.reduce(0) { max($0, $1.value.utf8.count) } + mediaTypes.longest
  }

  private static func withoutSlash(_ path: String) -> [UInt8] {
    var bytes = Array(path.utf8)
    while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    return bytes
  }
}

/// Cache-Control for the files whose path a pattern matches.
public struct CacheControl: Sendable {
  /// Looked for anywhere in the normalised path; nil matches every path.
  public let pattern: Pattern?
  /// Written into heads as it is.
  public let value: String

  public init(pattern: Pattern?, value: String) {
    self.pattern = pattern
    self.value = value
  }
}
