internal import COpenSSL
public import Memory

/// One direction of a connection over TLS 1.3: seals one record after another, or opens them
/// (RFC 8446 §5.2). A record that was sealed has to be sent, and one that was opened is not opened
/// again: each has a number that is used once.
@safe public struct RecordCipher: ~Copyable {
  /// In front of each record: its type, an old version, and how much follows.
  public static let headerBytes = 5
  /// Behind the content: by which it is known that nobody has changed it.
  public static let tagBytes = 16
  /// What a record has beside its content: both of these, and the content's type.
  public static let overhead = headerBytes + 1 + tagBytes
  /// The type that all records have outside (RFC 8446 §5.2).
  public static let outerType: UInt8 = 23

  private let records: UnsafeMutablePointer<copenssl_records>

  /// - Parameter number: of the next record.
  /// - Returns: Nil when memory is out, or a key is not known.
  init?(_ keys: UnsafePointer<copenssl_keys>, _ suite: OpaquePointer?, number: UInt64, seals: Bool)
  {
    guard let cipher = unsafe Self.cipher(of: suite),
      let records = unsafe copenssl_records_new(
        cipher, SSL_CIPHER_get_handshake_digest(suite), keys, number, seals ? 1 : 0)
    else { return nil }
    unsafe self.records = unsafe records
  }

  deinit { unsafe copenssl_records_free(records) }

  /// How many records the key in use has sealed or opened.
  public var count: UInt64 { unsafe records.pointee.number }

  /// Appends `first` and `second` as one record to `output`; false when libcrypto cannot.
  ///
  /// - Precondition: together they are no more than a record holds, and there is space for it.
  public mutating func seal(
    _ first: Span<UInt8>, _ second: Span<UInt8>, as type: UInt8, into output: inout ByteBuffer
  ) -> Bool {
    let content = first.count + second.count
    precondition(content <= TLSSession.recordBytes)
    precondition(output.space >= content + Self.overhead, "the caller makes room first")
    let behind = content + 1 + Self.tagBytes
    return unsafe output.fill { room in
      unsafe room[0] = Self.outerType
      unsafe room[1] = 3
      unsafe room[2] = 3
      unsafe room[3] = UInt8(truncatingIfNeeded: behind >> 8)
      unsafe room[4] = UInt8(truncatingIfNeeded: behind)
      let isSealed = unsafe first.withUnsafeBytes { first in
        unsafe second.withUnsafeBytes { second in
          // The header, so much content, and what stands behind it fit, as is made sure above.
          unsafe copenssl_seal(
            records, first.baseAddress, Int32(first.count), second.baseAddress,
            Int32(second.count), type, room.baseAddress)
        }
      }
      return (count: isSealed == 1 ? Self.headerBytes + behind : 0, result: isSealed == 1)
    }
  }

  /// Opens the record at the front of `input`, where it stands: its content and the type of that
  /// are then between the header and the tag. False when it is not what the peer has sealed.
  ///
  /// - Parameter count: of what follows the header.
  /// - Precondition: all of it is there, and a tag is.
  public mutating func open(_ input: inout ByteBuffer, count: Int) -> Bool {
    precondition(count >= Self.tagBytes && Self.headerBytes + count <= input.count)
    let isOpen = unsafe input.change { bytes in
      // So many bytes are there, as is made sure above.
      unsafe copenssl_open(
        records, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(count))
    }
    if isOpen != 1 { OpenSSLError.forget() }
    return isOpen == 1
  }

  /// Goes on with the next key (RFC 8446 §7.2); false when libcrypto cannot.
  public mutating func renew() -> Bool {
    unsafe copenssl_records_renew(records) == 1
  }

  @unsafe private struct Ciphers: @unchecked Sendable {
    let aes128 = unsafe EVP_CIPHER_fetch(nil, "AES-128-GCM", nil)
    let aes256 = unsafe EVP_CIPHER_fetch(nil, "AES-256-GCM", nil)
    let chacha = unsafe EVP_CIPHER_fetch(nil, "ChaCha20-Poly1305", nil)
  }

  private static let ciphers = unsafe Ciphers()

  private static func cipher(of suite: OpaquePointer?) -> OpaquePointer? {
    guard let suite = unsafe suite else { return nil }
    return switch unsafe SSL_CIPHER_get_protocol_id(suite) {
    case 0x1301: unsafe ciphers.aes128
    case 0x1302: unsafe ciphers.aes256
    case 0x1303: unsafe ciphers.chacha
    default: nil
    }
  }
}
