/// Whose turn it is among requests that wait for a server, and how many of a server's slots they
/// may take.
///
/// HAProxy: `set-priority-class`. Envoy: `priority`.
public enum Priority: Int, CaseIterable, Equatable, Sendable {
  /// What a person waits for at the door: logins.
  case high
  case normal
  /// What takes long and may take longer: reports, exports, uploads.
  case low
}

extension Codec where Value == Priority {
  static var priority: Codec {
    .words(
      "a priority", ["high": .high, "normal": .normal, "low": .low],
      synonyms: [
        "urgent": "high", "interactive": "high", "default": "normal", "medium": "normal",
        "bulk": "low", "background": "low", "batch": "low",
      ])
  }
}
