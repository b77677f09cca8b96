import Testing

@testable import Demo

struct SHA1Tests {
  struct Row: Sendable {
    var rule: String
    var message: String
    var times = 1
    var digest: String
  }

  @Test(arguments: [
    Row(
      rule: "no bytes", message: "",
      digest: "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    Row(
      rule: "RFC 3174 §7.3 TEST1", message: "abc",
      digest: "a9993e364706816aba3e25717850c26c9cd0d89d"),
    Row(
      rule: "RFC 3174 §7.3 TEST2: the length needs a second block",
      message: "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      digest: "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
    Row(
      rule: "RFC 3174 §7.3 TEST3", message: "a", times: 1_000_000,
      digest: "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
    Row(
      rule: "RFC 3174 §7.3 TEST4: whole blocks",
      message: "01234567", times: 80,
      digest: "dea356a2cddd90c7a7ecedc5ebb563934f460452"),
    Row(
      rule: "the 1 bit is the last that fits beside the length",
      message: "a", times: 55,
      digest: "c1c8bbdc22796e28c0e15163d20899b65621d65a"),
    Row(
      rule: "one byte too many for that", message: "a", times: 56,
      digest: "c2db330f6083854c99d4b5bfb6e8f29f201be699"),
  ])
  func `a digest is the one the standard gives`(_ row: Row) {
    let message = String(repeating: row.message, count: row.times)
    let digest = hexadecimal(SHA1.digest(of: message.utf8.span))
    #expect(digest == row.digest, "\(row.rule)")
  }

  @Test func `a WebSocket handshake is accepted as in RFC 6455 §1.3`() {
    #expect(WebSocket.accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
  }

  @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")])
  func `base64 gives the vectors of RFC 4648 §10`(_ text: String, _ encoded: String) {
    #expect(base64(Array(text.utf8)) == encoded)
  }

  @Test func `a string becomes JSON that says the same`() {
    #expect(json("a\"b\\c\n\u{1}<é") == #""a\"b\\c\n\u0001\u003cé""#)
  }
}
