public import Memory

/// Which cell belongs to which server: the control thread's book over the shared table.
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
  private var entries: [Name: Entry] = [:]
  private var free: [Int]

  public init(cells: SharedTable<ServerCell>) {
    self.cells = cells
    free = Array((0..<cells.count).reversed())
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
}
