/// Sizes as texts: `512`, `8KiB`, `50MiB`, and as nginx has them, `8k`, `50m`.
enum ByteCount {
  private static let units: [(name: String, bytes: Int)] = [
    ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
  ]

  /// The shortest text that is exact.
  static func text(_ bytes: Int) -> String {
    guard bytes > 0, let unit = units.first(where: { bytes % $0.bytes == 0 }) else {
      return String(bytes)
    }
    return "\(bytes / unit.bytes)\(unit.name)"
  }

  static func parse(_ text: String) throws(Complaint) -> Int {
    let digits = text.prefix { ("0"..."9").contains($0) }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    guard !digits.isEmpty else {
      throw Complaint("is not a size", ["write a size like 512, 8KiB, 50MiB or 1GiB"])
    }
    let factor: Int
    switch unit {
    case "", "B": factor = 1
    case "k", "K", "KiB": factor = 1 << 10
    case "m", "M", "MiB": factor = 1 << 20
    case "g", "G", "GiB": factor = 1 << 30
    default:
      // `50MB`, `50mb`, `50Mi`: what they are elsewhere differs by one part in twenty.
      let letter = unit.first.map { $0.uppercased() } ?? ""
      let meant = units.first { $0.name.hasPrefix(letter) }
      throw Complaint(
        "has no unit that sizes are written in",
        [meant.map { "did you mean \(digits)\($0.name)?" } ?? "units are KiB, MiB and GiB"])
    }
    guard let number = Int(digits), !number.multipliedReportingOverflow(by: factor).overflow else {
      throw Complaint("is too large")
    }
    return number * factor
  }
}
