import Configuration

/// What one request says about the server it wants: filled in by `Balancer.observe` while the
/// head is read, used by `Balancer.pick`.
public struct AffinityKey: Sendable {
  /// The place of the key in the pool's list; the first that a request has wins.
  var rank = Int.max
  var hash: UInt64 = 0
  /// The value of the pool's own cookie; 0 without, or when it is none that we issued.
  var cookie: UInt64 = 0
  /// The request has one of the keys.
  var isKnown: Bool { rank != .max }

  public init() {}

  mutating func offer(rank: Int, hash: UInt64) {
    guard rank < self.rank else { return }
    self.rank = rank
    self.hash = hash
  }
}

/// What of a request the pools ask for, flat, so that no reference is counted per request.
struct AffinityPlan: Sendable {
  private enum Kind: Sendable { case cookie, field, address, ownCookie }

  private struct Item: Sendable {
    let kind: Kind
    let rank: Int
    let nameStart: Int
    let nameCount: Int
  }

  /// Where the items of one pool are.
  struct Range: Sendable {
    var first = 0
    var count = 0
    var asksForFields = false
  }

  private var items: [Item] = []
  private var names: [UInt8] = []

  /// Takes in one field of a head.
  func observe(
    _ range: Range, name: Span<UInt8>, value: Span<UInt8>, key: inout AffinityKey
  ) {
    let isCookie = AffinityPlan.isCookie(name)
    for i in range.first..<range.first + range.count {
      let item = items[i]
      switch item.kind {
      case .field:
        if item.rank < key.rank, value.count > 0, spells(item, name, foldingCase: true) {
          key.offer(rank: item.rank, hash: StableHash.of(value))
        }
      case .cookie, .ownCookie:
        if isCookie { observe(item, cookies: value, &key) }
      case .address: break
      }
    }
  }

  /// Takes in the client's address.
  func observe(_ range: Range, address: UInt64, key: inout AffinityKey) {
    for i in range.first..<range.first + range.count where items[i].kind == .address {
      key.offer(rank: items[i].rank, hash: address)
    }
  }

  /// Looks for one cookie in the value of a Cookie field (RFC 6265 §4.2.1).
  private func observe(_ item: Item, cookies: Span<UInt8>, _ key: inout AffinityKey) {
    var start = 0
    while start < cookies.count {
      var end = start
      while end < cookies.count, cookies[end] != 0x3B { end += 1 }  // ;
      while start < end, cookies[start] == 0x20 || cookies[start] == 0x09 { start += 1 }
      var equals = start
      while equals < end, cookies[equals] != 0x3D { equals += 1 }
      if equals < end, spells(item, cookies.extracting(start..<equals), foldingCase: false) {
        var last = end
        while last > equals + 1, cookies[last - 1] == 0x20 || cookies[last - 1] == 0x09 {
          last -= 1
        }
        take(item, cookies.extracting((equals + 1)..<last), &key)
        return  // the first of a name is the most specific (RFC 6265 §5.4)
      }
      start = end + 1
    }
  }

  private func take(_ item: Item, _ value: Span<UInt8>, _ key: inout AffinityKey) {
    if item.kind == .ownCookie {
      if key.cookie == 0 { key.cookie = ServerIdentity.parse(value) ?? 0 }
    } else if value.count > 0, item.rank < key.rank {
      key.offer(rank: item.rank, hash: StableHash.of(value))
    }
  }

  private func spells(_ item: Item, _ text: Span<UInt8>, foldingCase: Bool) -> Bool {
    guard item.nameCount == text.count else { return false }
    for i in 0..<item.nameCount {
      let byte = foldingCase ? lowercased(text[i]) : text[i]
      if names[item.nameStart + i] != byte { return false }
    }
    return true
  }

  private static func isCookie(_ name: Span<UInt8>) -> Bool {
    name.count == 6 && lowercased(name[0]) == 0x63 && lowercased(name[1]) == 0x6F
      && lowercased(name[2]) == 0x6F && lowercased(name[3]) == 0x6B
      && lowercased(name[4]) == 0x69 && lowercased(name[5]) == 0x65
  }

  // MARK: Building

  mutating func add(_ pool: PoolPlan) -> Range {
    var range = Range(first: items.count)
    if let cookie = pool.cookie { append(.ownCookie, rank: 0, name: cookie.name) }
    for (rank, key) in pool.keys.enumerated() { append(key, rank: rank) }
    close(&range)
    return range
  }

  /// A range for one key alone.
  mutating func add(_ key: HashKey) -> Range {
    var range = Range(first: items.count)
    append(key, rank: 0)
    close(&range)
    return range
  }

  private func close(_ range: inout Range) {
    range.count = items.count - range.first
    range.asksForFields = items[range.first...].contains { $0.kind != .address }
  }

  private mutating func append(_ key: HashKey, rank: Int) {
    switch key {
    case .cookie(let name): append(.cookie, rank: rank, name: name)
    case .header(let name): append(.field, rank: rank, name: name.lowercased())
    case .address: append(.address, rank: rank, name: "")
    }
  }

  private mutating func append(_ kind: Kind, rank: Int, name: String) {
    items.append(
      Item(kind: kind, rank: rank, nameStart: names.count, nameCount: name.utf8.count))
    names.append(contentsOf: name.utf8)
  }
}

private func lowercased(_ byte: UInt8) -> UInt8 {
  byte >= 0x41 && byte <= 0x5A ? byte + 0x20 : byte
}
