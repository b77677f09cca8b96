public import Network

/// What load is made, and for how long.
public struct LoadPlan: Sendable {
  public var server: SocketAddress
  /// Requests in a second.
  public var rate: Double
  public var arrivals = Arrivals.poisson
  public var connections = 64
  /// Nanoseconds of load before anything is counted.
  public var warmUp: UInt64 = 0
  /// Nanoseconds of load that are counted.
  public var duration: UInt64 = 5_000_000_000
  /// Nanoseconds from when a request was meant to be sent until it is given up.
  public var timeout: UInt64 = 5_000_000_000
  public var seed: UInt64 = 1

  public init(server: SocketAddress, rate: Double) {
    self.server = server
    self.rate = rate
  }
}
