import CLibraries
import Configuration
import Proxy
import Reactor

/// What another thread has found in the files of certificates and of ticket keys.
public struct CertificateLook: Sendable {
  let sights: FileSights
  /// What the certificates hold, or why that is of no use; nil where it is not time to read them.
  var content: Result<TLSListeners, CertificateProblem>?
  /// The same of the ticket keys.
  var ticketFile: Result<TicketFile, CertificateProblem>?
}

/// What a configuration has of certificates, keys and authorities, all read.
struct CertificateContents: Sendable {
  let shown: TLSListeners
  let ticketFile: TicketFile
  let poolContexts: PoolContexts

  /// The share that they are on keeps silent.
  struct Unanswered: Error, CustomStringConvertible {
    let description = "files of certificates did not answer in time"
  }
}

// Certificates, which change on disk and grow old.
extension Supervisor {
  private static let day: UInt64 = 86_400_000_000_000

  /// When the files of certificates are to be looked at; nil for never.
  var nextCertificateLook: Instant? {
    configuration.tls.watch == nil || certificateWatch.known.isEmpty || !shutdown.isRunning
      ? nil : certificateWatch.nextLook
  }

  /// Those in use that are good no more.
  var expiredCertificates: Set<CertificateFiles> {
    let now = CertificateReader.now
    return tls.expired(at: now).union(poolContexts.expired(at: now))
  }

  /// What is due of all that. Files are looked at and read by another thread, for a share may
  /// keep it waiting.
  func tendCertificates() {
    let now = control.clock.now
    if now >= nextTicketKey {
      if ticketFile.keys.isEmpty { tickets.rotate() }
      nextTicketKey = now + configuration.tls.ticketRotation.nanoseconds
    }
    if now >= nextExpiryCheck {
      nextExpiryCheck = now + Self.day
      warnOfExpiry()
    }
    for problem in tls.dropExpired(at: CertificateReader.now) {
      logger.error("\(problem); it is not stapled any more")
    }
    for problem in tls.newGaps(at: CertificateReader.now) { logger.error("\(problem)") }
    guard let interval = configuration.tls.watch, let due = nextCertificateLook, now >= due else {
      return
    }
    certificateWatch.looks(now: now, interval: interval)
    let (watch, tls, tickets, settings) = (certificateWatch, tls, tickets, configuration.tls)
    let status = setting.source.status
    let mailbox = setting.mailbox
    _ = certificateLookup.begin(
      {
        var watch = watch
        var look = CertificateLook(sights: watch.known.map { FileSight($0.path, status($0.path)) })
        var changed = watch.see(look.sights)
        if settings.removeTicketKeys(from: &changed) {
          look.ticketFile = Result { () throws(CertificateProblem) in
            try TicketFile(settings, status)
          }
        }
        if !changed.isEmpty {
          look.content = Result { () throws(CertificateProblem) in
            try TLSListeners(tls.listens, tickets, after: tls, status)
          }
        }
        return look
      },
      then: { mailbox.post(.lookedAtCertificates($0)) })
  }

  /// A look at files of certificates has come back: what has changed is shown from now on, unless
  /// something is wrong with it.
  func takeCertificates(_ look: CertificateLook) {
    guard shutdown.isRunning else { return }
    var watch = certificateWatch
    var changed = watch.see(look.sights)
    let isAboutTickets = configuration.tls.removeTicketKeys(from: &changed)
    // It began before the one that has first seen the change was over: the next one reads.
    guard changed.isEmpty || look.content != nil, !isAboutTickets || look.ticketFile != nil else {
      return
    }
    certificateWatch = watch
    if isAboutTickets, let read = look.ticketFile { renewTicketKeys(read) }
    guard !changed.isEmpty, let content = look.content else { return }
    do throws(CertificateProblem) {
      show(try content.get())
    } catch {
      let consequence =
        error.isOfRevoked ? "the list in use counts on" : "the certificate in use is shown on"
      logger.error("\(error); \(consequence)")
      return
    }
    for problem in tls.unstapled { logger.error("\(problem); it is not stapled") }
    for problem in tls.gaps { logger.warning("\(problem)") }
    let clients = tls.listens.compactMap { $0.tls?.clients }
    for path in Set(clients.map(\.authorities) + clients.compactMap(\.revoked)).sorted()
    where changed.contains(path) {
      logger.notice("\(path) has changed: it says which clients are let in")
    }
    for shown in tls.certificates {
      if changed.contains(shown.files.certificate) || changed.contains(shown.files.key) {
        logger.notice(
          "\(shown.files.certificate) has changed: it is good until \(shown.identity.validUntil)")
      }
      if let path = shown.files.staple, let staple = shown.staple, changed.contains(path) {
        logger.notice("\(path) has changed: it is good until \(staple.validUntil)")
      }
    }
  }

  /// Reads what a configuration needs for a reload, which a share holds up for a while only.
  ///
  /// - Parameter isShown: its listeners are shown, too; else they stay as they are.
  func readCertificates(of next: Configuration, isShown: Bool) throws -> CertificateContents {
    let (old, tickets, poolContexts) = (tls, tickets, poolContexts)
    let status = setting.source.status
    let end = Clock.read().now + Lookout.patience.nanoseconds
    let read = reloadLookup.answer(by: end) {
      Result { () throws(CertificateProblem) in
        CertificateContents(
          shown: isShown ? try TLSListeners(next.listen, tickets, after: old, status) : old,
          ticketFile: try TicketFile(next.tls, status),
          poolContexts: try PoolContexts(next.pools, after: poolContexts))
      }
    }
    guard let read else { throw CertificateContents.Unanswered() }
    return try read.get()
  }

  /// Handshakes that begin from now on show these.
  func show(_ next: TLSListeners) {
    tls = next
    certificateWatch.taken(next.sights + ticketFile.sights)
    guard !next.certificates.isEmpty else { return }
    workers.change(to: next.contexts(of: places))
    warnOfExpiry()
  }

  /// The file of ticket keys has changed.
  private func renewTicketKeys(_ read: Result<TicketFile, CertificateProblem>) {
    do throws(CertificateProblem) {
      take(try read.get())
      logger.notice(
        """
        \(configuration.tls.ticketKeys ?? "") has changed: session tickets are sealed with the \
        first of \(ticketFile.keys.count) keys
        """)
    } catch {
      logger.error("\(error); the ticket keys in use are kept")
    }
  }

  /// Tickets are sealed with other keys from now on. What was sealed with those of a file that
  /// counts no more is forgotten in time, as all is.
  func take(_ next: TicketFile) {
    if !next.keys.isEmpty {
      tickets.take(next.keys)
    } else if !ticketFile.keys.isEmpty {
      tickets.rotate()
    }
    ticketFile = next
  }

  private func warnOfExpiry() {
    let now = CertificateReader.now
    for shown in tls.certificates {
      let end = shown.identity.validUntil
      let days = end.days(from: now)
      if days < 0 {
        logger.error("\(shown.files.certificate) expired on \(end)")
      } else if .seconds(end.seconds - now.seconds) <= configuration.tls.warning {
        logger.warning("\(shown.files.certificate) expires in \(days) days, on \(end)")
      }
    }
  }

  func writeCertificates(to page: inout MetricsPage) {
    let now = CertificateReader.now
    for shown in tls.certificates {
      page.add(
        Metrics.certificateDays, [("certificate", shown.files.certificate)],
        shown.identity.validUntil.days(from: now))
      guard shown.files.staple != nil else { continue }
      page.add(
        Metrics.stapleSeconds, [("certificate", shown.files.certificate)],
        shown.staple.map { max($0.validUntil.seconds - now.seconds, 0) } ?? 0)
    }
    var paths: Set<String> = []
    for file in tls.revoked {
      guard let end = file.list.validUntil, paths.insert(file.path).inserted else { continue }
      page.add(Metrics.listSeconds, [("crl", file.path)], max(end.seconds - now.seconds, 0))
    }
  }
}

extension TLSSettings {
  /// Takes the file of ticket keys out of those that have changed; false if it is none of them.
  fileprivate func removeTicketKeys(from changed: inout [String]) -> Bool {
    let count = changed.count
    changed.removeAll { $0 == ticketKeys }
    return changed.count < count
  }
}
