import Balancing
import Configuration
import Memory
import Network
import Testing

struct KeyRow: Sendable, CustomTestStringConvertible {
  let rule: String
  let fields: [(String, String)]
  /// The value whose server the request goes to; nil when it has no key.
  let gives: String?

  init(_ rule: String, _ fields: [(String, String)], gives: String?) {
    self.rule = rule
    self.fields = fields
    self.gives = gives
  }

  var testDescription: String { rule }
}

private func keyed(_ keys: [HashKey]) -> Balancer {
  var plan = plan(weights: Array(repeating: 1, count: 64))
  plan.keys = keys
  return Balancer([plan], cells: readyCells(64), worker: 0, workers: 1)
}

@Test(arguments: [
  KeyRow("a cookie", [("Cookie", "sid=abc")], gives: "abc"),
  KeyRow("a cookie among others", [("cookie", "a=b; sid=abc; c=d")], gives: "abc"),
  KeyRow("a cookie without a space", [("COOKIE", "a=b;sid=abc;c=d")], gives: "abc"),
  KeyRow("the first of a name (RFC 6265 §5.4)", [("Cookie", "sid=abc; sid=x")], gives: "abc"),
  KeyRow("a value with =", [("Cookie", "sid=a=b")], gives: "a=b"),
  KeyRow("names of cookies keep case", [("Cookie", "SID=abc")], gives: nil),
  KeyRow("the end of another name", [("Cookie", "xsid=abc")], gives: nil),
  KeyRow("the beginning of another name", [("Cookie", "sidx=abc")], gives: nil),
  KeyRow("no value", [("Cookie", "sid=")], gives: nil),
  KeyRow("no equals sign", [("Cookie", "sid")], gives: nil),
  KeyRow("nothing at all", [("Cookie", "")], gives: nil),
  KeyRow("semicolons only", [("Cookie", ";;; ;")], gives: nil),
  KeyRow("another field", [("X-Cookie", "sid=abc")], gives: nil),
  KeyRow("a header", [("AUTHORIZATION", "token x")], gives: "token x"),
  KeyRow("an empty header", [("Authorization", "")], gives: nil),
  KeyRow(
    "the first key of the list wins", [("Authorization", "token x"), ("Cookie", "sid=abc")],
    gives: "abc"),
  KeyRow(
    "in whatever order they come", [("Cookie", "sid=abc"), ("Authorization", "token x")],
    gives: "abc"),
  KeyRow(
    "the second when the first is empty", [("Cookie", "sid="), ("Authorization", "x")], gives: "x"),
])
func `a key is the first of its list that a request has`(_ row: KeyRow) {
  var balancer = keyed([.cookie("sid"), .header("Authorization")])
  var key = AffinityKey()
  for (name, value) in row.fields {
    balancer.observe(pool: 0, name: name.utf8.span, value: value.utf8.span, key: &key)
  }
  let got = (0..<3).map { _ in balancer.pick(pool: 0, key: key, now: 0) }
  guard let value = row.gives else {
    #expect(got == [0, 1, 2], "in turn")
    return
  }
  var expected = AffinityKey()
  balancer.observe(
    pool: 0, name: "authorization".utf8.span, value: value.utf8.span, key: &expected)
  let server = balancer.pick(pool: 0, key: expected, now: 0)
  #expect(got == [server, server, server])
}

@Test func `an address is a key that every request has`() {
  var balancer = keyed([.cookie("sid"), .address])
  var seen: Set<Int> = []
  for i in 0..<200 as Range<UInt8> {
    var key = AffinityKey()
    balancer.observe(pool: 0, address: IPAddress(v4: 192, 0, 2, i), key: &key)
    let server = balancer.pick(pool: 0, key: key, now: 0)
    let again = balancer.pick(pool: 0, key: key, now: 0)
    #expect(server == again)
    seen.insert(server ?? -1)

    // The cookie goes before it.
    balancer.observe(pool: 0, name: "cookie".utf8.span, value: "sid=a".utf8.span, key: &key)
    let byCookie = balancer.pick(pool: 0, key: key, now: 0)
    var cookieOnly = AffinityKey()
    balancer.observe(pool: 0, name: "cookie".utf8.span, value: "sid=a".utf8.span, key: &cookieOnly)
    let expected = balancer.pick(pool: 0, key: cookieOnly, now: 0)
    #expect(byCookie == expected)
  }
  #expect(seen.count > 50, "200 addresses over 64 servers")
}

@Test func `a pool says whether it wants fields`() {
  let one = keyed([.cookie("sid")])
  let two = keyed([.address])
  let three = keyed([])
  #expect(Bool(one.asksForFields(pool: 0)))
  #expect(!Bool(two.asksForFields(pool: 0)))
  #expect(!Bool(three.asksForFields(pool: 0)))
}

// MARK: Cookies of our own

private func issuing(_ cookie: AffinityCookie) -> PoolPlan {
  var plan = plan(weights: [1, 1, 1])
  plan.cookie = cookie
  return plan
}

private func text(_ buffer: borrowing ByteBuffer) -> String {
  let bytes = buffer.readable
  return String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
}

@Test func `a cookie leads back to its server until that is gone`() {
  let cells = readyCells(3)
  var balancer = Balancer([issuing(AffinityCookie())], cells: cells, worker: 0, workers: 1)
  let first = balancer.pick(pool: 0, now: 0) ?? -1
  let needs = balancer.needsCookie(pool: 0, server: first, key: AffinityKey())
  #expect(needs)
  var field = ByteBuffer(capacity: 256)
  let fits = balancer.writeCookie(pool: 0, server: first, isSecure: false, into: &field)
  #expect(fits)
  let pair = String(text(field).prefix { $0 != ";" })

  var key = AffinityKey()
  balancer.observe(
    pool: 0, name: "cookie".utf8.span, value: "a=b; \(pair)".utf8.span, key: &key)
  for _ in 0..<5 {
    let server = balancer.pick(pool: 0, key: key, now: 0)
    #expect(server == first)
  }
  let needsAnother = balancer.needsCookie(pool: 0, server: first, key: key)
  #expect(!needsAnother)

  cells[first].setHealthy(false)
  let next = balancer.pick(pool: 0, key: key, now: 0) ?? first
  #expect(next != first)
  let needsNew = balancer.needsCookie(pool: 0, server: next, key: key)
  #expect(needsNew)
}

@Test(arguments: [
  "MARTLET=", "MARTLET=0000000000000000", "MARTLET=ffffffffffffffff", "MARTLET=zzzzzzzzzzzzzzzz",
  "MARTLET=0", "martlet=0123456789abcdef", "MARTLET=0123456789ABCDEF0",
])
func `a cookie that names no server means nothing`(cookie: String) {
  var balancer = Balancer(
    [issuing(AffinityCookie())], cells: readyCells(3), worker: 0, workers: 1)
  var key = AffinityKey()
  balancer.observe(pool: 0, name: "Cookie".utf8.span, value: cookie.utf8.span, key: &key)
  let got = (0..<3).map { _ in balancer.pick(pool: 0, key: key, now: 0) }
  #expect(got == [0, 1, 2])
}

struct CookieRow: Sendable, CustomTestStringConvertible {
  let secure: AffinityCookie.Secure
  let sameSite: AffinityCookie.SameSite
  let maxAge: Duration
  let isSecure: Bool
  let attributes: String

  var testDescription: String { attributes }
}

@Test(arguments: [
  CookieRow(
    secure: .auto, sameSite: .lax, maxAge: .zero, isSecure: false,
    attributes: "; Path=/; HttpOnly; SameSite=Lax"),
  CookieRow(
    secure: .auto, sameSite: .strict, maxAge: .zero, isSecure: true,
    attributes: "; Path=/; HttpOnly; SameSite=Strict; Secure"),
  CookieRow(
    secure: .always, sameSite: .none, maxAge: .seconds(3600), isSecure: false,
    attributes: "; Path=/; HttpOnly; Max-Age=3600; SameSite=None; Secure"),
  CookieRow(
    secure: .never, sameSite: .lax, maxAge: .milliseconds(500), isSecure: true,
    attributes: "; Path=/; HttpOnly; SameSite=Lax"),
])
func `a cookie has the attributes that the pool gives it`(_ row: CookieRow) {
  var cookie = AffinityCookie()
  cookie.secure = row.secure
  cookie.sameSite = row.sameSite
  cookie.maxAge = row.maxAge
  let balancer = Balancer([issuing(cookie)], cells: readyCells(3), worker: 0, workers: 1)
  var field = ByteBuffer(capacity: 256)
  let fits = balancer.writeCookie(pool: 0, server: 1, isSecure: row.isSecure, into: &field)
  #expect(fits)
  let got = text(field)
  #expect(got.hasPrefix("MARTLET="))
  #expect(got.dropFirst("MARTLET=".count + 16) == row.attributes)

  var small = ByteBuffer(capacity: got.utf8.count - 1)
  let fitsSmall = balancer.writeCookie(pool: 0, server: 1, isSecure: row.isSecure, into: &small)
  #expect(!fitsSmall)
  #expect(Bool(small.isEmpty))
}
