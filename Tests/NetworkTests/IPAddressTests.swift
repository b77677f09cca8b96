import Network
import Testing

struct AddressRow: Sendable, CustomTestStringConvertible {
  let rule: String
  let text: String
  /// How the address is written back; nil when the text is refused.
  let gives: String?

  init(_ rule: String, _ text: String, gives: String?) {
    self.rule = rule
    self.text = text
    self.gives = gives
  }

  var testDescription: String { "\(rule): \(text)" }
}

@Test(arguments: [
  AddressRow("dotted decimal", "192.0.2.1", gives: "192.0.2.1"),
  AddressRow("all bits", "255.255.255.255", gives: "255.255.255.255"),
  AddressRow("no bits", "0.0.0.0", gives: "0.0.0.0"),
  AddressRow("octal to some", "192.0.2.01", gives: nil),
  AddressRow("octal to some", "010.0.0.1", gives: nil),
  AddressRow("over 255", "192.0.2.256", gives: nil),
  AddressRow("three octets", "192.0.2", gives: nil),
  AddressRow("five octets", "192.0.2.1.1", gives: nil),
  AddressRow("ends in a dot", "192.0.2.1.", gives: nil),
  AddressRow("empty octet", "192..2.1", gives: nil),
  AddressRow("hexadecimal", "0x7f.0.0.1", gives: nil),
  AddressRow("space", " 127.0.0.1", gives: nil),
  AddressRow("space", "127.0.0.1 ", gives: nil),
  AddressRow("sign", "127.0.0.-1", gives: nil),
  AddressRow("empty", "", gives: nil),
  AddressRow("RFC 4291 §2.2 full", "2001:db8:1:2:3:4:5:6", gives: "2001:db8:1:2:3:4:5:6"),
  AddressRow("RFC 5952 §4.1 leading zeros", "2001:0db8::0001", gives: "2001:db8::1"),
  AddressRow(
    "RFC 5952 §4.2.1 shorten as far as can be", "2001:db8:0:0:0:0:2:1", gives: "2001:db8::2:1"),
  AddressRow(
    "RFC 5952 §4.2.2 one group stays", "2001:db8:0:1:1:1:1:1", gives: "2001:db8:0:1:1:1:1:1"),
  AddressRow(
    "RFC 5952 §4.2.2 one group read", "2001:db8::1:1:1:1:1", gives: "2001:db8:0:1:1:1:1:1"),
  AddressRow("RFC 5952 §4.2.3 the longest run", "2001:0:0:1:0:0:0:1", gives: "2001:0:0:1::1"),
  AddressRow(
    "RFC 5952 §4.2.3 the first of equals", "2001:db8:0:0:1:0:0:1", gives: "2001:db8::1:0:0:1"),
  AddressRow("RFC 5952 §4.3 lower case", "2001:DB8::A", gives: "2001:db8::a"),
  AddressRow("unspecified", "::", gives: "::"),
  AddressRow("loopback", "::1", gives: "::1"),
  AddressRow("gap at the end", "fe80::", gives: "fe80::"),
  AddressRow("gap of one at the end", "1:2:3:4:5:6:7::", gives: "1:2:3:4:5:6:7:0"),
  AddressRow("gap of none", "1:2:3:4:5:6:7:8::", gives: nil),
  AddressRow("gap of none", "1:2:3:4::5:6:7:8", gives: nil),
  AddressRow("two gaps", "1::2::3", gives: nil),
  AddressRow("three colons", "1:::2", gives: nil),
  AddressRow("colon before", ":1:2:3:4:5:6:7", gives: nil),
  AddressRow("colon after", "1:2:3:4:5:6:7:", gives: nil),
  AddressRow("colon after a gap", "1::2:", gives: nil),
  AddressRow("seven groups", "1:2:3:4:5:6:7", gives: nil),
  AddressRow("nine groups", "1:2:3:4:5:6:7:8:9", gives: nil),
  AddressRow("five digits", "12345::", gives: nil),
  AddressRow("one colon", ":", gives: nil),
  AddressRow("not hexadecimal", "g::", gives: nil),
  AddressRow("zone", "fe80::1%eth0", gives: nil),
  AddressRow("brackets", "[::1]", gives: nil),
  AddressRow("IPv4 tail", "64:ff9b::192.0.2.33", gives: "64:ff9b::c000:221"),
  AddressRow("IPv4 tail, full", "1:2:3:4:5:6:1.2.3.4", gives: "1:2:3:4:5:6:102:304"),
  AddressRow("IPv4 tail too late", "1:2:3:4:5:6:7:1.2.3.4", gives: nil),
  AddressRow("IPv4 in the middle", "::1.2.3.4:1", gives: nil),
  AddressRow("RFC 4291 §2.5.5.2 mapped", "::ffff:192.0.2.1", gives: "192.0.2.1"),
  AddressRow("RFC 4291 §2.5.5.2 mapped", "::ffff:c000:201", gives: "192.0.2.1"),
  AddressRow(
    "mapped, longest", "0000:0000:0000:0000:0000:ffff:255.255.255.255", gives: "255.255.255.255"),
  AddressRow("not mapped", "::fffe:192.0.2.1", gives: "::fffe:c000:201"),
  AddressRow(
    "longest text", "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
    gives: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
])
func `an address is read strictly and written as RFC 5952 says`(_ row: AddressRow) {
  let address = IPAddress(row.text)
  #expect(address?.description == row.gives, "\(row.rule)")
  guard let address else { return }
  #expect(IPAddress(address.description) == address, "reads back as itself")
  #expect(written(address) == row.gives)
}

@Test func `every address reads back from what it is written as`() {
  // Few distinct groups, so that runs of zeros of every length and place come up.
  let groups: [UInt64] = [0, 0, 1, 0xFFFF, 0x20]
  for number in 0..<390_625 {  // 5 to the power of 8
    var high: UInt64 = 0
    var low: UInt64 = 0
    var rest = number
    for _ in 0..<4 {
      high = high << 16 | groups[rest % 5]
      low = low << 16 | groups[rest / 5 % 5]
      rest /= 25
    }
    let address = IPAddress(v6High: high, low: low)
    guard IPAddress(address.description) != address else { continue }
    Issue.record("\(address) does not read back")
  }
}

@Test func `an address knows its family and what is special about it`() {
  #expect(IPAddress.anyV4.isUnspecified && IPAddress.anyV6.isUnspecified)
  #expect(IPAddress.loopbackV4.isLoopback && IPAddress.loopbackV6.isLoopback)
  #expect(IPAddress("127.8.9.10")?.isLoopback == true)
  #expect(IPAddress("128.0.0.1")?.isLoopback == false)
  #expect(IPAddress("::ffff:127.0.0.1")?.isLoopback == true)
  #expect(IPAddress.anyV4 != IPAddress.anyV6)
  #expect(IPAddress(v6High: 0, low: 0xFFFF_0A00_0001) == IPAddress(v4: 10, 0, 0, 1))
  #expect(IPAddress(v4: 10, 0, 0, 1).v4Bits == 0x0A00_0001)
  #expect(IPAddress.loopbackV6.v4Bits == nil)
}

private func written(_ address: IPAddress) -> String {
  let bytes = [UInt8](capacity: IPAddress.writtenBytesLimit) { address.write(into: &$0) }
  return String(decoding: bytes, as: UTF8.self)
}
