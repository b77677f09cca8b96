import Reactor
import Testing

@testable import Proxy

/// Idle connections are many: what each costs is decided, not found out.
@Test func `a plain connection pays a pointer for TLS, and is small all in all`() {
  #expect(MemoryLayout<Transport>.size == 16)
  #expect(MemoryLayout<ClientConnection>.stride <= 96)
  #expect(MemoryLayout<UpstreamConnection>.stride <= 96)
}
