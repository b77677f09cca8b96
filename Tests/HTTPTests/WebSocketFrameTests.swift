import HTTP
import Memory
import Testing

@Suite struct WebSocketFrameTests {
  struct Row: CustomTestStringConvertible, Sendable {
    let rule: String
    let bytes: [UInt8]
    var frame: WebSocketFrame?
    var fault: Fault?
    var testDescription: String { "\(rule): \(bytes.prefix(16))" }
  }

  static let rows: [Row] = [
    Row(
      rule: "RFC 6455 §5.7 text, unmasked", bytes: [0x81, 0x05],
      frame: WebSocketFrame(.text, payloadCount: 5)),
    Row(
      rule: "RFC 6455 §5.7 text, masked", bytes: [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d],
      frame: WebSocketFrame(.text, mask: 0x3d21_fa37, payloadCount: 5)),
    Row(
      rule: "RFC 6455 §5.7 a first fragment", bytes: [0x01, 0x03],
      frame: WebSocketFrame(.text, isFinal: false, payloadCount: 3)),
    Row(
      rule: "RFC 6455 §5.7 a last fragment", bytes: [0x80, 0x02],
      frame: WebSocketFrame(.continuation, payloadCount: 2)),
    Row(
      rule: "RFC 6455 §5.7 256 bytes", bytes: [0x82, 0x7e, 0x01, 0x00],
      frame: WebSocketFrame(.binary, payloadCount: 256)),
    Row(
      rule: "RFC 6455 §5.7 64 KiB", bytes: [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0],
      frame: WebSocketFrame(.binary, payloadCount: 65536)),
    Row(
      rule: "RFC 6455 §5.2 64 KiB, masked",
      bytes: [0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4],
      frame: WebSocketFrame(.binary, mask: 0x0403_0201, payloadCount: 65536)),
    Row(
      rule: "RFC 6455 §5.2 125 in 7 bits", bytes: [0x82, 125],
      frame: WebSocketFrame(.binary, payloadCount: 125)),
    Row(
      rule: "RFC 6455 §5.2 126 in 16 bits", bytes: [0x82, 126, 0, 126],
      frame: WebSocketFrame(.binary, payloadCount: 126)),
    Row(rule: "RFC 6455 §5.2 125 in 16 bits", bytes: [0x82, 126, 0, 125], fault: .frameLength),
    Row(
      rule: "RFC 6455 §5.2 65535 in 16 bits", bytes: [0x82, 126, 255, 255],
      frame: WebSocketFrame(.binary, payloadCount: 65535)),
    Row(
      rule: "RFC 6455 §5.2 65535 in 64 bits", bytes: [0x82, 127, 0, 0, 0, 0, 0, 0, 255, 255],
      fault: .frameLength),
    Row(
      rule: "RFC 6455 §5.2 the highest bit is 0",
      bytes: [0x82, 127, 0x7f, 255, 255, 255, 255, 255, 255, 255],
      frame: WebSocketFrame(.binary, payloadCount: UInt64(Int64.max))),
    Row(
      rule: "RFC 6455 §5.2 the highest bit is 1",
      bytes: [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], fault: .frameLength),
    Row(rule: "RFC 6455 §5.2 RSV1", bytes: [0xc1, 0x00], fault: .frameReservedBits),
    Row(rule: "RFC 6455 §5.2 RSV2", bytes: [0xa1, 0x00], fault: .frameReservedBits),
    Row(rule: "RFC 6455 §5.2 RSV3", bytes: [0x91, 0x00], fault: .frameReservedBits),
    Row(rule: "RFC 6455 §5.2 opcode 3", bytes: [0x83, 0x00], fault: .frameOpcode),
    Row(rule: "RFC 6455 §5.2 opcode 7", bytes: [0x87, 0x00], fault: .frameOpcode),
    Row(rule: "RFC 6455 §5.2 opcode 11", bytes: [0x8b, 0x00], fault: .frameOpcode),
    Row(
      rule: "RFC 6455 §5.5.1 close", bytes: [0x88, 0x02],
      frame: WebSocketFrame(.close, payloadCount: 2)),
    Row(
      rule: "RFC 6455 §5.5.2 ping of 125", bytes: [0x89, 125],
      frame: WebSocketFrame(.ping, payloadCount: 125)),
    Row(
      rule: "RFC 6455 §5.5 ping of 126", bytes: [0x89, 126, 0, 126], fault: .frameControlTooLong),
    Row(rule: "RFC 6455 §5.5 pong of more", bytes: [0x8a, 127], fault: .frameControlTooLong),
    Row(rule: "RFC 6455 §5.5 in fragments", bytes: [0x09, 0x00], fault: .frameControlFragmented),
  ]

  @Test(arguments: rows)
  func `a frame is read or refused by its rule`(_ row: Row) {
    let result = parse(row.bytes)
    #expect(result.failure?.reason == row.fault)
    #expect((try? result.get()) == row.frame)
  }

  @Test(arguments: rows)
  func `a frame that is cut is not here yet, or refused for what the whole is refused for`(
    _ row: Row
  ) {
    for count in row.bytes.indices {
      switch parse(Array(row.bytes[..<count])) {
      case .success(let frame): #expect(frame == nil, "at \(count)")
      case .failure(let malformed): #expect(malformed.reason == row.fault, "at \(count)")
      }
    }
  }

  @Test(arguments: rows.filter { $0.frame != nil })
  func `a frame is written as it was read`(_ row: Row) throws {
    let frame = try #require(row.frame)
    var buffer = ByteBuffer(capacity: WebSocketFrame.lengthLimit)
    frame.write(to: &buffer)
    #expect(copied(buffer.readable) == row.bytes)
    #expect(frame.length == row.bytes.count)
  }

  @Test func `a reserved bit passes once an extension has given it a meaning`() throws {
    let bytes: [UInt8] = [0xc1, 0x00]
    let frame = try WebSocketFrame.parse(bytes.span, reserved: 4)
    #expect(frame == WebSocketFrame(.text, reserved: 4, payloadCount: 0))
  }

  @Test func `RFC 6455 §5.3: masking undoes itself, wherever a payload is cut`() {
    let hello = Array("Hello".utf8)
    let masked: [UInt8] = [0x7f, 0x9f, 0x4d, 0x51, 0x58]
    for cut in 0...5 {
      var buffer = ByteBuffer(capacity: 16)
      let (front, back) = (hello.span.extracting(0..<cut), hello.span.extracting(cut..<5))
      WebSocketFrame.append(front, mask: 0x3d21_fa37, to: &buffer)
      WebSocketFrame.append(back, mask: 0x3d21_fa37, offset: cut, to: &buffer)
      #expect(copied(buffer.readable) == masked)

      var bytes = masked
      var first = Array(bytes[..<cut])
      var second = Array(bytes[cut...])
      var span = first.mutableSpan
      WebSocketFrame.apply(mask: 0x3d21_fa37, to: &span)
      var other = second.mutableSpan
      WebSocketFrame.apply(mask: 0x3d21_fa37, to: &other, offset: cut)
      bytes = first + second
      #expect(bytes == hello)
    }
  }

  @Test func `RFC 6455 §1.3: the handshake's example`() {
    let key = Array("dGhlIHNhbXBsZSBub25jZQ==".utf8)
    let isKey = WebSocketHandshake.isKey(key.span)
    #expect(isKey)
    var buffer = ByteBuffer(capacity: WebSocketHandshake.acceptCount)
    WebSocketHandshake.writeAccept(for: key.span, to: &buffer)
    #expect(copied(buffer.readable) == Array("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".utf8))
  }

  @Test(arguments: [
    "", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25jZQ=a",
    "dGhlIHNhbXBsZSBub2-jZQ==",
  ])
  func `RFC 6455 §4.1: a key is sixteen bytes in base64`(key: String) {
    let bytes = Array(key.utf8)
    let isKey = WebSocketHandshake.isKey(bytes.span)
    #expect(!isKey)
  }

  private func parse(_ bytes: [UInt8]) -> Result<WebSocketFrame?, Malformed> {
    Result { () throws(Malformed) in try WebSocketFrame.parse(bytes.span) }
  }
}
