/// A place in the bytes that a head was parsed from: offsets from their beginning.
public struct Slice: Equatable, Hashable, Sendable, BitwiseCopyable {
  public var start: UInt32
  public var count: UInt32

  public init(start: UInt32, count: UInt32) {
    self.start = start
    self.count = count
  }

  /// - Precondition: the bounds are below 4 GiB, as every buffer is.
  public init(_ range: Range<Int>) {
    start = UInt32(range.lowerBound)
    count = UInt32(range.count)
  }

  public static var empty: Slice { Slice(start: 0, count: 0) }

  public var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
  public var end: Int { Int(start) + Int(count) }
  public var isEmpty: Bool { count == 0 }
}
