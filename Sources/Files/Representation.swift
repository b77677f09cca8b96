import HTTP

/// What is sent for a path (RFC 9110 §3.2): its file, or something that stands for it.
enum Representation: UInt8, CaseIterable, Sendable {
  case file
  /// Siblings on the disk.
  case gzipSibling
  case brotliSibling
  /// The file's content, compressed here.
  case compressed

  /// The sibling of a coding; the file itself for none.
  init(sibling coding: ContentCoding) {
    switch coding {
    case .identity: self = .file
    case .gzip: self = .gzipSibling
    case .brotli: self = .brotliSibling
    }
  }

  var coding: ContentCoding {
    switch self {
    case .file: .identity
    case .gzipSibling, .compressed: .gzip
    case .brotliSibling: .brotli
    }
  }
}
