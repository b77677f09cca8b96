public import Memory

/// Which cell belongs to which server, and which to which pool: the control thread's book over the
/// shared tables.
///
/// A server is its pool's name and its own. While it is in some configuration it keeps its cell,
/// and with it its health and its requests in flight, over any number of reloads. Each
/// configuration claims its servers before the one it replaces releases them; a cell is free
/// again when the last claim is released, which must wait until no worker uses it.
public struct ServerDirectory {
  private struct Entry {
    let slot: Int
    var claims: Int
  }

  private struct Name: Hashable {
    let pool: String
    let server: String
  }

  public let cells: SharedTable<ServerCell>
  public let pools: SharedTable<PoolCell>
  private var entries: [Name: Entry] = [:]
  private var poolEntries: [String: Entry] = [:]
  private var free: [Int]
  private var freePools: [Int]

  public init(cells: SharedTable<ServerCell>, pools: SharedTable<PoolCell>) {
    self.cells = cells
    self.pools = pools
    free = Array((0..<cells.count).reversed())
    freePools = Array((0..<pools.count).reversed())
  }

  /// How many servers have a cell.
  public var count: Int { entries.count }

  /// The slot of a server's cell, and whether it has just been given to it; nil when the table
  /// is full. A new cell is neither healthy nor has it an address.
  public mutating func claim(pool: String, server: String) -> (slot: Int, isNew: Bool)? {
    let name = Name(pool: pool, server: server)
    if var entry = entries[name] {
      entry.claims += 1
      entries[name] = entry
      return (entry.slot, false)
    }
    guard let slot = free.popLast() else { return nil }
    entries[name] = Entry(slot: slot, claims: 1)
    cells[slot].reset()
    return (slot, true)
  }

  /// The slot of a server that is claimed.
  public func slot(pool: String, server: String) -> Int? {
    entries[Name(pool: pool, server: server)]?.slot
  }

  /// Takes back one claim.
  ///
  /// - Precondition: the server is claimed.
  public mutating func release(pool: String, server: String) {
    let name = Name(pool: pool, server: server)
    guard var entry = entries[name] else { preconditionFailure("\(name) is not claimed") }
    entry.claims -= 1
    if entry.claims == 0 {
      entries[name] = nil
      free.append(entry.slot)
    } else {
      entries[name] = entry
    }
  }

  // MARK: Pools

  /// The slot of a pool's cell; nil when the table is full.
  public mutating func claim(pool: String) -> Int? {
    if var entry = poolEntries[pool] {
      entry.claims += 1
      poolEntries[pool] = entry
      return entry.slot
    }
    guard let slot = freePools.popLast() else { return nil }
    poolEntries[pool] = Entry(slot: slot, claims: 1)
    pools[slot].reset()
    return slot
  }

  /// Takes back one claim.
  ///
  /// - Precondition: the pool is claimed.
  public mutating func release(pool: String) {
    guard var entry = poolEntries[pool] else { preconditionFailure("\(pool) is not claimed") }
    entry.claims -= 1
    poolEntries[pool] = entry.claims == 0 ? nil : entry
    if entry.claims == 0 { freePools.append(entry.slot) }
  }
}
