import CLibraries
import Configuration
import Network

extension PoolTLS {
  /// Whom the certificate of a server has to be for.
  func peer(of endpoint: Endpoint) -> TLSPeer {
    if let serverName { return TLSPeer(serverName) }
    switch endpoint.host {
    case .name(let name): return TLSPeer(name)
    case .address(let address): return TLSPeer(address.description)
    case .any: return TLSPeer("localhost")
    }
  }
}

/// What TLS with the servers of each pool is made with. A reload that changes nothing about it
/// goes on with the same, so that sessions are resumed and checks know their servers again.
struct PoolContexts: Sendable {
  private struct Entry: Sendable {
    /// What it was made from, contents of files included.
    let texts: [String?]
    let client: TLSListeners.Shown?
    let context: TLSContext
  }

  private var entries: [Entry] = []
  /// By pool; nil where servers speak plain HTTP.
  let contexts: [TLSContext?]

  init(_ pools: [PoolSettings], after old: PoolContexts?) throws(CertificateProblem) {
    var entries: [Entry] = []
    var contexts: [TLSContext?] = []
    for pool in pools {
      guard let tls = pool.tls else {
        contexts.append(nil)
        continue
      }
      let entry = try Self.entry(tls, known: entries + (old?.entries ?? []))
      entries.append(entry)
      contexts.append(entry.context)
    }
    self.entries = entries
    self.contexts = contexts
  }

  /// Our own certificates in use that are good no more.
  func expired(at now: CertificateTime) -> Set<CertificateFiles> {
    Set(entries.compactMap(\.client).filter { now >= $0.identity.validUntil }.map(\.files))
  }

  private static func entry(
    _ tls: PoolTLS, known: [Entry]
  ) throws(CertificateProblem) -> Entry {
    let authorities = try tls.authorities.map { path throws(CertificateProblem) in
      try TLSIdentity.readAuthorities(path, CertificateReader.read)
    }
    let revoked = try tls.authorities.flatMap { path throws(CertificateProblem) in
      try RevocationFile(tls.revoked, of: path, authorities ?? "", CertificateReader.read)?.list
    }
    let client = try tls.client.map { files throws(CertificateProblem) in
      TLSListeners.Shown(
        files: files, identity: try TLSIdentity.load(files, CertificateReader.read))
    }
    // Written out, a chain is the same exactly if it is the same.
    let texts: [String?] = [
      "\(tls.verifies)", tls.protocols.joined(separator: " "), authorities,
      revoked.map { "\($0.digest)" },
      try tls.client.map { files throws(CertificateProblem) in
        try TLSIdentity.text(of: files.certificate, "certificate", CertificateReader.read)
      },
    ]
    if let same = known.first(where: { $0.texts == texts }) { return same }
    do throws(CertificateFault) {
      let context = try TLSContext(
        trusting: authorities, verifies: tls.verifies, revoked: revoked,
        identity: client?.identity, protocols: tls.protocols)
      return Entry(texts: texts, client: client, context: context)
    } catch {
      throw CertificateProblem(authorities: tls.authorities ?? "the system's authorities", error)
    }
  }
}
