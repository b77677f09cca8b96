/// Names one tenancy of a slot: the slot's number and the generation that its tenant came with.
///
/// A handle kept beyond its tenant's departure is stale, and is recognised as such, because
/// the slot's generation has moved on. Its 64 bits fit what epoll carries for each event.
public struct Handle: Hashable, Sendable {
  /// The generation in the upper half, the slot in the lower: one comparison tells both.
  @usableFromInline let bits: UInt64

  @inlinable public init(slot: UInt32, generation: UInt32) {
    bits = UInt64(generation) << 32 | UInt64(slot)
  }

  @inlinable init(bits: UInt64) { self.bits = bits }

  @inlinable public var slot: UInt32 { UInt32(truncatingIfNeeded: bits) }
  @inlinable public var generation: UInt32 { UInt32(truncatingIfNeeded: bits >> 32) }
}
