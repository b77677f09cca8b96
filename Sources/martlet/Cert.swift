import ArgumentParser
import CLibraries
import Network
import Reactor

/// `martlet cert`: a certificate to try TLS with.
struct CertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cert",
    abstract: "Make a certificate for development.",
    discussion: """
      Writes HOST.pem and HOST-key.pem, by the first host; config/tls.yaml names those of \
      localhost. Nobody trusts it who is not told to: curl --cacert localhost.pem.
      """)

  @Flag(name: .customLong("self-signed"), help: "It signs itself; there is no other kind yet.")
  var isSelfSigned = false

  @Option(help: ArgumentHelp("How long it is good.", valueName: "days"))
  var days = 365

  @Option(help: ArgumentHelp("Where the two files go.", valueName: "directory"))
  var output = "."

  @Argument(help: ArgumentHelp("A name, *.name or an address.", valueName: "host"))
  var hosts: [String]

  func validate() throws {
    guard isSelfSigned else { throw ValidationError("say --self-signed") }
    guard (1...3650).contains(days) else { throw ValidationError("--days is 1 to 3650") }
    for host in hosts where !CertCommand.isHost(host) {
      throw ValidationError("\(host) is neither a name nor an address")
    }
  }

  func run() throws {
    let made = try SelfSigned(hosts: hosts, days: days)
    let stem = "\(output)/\(hosts[0].hasPrefix("*.") ? String(hosts[0].dropFirst(2)) : hosts[0])"
    let files = [(stem + ".pem", made.certificate, false), (stem + "-key.pem", made.key, true)]
    for (path, text, isSecret) in files {
      do throws(SystemError) {
        try TextFile.write(text, to: path, isSecret: isSecret)
      } catch {
        let line = Array("\(path): \(error.reason)\n".utf8)
        _ = try TextFile.append(line.span, to: try TextFile.open(.error))
        throw ExitCode.failure
      }
    }
    print("\(files[0].0) and \(files[1].0), good for \(days) days")
  }

  private static func isHost(_ host: String) -> Bool {
    if IPAddress(host) != nil { return true }
    let name = host.hasPrefix("*.") ? host.dropFirst(2) : host[...]
    return (1...253).contains(name.count) && name.first != "." && name.first != "-"
      && name.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
          || (0x61...0x7A).contains(byte) || byte == 0x2D || byte == 0x2E
      }
  }
}
