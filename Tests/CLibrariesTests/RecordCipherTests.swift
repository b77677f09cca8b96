import COpenSSL
import Glibc
import Memory
import Testing

@testable import CLibraries

/// "0a ff" as bytes.
private func bytes(_ hexadecimal: String) -> [UInt8] {
  let digits = hexadecimal.utf8.filter { $0 > 32 }.map { $0 < 58 ? $0 - 48 : $0 - 87 }
  return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

private func buffer(_ bytes: [UInt8]) -> ByteBuffer {
  var buffer = ByteBuffer(capacity: max(bytes.count, 1))
  buffer.append(bytes.span)
  return buffer
}

private func content(_ buffer: borrowing ByteBuffer) -> [UInt8] {
  buffer.readable.indices.map { buffer.readable[$0] }
}

/// The simple handshake of RFC 8448 §3: of AES-128-GCM and SHA-256.
private struct Example {
  static let master = bytes("18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919")
  /// Of all up to the server's Finished.
  static let transcript = bytes(
    "9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13")
  /// What both say.
  static let said = [UInt8](0..<50)

  let label: String
  let secret: [UInt8]
  let key: [UInt8]
  let iv: [UInt8]
  /// Of the first record below: the server has sent a ticket before.
  let number: UInt64
  /// With what was said, and with close_notify.
  let records: [[UInt8]]

  static let client = Example(
    label: "c ap traffic",
    secret: bytes("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5"),
    key: bytes("17422dda596ed5d9acd890e3c63f5051"), iv: bytes("5b78923dee08579033e523d9"),
    number: 0,
    records: [
      bytes(
        """
        1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20
        441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4
        """), bytes("1703030013c9872760655666b74d7ff1153efd6db6d0b0e3"),
    ])

  static let server = Example(
    label: "s ap traffic",
    secret: bytes("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643"),
    key: bytes("9f02283b6c9c07efc26bb9f2ac92e356"), iv: bytes("cf782b88dd83549aadf1e984"),
    number: 1,
    records: [
      bytes(
        """
        17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb50
        1a59a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d
        """), bytes("1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9"),
    ])

  /// What seals or opens its records, from the first on.
  func cipher(seals: Bool) throws -> RecordCipher {
    var keys = copenssl_keys()
    func keep(_ bytes: [UInt8], _ place: UnsafeMutableRawPointer) -> UInt8 {
      // Each place has room for the longest of its kind.
      unsafe place.copyMemory(from: bytes, byteCount: bytes.count)
      return UInt8(bytes.count)
    }
    keys.secret_count = unsafe keep(secret, &keys.secret)
    keys.key_count = unsafe keep(key, &keys.key)
    keys.iv_count = unsafe keep(iv, &keys.iv)
    let context = unsafe SSL_CTX_new(TLS_method())
    let session = unsafe SSL_new(context)
    defer {
      unsafe SSL_free(session)
      unsafe SSL_CTX_free(context)
    }
    let suite = unsafe SSL_CIPHER_find(session, [0x13, 0x01])
    guard let made = unsafe RecordCipher(&keys, suite, number: number, seals: seals) else {
      throw CertificateFault.refused("no cipher")
    }
    return made
  }
}

private func expand(_ secret: [UInt8], _ label: String, _ context: [UInt8], _ count: Int) -> [UInt8]
{
  var result = [UInt8](repeating: 0, count: count)
  let isDone = unsafe copenssl_expand(
    EVP_sha256(), secret, secret.count, label, label.utf8.count, context, context.count, &result,
    count)
  return isDone == 1 ? result : []
}

@Suite(.serialized) struct RecordCipherTests {
  @Test(arguments: [0, 1])
  func `keys are expanded as RFC 8448 has them`(side: Int) {
    let example = [Example.client, Example.server][side]
    #expect(expand(Example.master, example.label, Example.transcript, 32) == example.secret)
    #expect(expand(example.secret, "key", [], 16) == example.key)
    #expect(expand(example.secret, "iv", [], 12) == example.iv)
    #expect(expand(example.secret, "key", [], 33).isEmpty, "that is more than one digest")
  }

  @Test(arguments: [0, 1], [0, 20, 50])
  func `records are sealed as RFC 8448 has them`(side: Int, middle: Int) throws {
    let example = [Example.client, Example.server][side]
    var cipher = try example.cipher(seals: true)
    var output = ByteBuffer(capacity: 200)
    // In two pieces, of which one may be empty.
    let isSealed = cipher.seal(
      Example.said.span.extracting(..<middle), Example.said.span.extracting(middle...), as: 23,
      into: &output)
    let closeNotify: [UInt8] = [1, 0]
    let isEnded = cipher.seal(closeNotify.span, Span(), as: 21, into: &output)
    let records = content(output)
    #expect(isSealed && isEnded && records == example.records[0] + example.records[1])
    #expect(cipher.count == example.number + 2)
  }

  @Test(arguments: [0, 1])
  func `records are opened as RFC 8448 has them`(side: Int) throws {
    let example = [Example.client, Example.server][side]
    var cipher = try example.cipher(seals: false)
    for (record, inner) in zip(example.records, [Example.said + [23], [1, 0, 21]]) {
      var input = buffer(record)
      let isOpen = cipher.open(&input, count: record.count - RecordCipher.headerBytes)
      let opened = content(input)
      #expect(isOpen && Array(opened[5..<opened.count - RecordCipher.tagBytes]) == inner)
    }
  }

  @Test(arguments: 0..<72)
  func `a record that was changed anywhere is not opened`(place: Int) throws {
    var cipher = try Example.client.cipher(seals: false)
    var record = Example.client.records[0]
    record[place] ^= 0x10
    var input = buffer(record)
    let isOpen = cipher.open(&input, count: record.count - RecordCipher.headerBytes)
    #expect(!isOpen)
  }
}
