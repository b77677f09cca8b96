import Network
import Testing

struct EndpointRow: Sendable, CustomTestStringConvertible {
  let text: String
  let gives: Result<Endpoint, AddressError>

  init(_ text: String, _ host: Endpoint.Host, _ port: UInt16) {
    self.text = text
    gives = .success(Endpoint(host, port: port))
  }

  init(_ text: String, _ reason: AddressError.Reason, at offset: Int) {
    self.text = text
    gives = .failure(AddressError(reason, at: offset))
  }

  var testDescription: String { text }
}

private let v6 = IPAddress(v6High: 0x2001_0db8_0000_0000, low: 1)
private let label63 = String(repeating: "a", count: 63)

@Test(arguments: [
  EndpointRow("name:8000", .name("name"), 8000),
  EndpointRow("Merged-A.Internal:80", .name("merged-a.internal"), 80),
  EndpointRow("my_service:80", .name("my_service"), 80),
  EndpointRow("1password.example:80", .name("1password.example"), 80),
  EndpointRow("example.com.:80", .name("example.com."), 80),
  EndpointRow("\(label63):80", .name(label63), 80),
  EndpointRow("192.0.2.1:0", .address(IPAddress(v4: 192, 0, 2, 1)), 0),
  EndpointRow("192.0.2.1:65535", .address(IPAddress(v4: 192, 0, 2, 1)), 65535),
  EndpointRow("[2001:db8::1]:8000", .address(v6), 8000),
  EndpointRow("[::ffff:192.0.2.1]:80", .address(IPAddress(v4: 192, 0, 2, 1)), 80),
  EndpointRow(":8080", .any, 8080),
  EndpointRow("", .empty, at: 0),
  EndpointRow("name", .missingPort, at: 4),
  EndpointRow("[::1]", .missingPort, at: 5),
  EndpointRow("name:", .badPort, at: 5),
  EndpointRow(":", .badPort, at: 1),
  EndpointRow("name:65536", .badPort, at: 5),
  EndpointRow("name:80x", .badPort, at: 5),
  EndpointRow("name:+80", .badPort, at: 5),
  EndpointRow("name:000080", .badPort, at: 5),
  EndpointRow("[::1]x80", .badPort, at: 6),
  EndpointRow("[::1", .unclosedBracket, at: 0),
  EndpointRow("[name]:80", .notAnAddress, at: 1),
  EndpointRow("[192.0.2.1]:80", .notAnAddress, at: 1),
  EndpointRow("2001:db8::1", .missingBrackets, at: 8),
  EndpointRow("a:b:80", .badHostName, at: 3),
  EndpointRow("http://name:80", .badHostName, at: 11),
  EndpointRow("na me:80", .badHostName, at: 2),
  EndpointRow("a..b:80", .badHostName, at: 2),
  EndpointRow(".a:80", .badHostName, at: 0),
  EndpointRow("-a:80", .badHostName, at: 0),
  EndpointRow("a-:80", .badHostName, at: 1),
  EndpointRow("a-.b:80", .badHostName, at: 2),
  EndpointRow("\(label63)a:80", .badHostName, at: 63),
  EndpointRow("300.1.1.1:80", .notAnAddress, at: 0),
  EndpointRow("1.2.3:80", .notAnAddress, at: 0),
  EndpointRow("010.0.0.1:80", .notAnAddress, at: 0),
])
func `an endpoint is read strictly`(_ row: EndpointRow) {
  let got = Result { () throws(AddressError) in try Endpoint(row.text) }
  #expect(got == row.gives)
  guard case .success(let endpoint) = got else { return }
  let again = Result { () throws(AddressError) in try Endpoint(endpoint.description) }
  #expect(again == got, "reads back as itself")
}

@Test func `a default port stands in for a missing one`() throws {
  #expect(try Endpoint("name", defaultPort: 80) == Endpoint(.name("name"), port: 80))
  #expect(try Endpoint("[::1]", defaultPort: 80).socketAddress?.port == 80)
  #expect(try Endpoint("name:81", defaultPort: 80).port == 81)
}

@Test(arguments: [
  ("192.0.2.1:80", "192.0.2.1:80"), ("[2001:db8::1]:443", "[2001:db8::1]:443"),
  ("[::ffff:192.0.2.1]:80", "192.0.2.1:80"), ("192.0.2.1", nil), ("2001:db8::1", nil),
  ("[192.0.2.1]:80", nil), ("name:80", nil), ("[::1]80", nil), ("[::1", nil), ("", nil),
])
func `a socket address is read strictly`(text: String, gives: String?) {
  #expect(SocketAddress(text)?.description == gives)
}

@Test(arguments: [
  ("192.0.2.1", "192.0.2.1:9"), ("192.0.2.1:80", "192.0.2.1:80"),
  ("2001:db8::1", "[2001:db8::1]:9"),
  ("[2001:db8::1]", "[2001:db8::1]:9"), ("[2001:db8::1]:80", "[2001:db8::1]:80"), ("unknown", nil),
])
func `an entry of X-Forwarded-For may have a port`(text: String, gives: String?) {
  #expect(SocketAddress.parse(text.utf8.span, defaultPort: 9)?.description == gives)
}
