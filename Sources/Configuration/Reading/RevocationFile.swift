public import CLibraries

/// A file of lists of revoked certificates, read.
public struct RevocationFile: Sendable {
  public let path: String
  /// The file of the authorities that they should be of.
  public let authorities: String
  public let list: RevocationList

  /// - Parameters:
  ///   - path: nil where no list is named, and so there is no file.
  ///   - text: what the file of the authorities has.
  public init?(
    _ path: String?, of authorities: String, _ text: String, _ read: FileReader
  ) throws(CertificateProblem) {
    guard let path else { return nil }
    self.path = path
    self.authorities = authorities
    let lists = try TLSIdentity.text(of: path, CertificateProblem.crl, read)
    do throws(RevocationFault) {
      list = try RevocationList(lists, authorities: text)
    } catch {
      throw CertificateProblem(error, path)
    }
  }

  public func isSame(as other: RevocationFile) -> Bool {
    path == other.path && authorities == other.authorities
  }

  /// What the lists do not tell at a moment. That keeps out those whom nobody vouches for, and
  /// nobody else, so that it keeps Martlet from nothing.
  public func gaps(at now: CertificateTime) -> [CertificateProblem] {
    list.gaps(at: now).map { CertificateProblem($0, self) }
  }
}

extension CertificateProblem {
  static let crl = "crl"

  /// Whether it is about lists of revoked certificates.
  public var isOfRevoked: Bool { key == Self.crl }

  fileprivate init(_ fault: RevocationFault, _ path: String) {
    let (text, advice) =
      switch fault {
      case .noList:
        (
          "\(path) has no list of revoked certificates in PEM form",
          "it begins with -----BEGIN X509 CRL-----; openssl crl -inform DER -in \(path) makes one"
        )
      case .malformed(let number):
        ("\(path): list \(number) cannot be read", "the file may have been cut short")
      case .delta(let number):
        (
          "\(path): list \(number) has only what has changed since another one",
          "have a whole list issued: one without a delta CRL indicator"
        )
      case .notSigned(let number, let name):
        (
          "\(path): list \(number) is not signed by \(name), whose it says it is",
          "have that authority issue it again"
        )
      }
    self.init(Self.crl, text, advice)
  }

  fileprivate init(_ gap: RevocationGap, _ file: RevocationFile) {
    let path = file.path
    let (text, advice) =
      switch gap {
      case .missing(let name):
        (
          "\(path) has no list of \(name): whom it has signed is refused",
          "append its list, even if it has revoked nothing: openssl ca -gencrl"
        )
      case .expired(let name, let end):
        (
          "\(path): the list of \(name) expired on \(end): whom it has signed is refused",
          "have it issued again"
        )
      case .notYetValid(let name, let start):
        (
          "\(path): the list of \(name) is not valid before \(start): whom it has signed is refused",
          "is this machine's clock right?"
        )
      case .stranger(let name):
        (
          "\(path) has a list of \(name), who is not in \(file.authorities): it cannot be checked",
          "append that authority's certificate there, or leave the list out"
        )
      }
    self.init(Self.crl, text, advice)
  }
}
