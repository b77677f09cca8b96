import HTTP

/// Some of the content codings.
struct CodingSet: Hashable, Sendable {
  private var bits: UInt8 = 0

  var isEmpty: Bool { bits == 0 }

  func contains(_ coding: ContentCoding) -> Bool { bits & 1 << coding.rawValue != 0 }

  mutating func insert(_ coding: ContentCoding) { bits |= 1 << coding.rawValue }

  mutating func subtract(_ other: CodingSet) { bits &= ~other.bits }
}
