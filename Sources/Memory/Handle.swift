/// Names one tenancy of a slot: the slot's number and the generation that its tenant came with.
///
/// A handle kept beyond its tenant's departure is stale, and is recognised as such, because
/// the slot's generation has moved on. Its 64 bits fit what epoll carries for each event.
public struct Handle: Hashable, Sendable {
  public let slot: UInt32
  public let generation: UInt32

  public init(slot: UInt32, generation: UInt32) {
    self.slot = slot
    self.generation = generation
  }
}
