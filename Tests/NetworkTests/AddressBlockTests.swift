import Network
import Testing

struct BlockRow: Sendable, CustomTestStringConvertible {
  let block: String
  let address: String
  let isInside: Bool

  init(_ block: String, _ address: String, _ isInside: Bool) {
    self.block = block
    self.address = address
    self.isInside = isInside
  }

  var testDescription: String { "\(address) in \(block)" }
}

@Test(arguments: [
  BlockRow("10.0.0.0/8", "10.255.255.255", true),
  BlockRow("10.0.0.0/8", "11.0.0.0", false),
  BlockRow("10.9.8.7/8", "10.0.0.1", true),
  BlockRow("192.0.2.1", "192.0.2.1", true),
  BlockRow("192.0.2.1", "192.0.2.2", false),
  BlockRow("192.0.2.0/31", "192.0.2.1", true),
  BlockRow("192.0.2.0/31", "192.0.2.2", false),
  BlockRow("0.0.0.0/0", "203.0.113.9", true),
  BlockRow("0.0.0.0/0", "::1", false),
  BlockRow("::/0", "2001:db8::1", true),
  BlockRow("::/0", "203.0.113.9", false),
  BlockRow("2001:db8::/32", "2001:db8:ffff::1", true),
  BlockRow("2001:db8::/32", "2001:db9::1", false),
  BlockRow("2001:db8::/64", "2001:db8::ffff:0:0:1", true),
  BlockRow("2001:db8::/64", "2001:db8:0:1::1", false),
  BlockRow("2001:db8::8/125", "2001:db8::f", true),
  BlockRow("2001:db8::8/125", "2001:db8::10", false),
  BlockRow("::1", "::1", true),
  BlockRow("::1", "::2", false),
  BlockRow("10.0.0.0/8", "::ffff:10.1.2.3", true),
  BlockRow("::ffff:10.0.0.0/104", "10.1.2.3", true),
  BlockRow("::ffff:10.0.0.0/104", "11.1.2.3", false),
])
func `a block contains what shares its prefix`(_ row: BlockRow) throws {
  let block = try AddressBlock(row.block)
  let address = try #require(IPAddress(row.address))
  #expect(block.contains(address) == row.isInside)
}

@Test(arguments: [
  ("10.0.0.0/33", AddressError(.badPrefixLength, at: 9)),
  ("::/129", AddressError(.badPrefixLength, at: 3)),
  ("10.0.0.0/", AddressError(.badPrefixLength, at: 8)),
  ("10.0.0.0/a", AddressError(.badPrefixLength, at: 9)),
  ("10.0.0.0/-1", AddressError(.badPrefixLength, at: 9)),
  ("10.0.0.0/00008", AddressError(.badPrefixLength, at: 9)),
  ("::ffff:10.0.0.0/95", AddressError(.badPrefixLength, at: 16)),
  ("10.0.0/8", AddressError(.notAnAddress, at: 0)),
  ("", AddressError(.notAnAddress, at: 0)),
  ("localhost", AddressError(.notAnAddress, at: 0)),
])
func `a block that is none says what is wrong`(text: String, error: AddressError) {
  #expect(throws: error) { try AddressBlock(text) }
}

@Test(arguments: [
  ("10.1.2.3/8", "10.0.0.0/8"), ("10.1.2.3/32", "10.1.2.3"), ("::1/0", "::/0"),
  ("::ffff:10.0.0.0/104", "10.0.0.0/8"), ("2001:db8::1", "2001:db8::1"),
])
func `a block is written without the bits after its prefix`(text: String, gives: String) throws {
  let block = try AddressBlock(text)
  #expect(block.description == gives)
  #expect(try AddressBlock(block.description) == block)
}
