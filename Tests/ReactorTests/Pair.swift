import CLibraries
import Glibc
import Memory
import Testing

@testable import Reactor

/// A transport that has shaken hands with a client, over sockets that do not block.
struct Pair: ~Copyable {
  var transport: Transport
  let client: TLSSession
  let socket: Descriptor

  /// - Parameter room: where its records are sealed; what is not said of that is as in a worker.
  init(in room: RecordRoom = RecordRoom()) throws {
    let made = try SelfSigned(hosts: ["site.test"], days: 1)
    let trusting = try TLSContext(trusting: made.certificate)
    let identity = try TLSIdentity(certificate: made.certificate, key: made.key)
    let server = try TLSContext(identities: [identity], tickets: TicketKeys())
    var numbers: [Int32] = [0, 0]
    let type: Int32 = 1 | 0o4000  // SOCK_STREAM | SOCK_NONBLOCK
    _ = unsafe socketpair(AF_UNIX, type, 0, &numbers)
    transport = Transport(Descriptor(owning: numbers[0]), isWritable: true)
    socket = Descriptor(owning: numbers[1])
    client = .connecting(
      numbers[1], trusting, to: "site.test", isAddress: false,
      ticket: nil)
    _ = transport.secure(by: server, in: room)
    for _ in 0..<10 {
      _ = client.shakeHands()
      _ = transport.shakeHands()
    }
  }

  /// What the client reads until there is no more, and how that ends.
  func readAll() -> (bytes: [UInt8], step: TLSSession.Step) {
    var all: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 5000)
    while true {
      let (count, step) = unsafe room.withUnsafeMutableBytes { unsafe client.read($0) }
      all += room.prefix(count)
      guard case .done = step else { return (all, step) }
    }
  }
}
