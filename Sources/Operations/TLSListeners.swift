import CLibraries
import Configuration
import Proxy
import Reactor

/// How files of certificates and keys are read here.
enum CertificateReader {
  /// A chain with some roots in it is 20 KiB; a list of revoked certificates has some 50 bytes for
  /// each of them.
  static let bytesLimit = 16 << 20

  static func read(_ path: String) -> Result<[UInt8], ReadFailure> {
    do throws(SystemError) {
      guard let bytes = try TextFile.readRegular(path, limit: bytesLimit) else {
        return .failure(ReadFailure("it is no regular file"))
      }
      return .success(bytes)
    } catch {
      return .failure(ReadFailure(error.reason.lowercased()))
    }
  }

  static var now: CertificateTime {
    CertificateTime(seconds: Int64(Clock.read().wall / 1_000_000_000))
  }
}

/// Keys of session tickets that processes share by a file, if there is one.
struct TicketFile: Sendable {
  /// None without a file.
  let keys: [[UInt8]]
  /// The file, as it was just before it was read.
  let sights: FileSights

  init(
    _ settings: TLSSettings, _ status: (String) -> FileStatus?
  ) throws(CertificateProblem) {
    sights = settings.ticketKeys.map { [FileSight($0, status($0))] } ?? []
    keys =
      try settings.ticketKeys.map { path throws(CertificateProblem) in
        try TicketKeys.load(path, CertificateReader.read)
      } ?? []
  }
}

/// What listeners show to clients that speak TLS: made by the control thread, and given to the
/// workers.
struct TLSListeners: Sendable {
  /// A certificate in use.
  struct Shown: Sendable {
    let files: CertificateFiles
    let identity: TLSIdentity
    /// What its issuer says of it, if that is shown, too.
    var staple: OCSPStaple?
  }

  /// What it is made for.
  let listens: [Listen]
  /// By entry of `listens`.
  let contexts: [TLSContext?]
  /// Each once.
  private(set) var certificates: [Shown]
  /// What is wrong with responses of OCSP: they are not stapled.
  let unstapled: [CertificateProblem]
  /// Lists of revoked certificates of clients.
  let revoked: [RevocationFile]
  /// What is known to be missed in them, and was said.
  private(set) var gaps: [CertificateProblem]
  /// Their files, as they were just before they were read.
  let sights: FileSights

  /// Reads all certificates and makes them ready.
  ///
  /// - Parameters:
  ///   - old: what was shown until now. A certificate that has expired meanwhile may be read again:
  ///     it is no reason to refuse another one.
  ///   - status: what a path leads to just now.
  init(
    _ listens: [Listen], _ tickets: TicketKeys, after old: TLSListeners? = nil,
    _ status: (String) -> FileStatus?
  ) throws(CertificateProblem) {
    let now = CertificateReader.now
    let expired = old?.expired(at: now) ?? []
    var sights: FileSights = []
    var known: [CertificateFiles: TLSIdentity] = [:]
    var shown: [Shown] = []
    var unstapled: [CertificateProblem] = []
    var revoked: [RevocationFile] = []
    var contexts: [TLSContext?] = []
    for listen in listens {
      guard let tls = listen.tls else {
        contexts.append(nil)
        continue
      }
      var identities: [TLSIdentity] = []
      for files in tls.certificates {
        let identity: TLSIdentity
        if let read = known[files] {
          identity = read
        } else {
          for path in [files.certificate, files.key, files.staple].compactMap(\.self) {
            sights.append(FileSight(path, status(path)))
          }
          identity = try TLSIdentity.load(files, CertificateReader.read)
          if !expired.contains(files) { try identity.check(files, at: now) }
          let staple = Self.staple(to: identity, files, &unstapled)
          shown.append(Shown(files: files, identity: identity, staple: staple))
          known[files] = identity
        }
        identities.append(identity)
      }
      var clients: TLSClients?
      if let settings = tls.clients {
        for path in [settings.authorities, settings.revoked].compactMap(\.self) {
          sights.append(FileSight(path, status(path)))
        }
        let authorities = try TLSIdentity.readAuthorities(
          settings.authorities, CertificateReader.read)
        let file = try RevocationFile(
          settings.revoked, of: settings.authorities, authorities, CertificateReader.read)
        if let file, !revoked.contains(where: { $0.isSame(as: file) }) { revoked.append(file) }
        clients = TLSClients(
          authorities: authorities, isRequired: settings.isRequired, revoked: file?.list)
      }
      contexts.append(try Self.context(tls, identities, clients, tickets))
    }
    self.listens = listens
    self.contexts = contexts
    certificates = shown
    self.unstapled = unstapled
    self.revoked = revoked
    gaps = Self.gaps(of: revoked, at: now)
    self.sights = sights
  }

  /// Shows what its issuer says of a certificate; what is wrong with it keeps nobody out.
  private static func staple(
    to identity: TLSIdentity, _ files: CertificateFiles, _ problems: inout [CertificateProblem]
  ) -> OCSPStaple? {
    do throws(CertificateProblem) {
      let staple = try identity.loadStaple(
        files, CertificateReader.read, at: CertificateReader.now)
      if let staple { identity.attach(staple) }
      return staple
    } catch {
      problems.append(error)
      return nil
    }
  }

  private static func context(
    _ tls: ListenTLS, _ identities: [TLSIdentity], _ clients: TLSClients?,
    _ tickets: TicketKeys
  ) throws(CertificateProblem) -> TLSContext {
    do throws(CertificateFault) {
      return try TLSContext(
        identities: identities, least: tls.least, ciphers: tls.ciphers, curves: tls.curves,
        clients: clients, tickets: tickets)
    } catch {
      throw CertificateProblem(error, tls.certificates[0])
    }
  }

  /// Those in use that are good no more.
  func expired(at now: CertificateTime) -> Set<CertificateFiles> {
    Set(certificates.filter { now >= $0.identity.validUntil }.map(\.files))
  }

  /// Forgets responses of OCSP that have expired, as handshakes do by themselves.
  mutating func dropExpired(at now: CertificateTime) -> [CertificateProblem] {
    var expired: [CertificateProblem] = []
    for i in certificates.indices {
      let files = certificates[i].files
      guard let path = files.staple, let end = certificates[i].staple?.validUntil, now >= end
      else { continue }
      certificates[i].staple = nil
      expired.append(CertificateProblem(.expired(end), path, files))
    }
    return expired
  }

  /// What lists of revoked certificates have come to miss since they were last looked at.
  mutating func newGaps(at now: CertificateTime) -> [CertificateProblem] {
    guard !revoked.isEmpty else { return [] }
    let old = gaps
    gaps = Self.gaps(of: revoked, at: now)
    return gaps.filter { !old.contains($0) }
  }

  /// Each once, though several addresses may have the same files.
  private static func gaps(
    of files: [RevocationFile], at now: CertificateTime
  ) -> [CertificateProblem] {
    var gaps: [CertificateProblem] = []
    for gap in files.flatMap({ $0.gaps(at: now) }) where !gaps.contains(gap) { gaps.append(gap) }
    return gaps
  }

  /// For each of a worker's sockets.
  ///
  /// - Parameter places: of which entry of `listen` each is.
  func contexts(of places: [Int]) -> [TLSContext?] { places.map { contexts[$0] } }
}
