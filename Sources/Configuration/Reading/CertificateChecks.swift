public import CLibraries

/// What is wrong with the certificates that clients are to be shown, at the line that names them.
enum CertificateChecks {
  static func run(
    on configuration: Configuration, _ view: FileSystemView, _ reading: inout Reading
  ) {
    guard let read = view.readCertificate else { return }
    for pool in configuration.pools {
      guard let tls = pool.tls else { continue }
      do throws(CertificateProblem) {
        let gaps = try tls.check(read, view)
        for gap in gaps {
          reading.report(
            .warning, at: ["pools", pool.name, "tls", gap.key], gap.text, gap.advice)
        }
      } catch {
        let isOurs = ["certificate", "key"].contains(error.key)
        let place = ["pools", pool.name, "tls"] + (isOurs ? ["client_certificate"] : [])
        reading.report(at: place + [error.key], error.text, error.advice)
      }
    }
    if let path = configuration.tls.ticketKeys {
      do throws(CertificateProblem) {
        _ = try TicketKeys.load(path, read)
      } catch {
        reading.report(at: ["tls", error.key], error.text, error.advice)
      }
    }
    for (i, listen) in configuration.listen.enumerated() {
      guard let tls = listen.tls else { continue }
      let place = ["listen", String(i), "tls"]
      if let clients = tls.clients {
        let place = place + ["clients"]
        do throws(CertificateProblem) {
          for gap in try clients.check(read, at: view.now) {
            reading.report(.warning, at: place + [gap.key], gap.text, gap.advice)
          }
        } catch {
          reading.report(at: place + [error.key], error.text, error.advice)
        }
      }
      for (j, files) in tls.certificates.enumerated() {
        let place = j == 0 ? place : place + ["certificates", String(j - 1)]
        do throws(CertificateProblem) {
          let identity = try TLSIdentity.load(files, read)
          if !view.expired.contains(files) { try identity.check(files, at: view.now) }
          check(stapleTo: identity, files, read, at: view.now, place, &reading)
        } catch {
          reading.report(at: place + [error.key], error.text, error.advice)
        }
      }
    }
  }

  /// A warning: hands are shaken without it.
  private static func check(
    stapleTo identity: TLSIdentity, _ files: CertificateFiles, _ read: FileReader,
    at now: CertificateTime, _ place: [String], _ reading: inout Reading
  ) {
    do throws(CertificateProblem) {
      _ = try identity.loadStaple(files, read, at: now)
    } catch {
      reading.report(
        .warning, at: place + [error.key], "\(error); it is not stapled", error.advice)
    }
  }
}

/// Why a certificate cannot be shown, in words.
public struct CertificateProblem: Error, Equatable, Sendable, CustomStringConvertible {
  /// Which file it is about: `certificate`, `key`, …
  public let key: String
  public let text: String
  public let advice: [String]

  public var description: String { text }

  public init(_ fault: CertificateFault, _ files: CertificateFiles) {
    let (certificate, key) = (files.certificate, files.key)
    switch fault {
    case .noCertificate:
      self.init(
        "certificate", "\(certificate) has no certificate in PEM form",
        "it begins with -----BEGIN CERTIFICATE-----")
    case .malformedCertificate(let number):
      self.init(
        "certificate", "\(certificate): certificate \(number) cannot be read",
        "the file may have been cut short")
    case .noKey:
      self.init(
        "key", "\(key) has no private key in PEM form", "it begins with -----BEGIN PRIVATE KEY-----"
      )
    case .encryptedKey:
      self.init(
        "key", "\(key) is encrypted, and nobody is there to enter its password",
        "decrypt it: openssl pkey -in \(key) -out decrypted.pem")
    case .keyMismatch:
      self.init(
        "key", "\(key) is not the key of \(certificate)", "name the key that was made with it")
    case .wrongFirst(let number):
      self.init(
        "certificate",
        "\(certificate): the certificate of the key is number \(number), and must be the first",
        "after it come those that have signed it, each after the one that it signed")
    case .wrongOrder(let number):
      self.init(
        "certificate",
        "\(certificate): certificate \(number) has not signed number \(number - 1)",
        "each certificate comes after the one that it signed; remove what is not of the chain")
    case .expired(let end):
      self.init(
        "certificate", "\(certificate) expired on \(end)", "have it renewed")
    case .notYetValid(let start):
      self.init(
        "certificate", "\(certificate) is not valid before \(start)",
        "is this machine's clock right?")
    case .refused(let reason):
      self.init("certificate", "\(certificate) is refused: \(reason)", "")
    }
  }

  public init(authorities path: String, _ fault: CertificateFault) {
    switch fault {
    case .noCertificate:
      self.init(
        "ca", "\(path) has no certificate in PEM form",
        "it begins with -----BEGIN CERTIFICATE-----")
    case .malformedCertificate(let number):
      self.init("ca", "\(path): certificate \(number) cannot be read", "")
    default: self.init("ca", "\(path) is refused", "")
    }
  }

  /// - Parameter path: of the response.
  public init(_ fault: StapleFault, _ path: String, _ files: CertificateFiles) {
    let certificate = files.certificate
    let (text, advice) =
      switch fault {
      case .malformed:
        ("\(path) is no OCSP response in DER form", "openssl ocsp -respout \(path) writes one")
      case .noAnswer(let reason):
        ("\(path) has no answer: the responder said \(reason)", "ask again")
      case .noIssuer:
        (
          "\(path) cannot be checked: \(certificate) has no chain",
          "append the certificate that has signed it"
        )
      case .otherCertificate:
        ("\(path) is not about \(certificate)", "has the certificate been renewed since?")
      case .notSigned:
        ("\(path) is not signed by who has issued \(certificate)", "")
      case .revoked:
        ("\(path) says that \(certificate) was revoked", "have another one issued")
      case .unknown:
        ("\(path) says that \(certificate) is not known", "")
      case .endless:
        (
          "\(path) does not say until when it is good",
          "the responder has to: openssl ocsp -ndays 7"
        )
      case .expired(let end): ("\(path) expired on \(end)", "have it renewed")
      case .notYetValid(let start):
        ("\(path) is not valid before \(start)", "is this machine's clock right?")
      }
    self.init("ocsp", text, advice)
  }

  /// - Parameter path: of the file of ticket keys.
  init(_ fault: TicketKeysFault, _ path: String) {
    let advice = "openssl rand \(TicketKeys.keyBytes) makes one; others may stand behind it"
    switch fault {
    case .wrongSize(let count):
      let text = "\(path) has \(count) bytes, and each key has \(TicketKeys.keyBytes)"
      self.init("ticket_keys", text, advice)
    case .tooMany(let count):
      self.init("ticket_keys", "\(path) has \(count) keys, and \(TicketKeys.limit) may be", "")
    }
  }

  init(unreadable path: String, key: String, _ failure: ReadFailure) {
    self.init(key, "\(path) cannot be read: \(failure.reason)", "")
  }

  init(_ key: String, _ text: String, _ advice: String) {
    self.key = key
    self.text = text
    self.advice = advice.isEmpty ? [] : [advice]
  }
}

extension PoolTLS {
  /// - Returns: what lists of revoked certificates leave open.
  fileprivate func check(
    _ read: FileReader, _ view: FileSystemView
  ) throws(CertificateProblem) -> [CertificateProblem] {
    var gaps: [CertificateProblem] = []
    if let authorities {
      let text = try TLSIdentity.readAuthorities(authorities, read)
      gaps = try RevocationFile(revoked, of: authorities, text, read)?.gaps(at: view.now) ?? []
    }
    guard let client else { return gaps }
    let identity = try TLSIdentity.load(client, read)
    if !view.expired.contains(client) { try identity.check(client, at: view.now) }
    return gaps
  }
}

extension ClientCertificates {
  /// - Returns: what lists of revoked certificates leave open.
  fileprivate func check(
    _ read: FileReader, at now: CertificateTime
  ) throws(CertificateProblem) -> [CertificateProblem] {
    let text = try TLSIdentity.readAuthorities(authorities, read)
    return try RevocationFile(revoked, of: authorities, text, read)?.gaps(at: now) ?? []
  }
}

extension TLSIdentity {
  /// Reads a certificate with its key.
  public static func load(
    _ files: CertificateFiles, _ read: FileReader
  ) throws(CertificateProblem) -> TLSIdentity {
    let certificate = try text(of: files.certificate, "certificate", read)
    let key = try text(of: files.key, "key", read)
    do throws(CertificateFault) {
      return try TLSIdentity(certificate: certificate, key: key)
    } catch {
      throw CertificateProblem(error, files)
    }
  }

  /// Reads a file of authorities; answers its text.
  public static func readAuthorities(
    _ path: String, _ read: FileReader
  ) throws(CertificateProblem) -> String {
    let text = try text(of: path, "ca", read)
    do throws(CertificateFault) {
      try check(authorities: text)
    } catch {
      throw CertificateProblem(authorities: path, error)
    }
    return text
  }

  /// Whether it is good at a moment, in words if not.
  public func check(
    _ files: CertificateFiles, at now: CertificateTime
  ) throws(CertificateProblem) {
    do throws(CertificateFault) {
      try check(at: now)
    } catch {
      throw CertificateProblem(error, files)
    }
  }

  /// What its issuer says of it, if a file of that is named.
  public func loadStaple(
    _ files: CertificateFiles, _ read: FileReader, at now: CertificateTime
  ) throws(CertificateProblem) -> OCSPStaple? {
    guard let path = files.staple else { return nil }
    let response = try Self.bytes(of: path, "ocsp", read)
    do throws(StapleFault) {
      let staple = try OCSPStaple(response, for: self)
      try staple.check(at: now)
      return staple
    } catch {
      throw CertificateProblem(error, path, files)
    }
  }

  public static func text(
    of path: String, _ key: String, _ read: FileReader
  ) throws(CertificateProblem) -> String {
    String(decoding: try bytes(of: path, key, read), as: UTF8.self)
  }

  fileprivate static func bytes(
    of path: String, _ key: String, _ read: FileReader
  ) throws(CertificateProblem) -> [UInt8] {
    switch read(path) {
    case .success(let bytes): return bytes
    case .failure(let failure):
      throw CertificateProblem(unreadable: path, key: key, failure)
    }
  }
}

extension TicketKeys {
  /// Reads a file of keys.
  public static func load(
    _ path: String, _ read: FileReader
  ) throws(CertificateProblem) -> [[UInt8]] {
    let bytes = try TLSIdentity.bytes(of: path, "ticket_keys", read)
    do throws(TicketKeysFault) {
      return try self.read(bytes)
    } catch {
      throw CertificateProblem(error, path)
    }
  }
}
