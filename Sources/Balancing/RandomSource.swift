/// Random numbers that a seed determines: xoshiro256** (Blackman and Vigna, 2018).
///
/// One per worker, seeded by the caller: with a fixed seed a test sees the same choices again.
public struct RandomSource: RandomNumberGenerator, Sendable {
  private var s0: UInt64
  private var s1: UInt64
  private var s2: UInt64
  private var s3: UInt64

  public init(seed: UInt64) {
    // SplitMix64, as the authors advise: no seed gives the state of zeros, which never changes.
    var state = seed
    func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
      return z ^ z >> 31
    }
    s0 = next()
    s1 = next()
    s2 = next()
    s3 = next()
  }

  public mutating func next() -> UInt64 {
    let product = s1 &* 5
    let result = (product << 7 | product >> 57) &* 9
    let t = s1 << 17
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= t
    s3 = s3 << 45 | s3 >> 19
    return result
  }

  /// A number below `limit`, each as likely as the others to within 1 in 2^64/limit.
  ///
  /// - Precondition: `limit` is more than 0.
  public mutating func below(_ limit: UInt64) -> UInt64 {
    precondition(limit > 0)
    return next().multipliedFullWidth(by: limit).high
  }
}
