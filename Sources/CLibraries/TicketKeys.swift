private import COpenSSL
private import Synchronization

/// Why a file has no keys of tickets.
public enum TicketKeysFault: Error, Equatable, Sendable {
  /// So many bytes are not one or more keys.
  case wrongSize(Int)
  /// It has so many keys.
  case tooMany(Int)
}

/// The keys that session tickets are sealed with (RFC 5077 §4, RFC 8446 §4.6.1): whoever brings a
/// ticket back resumes its session, with any worker.
///
/// What is sealed with the newest key is opened with it and with the two before: so a ticket lives
/// for two to three spans between rotations.
@safe public final class TicketKeys: Sendable {
  /// Of one key: 16 of its name, 32 for the HMAC, 32 for the cipher, as nginx has them.
  public static let keyBytes = 80
  /// Of the keys in a file.
  public static let limit = 16
  private static let kept = 3

  private let keys: Mutex<[[UInt8]]>

  public init() { keys = Mutex([Self.make()]) }

  /// A new key seals from now on.
  public func rotate() {
    let key = Self.make()
    keys.withLock { $0 = [key] + $0.prefix(Self.kept - 1) }
  }

  /// The keys that a file has, one behind another.
  public static func read(_ bytes: [UInt8]) throws(TicketKeysFault) -> [[UInt8]] {
    guard !bytes.isEmpty, bytes.count.isMultiple(of: keyBytes) else {
      throw .wrongSize(bytes.count)
    }
    let count = bytes.count / keyBytes
    guard count <= limit else { throw .tooMany(count) }
    return (0..<count).map { Array(bytes[($0 * keyBytes)..<(($0 + 1) * keyBytes)]) }
  }

  /// Takes keys that were read, in the place of all others: the first seals, each opens.
  public func take(_ keys: [[UInt8]]) {
    precondition(!keys.isEmpty && keys.allSatisfy { $0.count == Self.keyBytes })
    self.keys.withLock { $0 = keys }
  }

  private static func make() -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: keyBytes) { room, count in
      // No ticket may ever be sealed with a key that can be guessed.
      let status = unsafe RAND_bytes(room.baseAddress, Int32(keyBytes))
      precondition(status == 1, "no randomness")
      count = keyBytes
    }
  }

  /// What libssl asks for each ticket (SSL_CTX_set_tlsext_ticket_key_evp_cb(3)): 1 for a key
  /// that is there, 2 for one whose ticket is to be replaced, 0 for none, -1 for a failure.
  ///
  /// - Parameter servesOnce: clients use each ticket once, and need another one after that.
  func prepare(
    name: UnsafeMutablePointer<UInt8>, iv: UnsafeMutablePointer<UInt8>, _ cipher: OpaquePointer,
    _ mac: OpaquePointer, seals: Bool, servesOnce: Bool
  ) -> Int32 {
    let keys = keys.withLock { $0 }
    var index = 0
    if seals {
      // name: 16 bytes, iv: EVP_MAX_IV_LENGTH, 16 (the manual page).
      for i in 0..<16 { unsafe name[i] = keys[0][i] }
      guard unsafe RAND_bytes(iv, 16) == 1 else { return -1 }
    } else {
      guard
        let known = keys.firstIndex(where: { key in
          (0..<16).allSatisfy { unsafe name[$0] == key[$0] }
        })
      else { return 0 }
      index = known
    }
    let isReady = unsafe keys[index].withUnsafeBufferPointer { key in
      // 16 + 32 + 32 bytes of the 80.
      unsafe copenssl_ticket_ciphers(
        cipher, mac, key.baseAddress! + 48, key.baseAddress! + 16, iv, seals ? 1 : 0)
    }
    guard isReady == 1 else { return -1 }
    return index == 0 && !servesOnce ? 1 : 2
  }
}
