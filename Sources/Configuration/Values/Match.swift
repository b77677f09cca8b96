/// Which requests a route takes. Everything given must hold.
///
/// Between routes nginx's order decides. Host: exact, then the longest suffix, then any. Path:
/// exact; else the longest prefix, unless a regex matches first and the prefix is not final.
/// Between equals, the one with methods or headers that hold goes first, then the first in the
/// file.
public struct Match: Equatable, Sendable {
  /// Any one of them; empty is any host. nginx: `server_name`.
  public var hosts: [HostPattern] = []
  /// On the normalised path. nginx: `location`.
  public var path = PathPattern.prefix("/")
  /// Any one of them, case-sensitive (RFC 9110 §9.1); empty is any method.
  public var methods: [String] = []
  /// All of them: the field is there and has exactly this value.
  public var headers: [HeaderField] = []

  public init() {}
}

/// Which hosts. Compared without port and without regard to case; kept in lower case.
public enum HostPattern: Hashable, Sendable {
  case exact(String)
  /// `*.example.com` is `.suffix(".example.com")`: any name that ends so, itself not included.
  case suffix(String)
}

/// Which normalised paths.
public enum PathPattern: Hashable, Sendable {
  /// nginx: `location = /x`.
  case exact(String)
  /// As text, not as segments, as in nginx: `/assets` takes `/assetsfoo`, too. A final one
  /// keeps regexes out: nginx `location ^~`.
  case prefix(String, isFinal: Bool = false)
  /// PCRE, case-sensitive unless it begins with `(?i)`, not anchored. nginx: `location ~`.
  case regex(String)
}
