import HTTP
import Memory
import Reactor

/// The files that one worker knows: open or in memory, found by route and path, within limits.
///
/// Entries lie in a slab and are listed in sets of eight places by a hash of their key, so that
/// no choice of paths makes finding slow. When there is too much of anything, a hand goes round
/// the places and gives up what was not asked for since it last came by. What a response still
/// sends from is unlisted and stays until the response is finished.
struct FileCache: ~Copyable {
  var limits: FileLimits
  /// Read and changed in place, by a slab's addressors; taken in and let go only here.
  var entries: Slab<FileEntry>
  /// A place is 0 when free, otherwise one more than the slot of an entry below 32 bits of its
  /// hash.
  private var places: [UInt64]
  private var hand = 0
  private(set) var usage = FileUsage()

  private static var placesInSet: Int { 8 }

  init(limits: FileLimits) {
    self.limits = limits
    // What is unlisted is held by a response, or is one of the two that an answer waits for, and
    // one more entry comes before the last goes.
    entries = Slab(capacity: limits.entries + limits.responses + 4)
    var sets = 1
    while sets * FileCache.placesInSet < 2 * limits.entries { sets *= 2 }
    places = [UInt64](repeating: 0, count: sets * FileCache.placesInSet)
  }

  // MARK: Finding

  func find(
    hash: UInt64, route: Int, representation: Representation, path: Span<UInt8>, site: Span<UInt8>
  ) -> Handle? {
    let first = firstPlace(hash)
    for i in first..<first + FileCache.placesInSet {
      guard let slot = slot(at: i, hash: hash), let handle = entries.handle(ofSlot: slot),
        entries[handle].isFor(
          route: route, representation: representation, path: path, site: site)
      else { continue }
      return handle
    }
    return nil
  }

  private func firstPlace(_ hash: UInt64) -> Int {
    Int(truncatingIfNeeded: hash) & (places.count - 1) & ~(FileCache.placesInSet - 1)
  }

  private func slot(at place: Int, hash: UInt64) -> UInt32? {
    let value = places[place]
    guard value != 0, value >> 32 == hash >> 32 else { return nil }
    return UInt32(truncatingIfNeeded: value) - 1
  }

  // MARK: Keeping

  /// Lists an entry whose key is not listed.
  mutating func insert(_ entry: consuming FileEntry) -> Handle {
    let hash = entry.hash
    if usage.entries >= limits.entries { giveUp(enough: { $0.entries < $1.entries }) }
    let place = freePlace(hash)
    entry.isListed = true
    usage.entries += 1
    let handle = add(entry)
    places[place] = hash & ~0xffff_ffff | UInt64(handle.slot + 1)
    return handle
  }

  /// Takes in an entry that is not found by its key, and goes with its last pin.
  mutating func add(_ entry: consuming FileEntry) -> Handle {
    usage.contentBytes += entry.content.capacity
    if entry.isOpen { usage.descriptors += 1 }
    guard let handle = entries.insert(entry) else {
      preconditionFailure("the slab has room for all that the limits allow")
    }
    return handle
  }

  /// A free place of the hash's set, made free if need be.
  private mutating func freePlace(_ hash: UInt64) -> Int {
    let first = firstPlace(hash)
    let set = first..<first + FileCache.placesInSet
    for place in set where places[place] == 0 { return place }
    for place in set {
      guard let handle = entry(at: place) else { continue }
      if !entries[handle].wasUsed {
        unlist(place)
        return place
      }
      entries[handle].wasUsed = false
    }
    unlist(first)
    return first
  }

  private func entry(at place: Int) -> Handle? {
    let value = places[place]
    return value == 0 ? nil : entries.handle(ofSlot: UInt32(truncatingIfNeeded: value) - 1)
  }

  mutating func remove(_ handle: Handle) {
    let hash = entries[handle].hash
    let first = firstPlace(hash)
    for place in first..<first + FileCache.placesInSet where entry(at: place) == handle {
      unlist(place)
      return
    }
  }

  mutating func removeAll() {
    for place in places.indices where places[place] != 0 { unlist(place) }
  }

  private mutating func unlist(_ place: Int) {
    guard let handle = entry(at: place) else { return }
    places[place] = 0
    usage.entries -= 1
    entries[handle].isListed = false
    if entries[handle].pins == 0 { free(handle) }
  }

  private mutating func free(_ handle: Handle) {
    usage.contentBytes -= entries[handle].content.capacity
    if entries[handle].isOpen { usage.descriptors -= 1 }
    entries.discard(handle)
  }

  // MARK: Limits

  /// Makes room for `count` more bytes of content; false when responses hold too many.
  mutating func makeRoom(contentBytes count: Int) -> Bool {
    guard count <= limits.contentBytes else { return false }
    return giveUp(
      enough: { $0.contentBytes + count <= $1.contentBytes },
      if: { $0.isInMemory && $0.pins == 0 })
  }

  /// Makes room for one more open file, as far as files are open for no response.
  mutating func makeRoomForDescriptor() {
    giveUp(
      enough: { $0.descriptors < $1.descriptors }, if: { $0.isOpen && $0.pins == 0 })
  }

  /// Gives up one open file that no response needs; false when there is none.
  mutating func giveUpDescriptor() -> Bool {
    let before = usage.descriptors
    giveUp(
      enough: { usage, _ in usage.descriptors < before },
      if: { $0.isOpen && $0.pins == 0 })
    return usage.descriptors < before
  }

  /// Moves the hand on until it is `enough`, at most twice round: the second time everything
  /// counts as not asked for.
  @discardableResult
  private mutating func giveUp(
    enough: (FileUsage, FileLimits) -> Bool, if helps: (borrowing FileEntry) -> Bool = { _ in true }
  ) -> Bool {
    for _ in 0..<2 * places.count {
      if enough(usage, limits) { return true }
      hand = (hand + 1) & (places.count - 1)
      guard let handle = entry(at: hand), helps(entries[handle]) else { continue }
      if entries[handle].wasUsed {
        entries[handle].wasUsed = false
      } else {
        unlist(hand)
      }
    }
    return enough(usage, limits)
  }

  // MARK: Pins

  mutating func pin(_ handle: Handle) {
    if entries[handle].pins == 0 { usage.pinned += 1 }
    entries[handle].pins += 1
  }

  mutating func unpin(_ handle: Handle) {
    entries[handle].pins -= 1
    precondition(entries[handle].pins >= 0, "let go of more often than held")
    guard entries[handle].pins == 0 else { return }
    usage.pinned -= 1
    if !entries[handle].isListed { free(handle) }
  }
}
