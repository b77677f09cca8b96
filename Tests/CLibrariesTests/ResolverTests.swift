import CLibraries
import Network
import Testing

private let one = IPAddress(v4: 192, 0, 2, 1)
private let two = IPAddress(v4: 192, 0, 2, 2)
private let six = IPAddress(v6High: 0x2001_0db8_0000_0000, low: 6)

@Test func `an address is its own answer, without a question`() throws {
  let resolver = Resolver(nameservers: [SocketAddress(.loopbackV4, port: 9)])
  let answer = try resolver.resolve("2001:db8::6", timeout: .seconds(1))
  #expect(answer.addresses == [six])
  #expect(answer.timeToLive == nil)
}

@Test func `a name gives its addresses of both families and the time they hold`() throws {
  let server = FakeNameserver(["erp.test": .addresses([one, two, six], ttl: 30)])
  let answer = try Resolver(nameservers: [server.address])
    .resolve("erp.test", timeout: .seconds(10))
  #expect(Set(answer.addresses) == [one, two, six])
  #expect(answer.addresses.count == 3)
  #expect(answer.timeToLive == .seconds(30))
}

@Test func `a name with addresses of one family only is found`() throws {
  let server = FakeNameserver(["four.test": .addresses([one], ttl: 5)])
  let answer = try Resolver(nameservers: [server.address])
    .resolve("FOUR.test", timeout: .seconds(10))
  #expect(answer.addresses == [one])
  #expect(answer.timeToLive == .seconds(5))
}

@Test func `an unknown name and one without addresses are not found`() {
  let server = FakeNameserver(["empty.test": .addresses([], ttl: 5)])
  let resolver = Resolver(nameservers: [server.address])
  for name in ["unknown.test", "empty.test"] {
    let error = #expect(throws: ResolverError.self) {
      try resolver.resolve(name, timeout: .seconds(10))
    }
    #expect(error == .notFound, "\(name)")
    #expect(error?.description == "name not found")
  }
}

@Test func `a silent name server is given up in time`() {
  let server = FakeNameserver(["slow.test": .silence])
  let begin = ContinuousClock.now
  let error = #expect(throws: ResolverError.self) {
    try Resolver(nameservers: [server.address]).resolve("slow.test", timeout: .milliseconds(200))
  }
  #expect(error == .timedOut)
  #expect(ContinuousClock.now - begin >= .milliseconds(190))
}

@Test func `a name server that is not there is told from one that is slow`() {
  // Nobody listens at the discard port of this address; the kernel says so at once.
  let resolver = Resolver(nameservers: [SocketAddress(IPAddress(v4: 127, 0, 0, 99), port: 9)])
  let error = #expect(throws: ResolverError.self) {
    try resolver.resolve("erp.test", timeout: .seconds(10))
  }
  #expect(error == .noNameserver)
}

@Test func `what the hosts file names needs no name server`() throws {
  let resolver = Resolver(nameservers: [SocketAddress(IPAddress(v4: 127, 0, 0, 99), port: 9)])
  let answer = try resolver.resolve("localhost", timeout: .seconds(10))
  #expect(answer.addresses.contains(.loopbackV4) || answer.addresses.contains(.loopbackV6))
}

@Test func `texts that are no names are refused`() {
  let server = FakeNameserver([:])
  for name in ["", "a..b", String(repeating: "x", count: 300)] {
    #expect(throws: ResolverError.self, "\(name)") {
      try Resolver(nameservers: [server.address]).resolve(name, timeout: .seconds(1))
    }
  }
}
