import Reactor
import Testing

@testable import Proxy

/// Idle connections are many: what each costs is decided, not found out.
@Test func `a plain connection pays a pointer for TLS, and is small all in all`() {
  #expect(MemoryLayout<Transport>.size == 16)
  #expect(MemoryLayout<ClientConnection>.stride <= 96)
  #expect(MemoryLayout<UpstreamConnection>.stride <= 96)
}

@Test func `a WebSocket that stands still fits 512 bytes with both its connections`() {
  let sides = MemoryLayout<ClientConnection>.stride + MemoryLayout<UpstreamConnection>.stride
  // Beside them: what slabs know of each of the three, and two timers.
  let places = 3 * 8 + 2 * 24
  #expect(MemoryLayout<Tunnel>.stride <= 232)
  #expect(sides + MemoryLayout<Tunnel>.stride + places <= 512)
}
