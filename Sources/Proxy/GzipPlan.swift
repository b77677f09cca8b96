import CLibraries
import Configuration
import HTTP

/// How answers are compressed, made ready for one worker.
struct GzipPlan: Sendable {
  let rule: GzipRule
  let level: GzipStream.Level

  init(_ settings: GzipSettings) {
    rule = GzipRule(types: settings.types, minimumLength: settings.minimumBytes)
    level =
      switch settings.level {
      case .fast: .fast
      case .zlib(let number): .zlib(number)
      }
  }
}
