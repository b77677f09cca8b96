import CLibraries
import Configuration
import Proxy
import Reactor

// Certificates, which change on disk and grow old.
extension Supervisor {
  private static let day: UInt64 = 86_400_000_000_000

  /// When the files of certificates are to be looked at; nil for never.
  var nextCertificateLook: Instant? {
    configuration.tls.watch == nil || certificateWatch.known.isEmpty || !shutdown.isRunning
      ? nil : certificateWatch.nextLook
  }

  /// What is due of all that. Files are looked at by another thread, as those of the
  /// configuration are.
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
    guard let interval = configuration.tls.watch, let due = nextCertificateLook, now >= due else {
      return
    }
    certificateWatch.looks(now: now, interval: interval)
    let paths = certificateWatch.known.map(\.path)
    let status = setting.source.status
    let mailbox = setting.mailbox
    _ = certificateLookup.begin(
      { paths.map { FileSight($0, status($0)) } },
      then: { mailbox.post(.lookedAtCertificates($0)) })
  }

  /// A look at files of certificates has come back: what has changed is shown from now on, unless
  /// something is wrong with it.
  func takeCertificates(_ sights: FileSights) {
    guard shutdown.isRunning else { return }
    var changed = certificateWatch.see(sights)
    if let path = configuration.tls.ticketKeys, changed.contains(path) {
      changed.removeAll { $0 == path }
      renewTicketKeys(path)
    }
    guard !changed.isEmpty else { return }
    do throws(CertificateProblem) {
      show(try TLSListeners(configuration.listen, tickets, setting.source.status))
    } catch {
      logger.error("\(error); the certificate in use is shown on")
      return
    }
    for problem in tls.unstapled { logger.error("\(problem); it is not stapled") }
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

  /// Handshakes that begin from now on show these.
  func show(_ next: TLSListeners) {
    tls = next
    certificateWatch.taken(next.sights + ticketFile.sights)
    guard !next.certificates.isEmpty else { return }
    workers.change(to: next.contexts(of: places))
    warnOfExpiry()
  }

  /// The file of ticket keys has changed.
  private func renewTicketKeys(_ path: String) {
    do throws(CertificateProblem) {
      take(try TicketFile(configuration.tls, setting.source.status))
      let count = ticketFile.keys.count
      logger.notice(
        "\(path) has changed: session tickets are sealed with the first of \(count) keys")
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
  }
}
