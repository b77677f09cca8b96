/// The servers of one pool that a request has tried already, by number.
public struct TriedServers: Sendable {
  /// More tries than any configuration allows (`retries` is at most 10).
  public static var limit: Int { 16 }

  private var servers = InlineArray<16, Int16>(repeating: -1)
  public private(set) var count = 0

  public init() {}

  public func contains(_ server: Int) -> Bool {
    for i in 0..<count where servers[i] == Int16(truncatingIfNeeded: server) { return true }
    return false
  }

  /// - Precondition: fewer than `limit` are in.
  public mutating func insert(_ server: Int) {
    guard !contains(server) else { return }
    servers[count] = Int16(truncatingIfNeeded: server)
    count += 1
  }
}
