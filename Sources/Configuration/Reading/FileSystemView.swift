public import CLibraries

/// What is found under a path of the file system.
public enum PathKind: Equatable, Sendable {
  case directory, file, other, missing
  /// A symbolic link that leads to nothing, and what it says.
  case danglingLink(to: String)
  /// The file system did not answer in time.
  case silent
}

/// Reads the file of a path: certificates, keys and what belongs to them.
public typealias FileReader = (String) -> Result<[UInt8], ReadFailure>

/// How a reader looks at the file system, for warnings about what is not there, and at the
/// certificates that are to be shown.
public struct FileSystemView {
  public var kind: (String) -> PathKind
  /// What is in a directory; nil when that is not known: it has too many names, cannot be read,
  /// or does not answer.
  public var names: (String) -> [String]?
  /// The content of a file of certificates or keys; nil asks for none.
  public var readCertificate: FileReader?
  /// When it is looked: what certificates are valid at.
  public var now: CertificateTime
  /// Certificates in use that have expired: they may be read again.
  public var expired: Set<CertificateFiles>

  public init(
    kind: @escaping (String) -> PathKind, names: @escaping (String) -> [String]?,
    readCertificate: FileReader? = nil,
    now: CertificateTime = CertificateTime(seconds: 0), expired: Set<CertificateFiles> = []
  ) {
    self.kind = kind
    self.names = names
    self.readCertificate = readCertificate
    self.now = now
    self.expired = expired
  }
}
