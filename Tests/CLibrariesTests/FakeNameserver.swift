import Glibc
import Network

/// A name server on a loopback port of its own that answers from a table, over UDP, on a thread
/// of its own; it ends with its last reference.
@safe final class FakeNameserver: Sendable {
  enum Answer: Sendable {
    case addresses([IPAddress], ttl: UInt32)
    case noSuchName, refused, silence
  }

  let address: SocketAddress
  private let socket: CInt

  init(_ table: [String: Answer]) {
    let socket = Glibc.socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    unsafe withUnsafeMutablePointer(to: &name) { name in
      unsafe name.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
        _ = unsafe Glibc.bind(socket, name, length)
        _ = unsafe getsockname(socket, name, &length)
      }
    }
    address = SocketAddress(.loopbackV4, port: UInt16(bigEndian: name.sin_port))
    self.socket = socket
    let service = Service(socket: socket, table: table)
    var thread = pthread_t()
    _ = unsafe pthread_create(
      &thread, nil,
      { service in
        guard let service = unsafe service else { return nil }
        unsafe Unmanaged<Service>.fromOpaque(service).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(service).toOpaque())
    pthread_detach(thread)
  }

  deinit { _ = shutdown(socket, CInt(SHUT_RDWR)) }  // ends the thread's wait; it closes

  private final class Service: Sendable {
    let socket: CInt
    let table: [String: Answer]

    init(socket: CInt, table: [String: Answer]) {
      self.socket = socket
      self.table = table
    }

    func run() {
      var question = [UInt8](repeating: 0, count: 512)
      while true {
        var peer = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let count = unsafe withUnsafeMutablePointer(to: &peer) { peer in
          unsafe peer.withMemoryRebound(to: sockaddr.self, capacity: 1) { peer in
            unsafe recvfrom(socket, &question, question.count, 0, peer, &length)
          }
        }
        guard count > 0 else { break }
        guard let answer = reply(to: Array(question[..<count])) else { continue }
        unsafe withUnsafePointer(to: &peer) { peer in
          unsafe peer.withMemoryRebound(to: sockaddr.self, capacity: 1) { peer in
            _ = unsafe sendto(socket, answer, answer.count, 0, peer, length)
          }
        }
      }
      close(socket)
    }

    /// RFC 1035 §4.1: header, the question as it came, answers that point back to its name.
    private func reply(to question: [UInt8]) -> [UInt8]? {
      var labels: [String] = []
      var i = 12
      while i < question.count, question[i] != 0 {
        let end = i + 1 + Int(question[i])
        labels.append(String(decoding: question[i + 1..<end], as: UTF8.self))
        i = end
      }
      let wantsV6 = question[i + 2] == 28
      let asked = Array(question[12..<i + 5])
      var code: UInt8 = 0
      var records: [UInt8] = []
      var count: UInt8 = 0
      switch table[labels.joined(separator: ".").lowercased()] ?? .noSuchName {
      case .silence: return nil
      case .refused: code = 5
      case .noSuchName: code = 3
      case .addresses(let addresses, let ttl):
        for address in addresses where (address.family == .v6) == wantsV6 {
          count += 1
          records += [0xC0, 12, 0, wantsV6 ? 28 : 1, 0, 1]
          records += bytes(ttl) + [0, wantsV6 ? 16 : 4]
          if let v4 = address.v4Bits {
            records += bytes(v4)
          } else {
            records += bytes(address.high) + bytes(address.low)
          }
        }
      }
      return question[..<2] + [0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0] + asked + records
    }

    private func bytes<N: FixedWidthInteger>(_ number: N) -> [UInt8] {
      stride(from: N.bitWidth - 8, through: 0, by: -8).map {
        UInt8(truncatingIfNeeded: number >> N($0))
      }
    }
  }
}
