public import CLibraries
public import Configuration
public import HTTP

/// All routes, compiled for matching: nginx's order without walking a list.
///
/// Hosts form groups: one for each exact name, each suffix, and any host. The most specific
/// group that the host belongs to is asked first, then the next, until a route takes the
/// request. Within a group, as nginx: an exact path; else the longest prefix is remembered and,
/// unless it is final, the first regex that matches goes before it. A route whose methods or
/// headers do not hold does not take part. The cost does not grow with the number of routes,
/// except for regexes, which are tried one after the other.
///
/// A table never changes: one serves all workers, and a new configuration brings a new one.
public final class RouteTable: Sendable {
  public enum Outcome: Equatable, Sendable {
    /// The number of the route in the list that the table was made from.
    case route(Int)
    case notFound
    /// A regex ran into its limits of work on this path; nobody can tell which route is right
    /// (nginx answers 500).
    case gaveUp
  }

  private let tries: ByteTrie
  /// A tree of hosts spelled backwards, whose values are groups.
  private let hosts: Int32
  /// The group of routes for any host; -1 without.
  private let anyHost: Int32
  private let groups: [RouteGroup]
  private let candidates: RouteCandidates
  private let patterns: PatternSet
  /// A tree of methods, whose values are their bits' numbers.
  private let methods: Int32
  private let fieldConditions: FieldConditions

  /// - Throws: at the first route whose regex does not compile, and at a 65th method name.
  public init(_ matches: [Match]) throws(RouteTableError) {
    var builder = RouteTableBuilder()
    for (i, match) in matches.enumerated() { try builder.add(match, route: i) }
    builder.finish()
    tries = builder.tries
    hosts = builder.hosts
    anyHost = builder.anyHost
    groups = builder.groups
    candidates = builder.candidates
    patterns = PatternSet(builder.patterns)
    methods = builder.methods
    fieldConditions = builder.fieldConditions
  }

  /// Finds the route of a request whose head has been read from `bytes`.
  ///
  /// - Parameter path: the target's normalised.
  public func match(
    _ head: borrowing RequestHead, in bytes: Span<UInt8>, path: Span<UInt8>,
    scratch: inout RouteScratch
  ) -> Outcome {
    observe(head, in: bytes, scratch: &scratch)
    return match(
      host: bytes.extracting(head.hostName.range), path: path,
      method: bytes.extracting(head.methodSlice.range), scratch: &scratch)
  }

  /// Finds the route of a request that goes on as another one: to `path`, by `method`.
  public func match(
    _ head: borrowing RequestHead, in bytes: Span<UInt8>, path: Span<UInt8>, method: String,
    scratch: inout RouteScratch
  ) -> Outcome {
    observe(head, in: bytes, scratch: &scratch)
    return match(
      host: bytes.extracting(head.hostName.range), path: path, method: method.utf8.span,
      scratch: &scratch)
  }

  private func observe(
    _ head: borrowing RequestHead, in bytes: Span<UInt8>, scratch: inout RouteScratch
  ) {
    begin(&scratch)
    if asksForFields {
      for i in 0..<head.fields.count where !head.fields[i].isDropped {
        observe(
          name: bytes.extracting(head.fields[i].name.range),
          value: bytes.extracting(head.fields[i].value.range), scratch: &scratch)
      }
    }
  }

  /// Finds the route of a request.
  ///
  /// - Parameters:
  ///   - host: without port; upper and lower case are the same, a trailing dot is ignored.
  ///   - path: normalised: decoded, slashes merged, dots resolved.
  ///   - scratch: holds what `observe` has noted about the request's fields since `begin`.
  public func match(
    host: Span<UInt8>, path: Span<UInt8>, method: Span<UInt8>, scratch: inout RouteScratch
  ) -> Outcome {
    scratch.captures.removeAll()
    let methodBit = bit(of: method)
    var number = group(of: host)
    while number >= 0 {
      let group = groups[Int(number)]
      let found = tries.find(path, from: group.paths)
      let exact = candidates.firstHolding(from: found.exact, methodBit, scratch.conditions)
      if exact >= 0 { return .route(Int(candidates[exact].route)) }

      // The longest prefix that has a route whose methods and headers hold.
      var node = found.prefixNode
      var remembered: Int32 = -1
      while node >= 0, remembered < 0 {
        remembered = candidates.firstHolding(
          from: tries.prefixValue(of: node), methodBit, scratch.conditions)
        node = tries.shorter(than: node)
      }
      if remembered < 0 || !candidates[remembered].isFinal {
        var regex = candidates.firstHolding(
          from: group.firstRegex, methodBit, scratch.conditions)
        while regex >= 0 {
          let candidate = candidates[regex]
          switch patterns.match(
            Int(candidate.pattern), path, &scratch.patterns, captures: &scratch.captures)
          {
          case .matched: return .route(Int(candidate.route))
          case .gaveUp: return .gaveUp
          case .unmatched: break
          }
          regex = candidates.nextHolding(after: regex, methodBit, scratch.conditions)
        }
      }
      if remembered >= 0 { return .route(Int(candidates[remembered].route)) }
      number = group.next
    }
    return .notFound
  }

  /// True when routes ask for header fields, so that `observe` must see those of a request.
  public var asksForFields: Bool { !fieldConditions.isEmpty }

  /// Forgets the fields of the request before.
  public func begin(_ scratch: inout RouteScratch) { scratch.conditions.removeAll() }

  /// Notes what one field of the request means to the routes.
  ///
  /// - Parameter name: upper and lower case are the same.
  public func observe(
    name: Span<UInt8>, value: Span<UInt8>, scratch: inout RouteScratch
  ) {
    let condition = fieldConditions.find(name: name, value: value, in: tries)
    if condition >= 0 { scratch.conditions.insert(condition) }
  }

  /// The bit of a method that some route names; 0 for others.
  private func bit(of method: Span<UInt8>) -> UInt64 {
    let number = tries.find(method, from: methods).exact
    return number < 0 ? 0 : 1 << UInt64(number)
  }

  /// The most specific group of a host; -1 without.
  private func group(of host: Span<UInt8>) -> Int32 {
    var count = host.count
    if count > 0, host[count - 1] == 0x2E { count -= 1 }
    // No name is longer than 255 bytes (RFC 1035 §2.3.4).
    guard hosts >= 0, count <= 255 else { return anyHost }
    var reversed = InlineArray<256, UInt8>(repeating: 0)
    for i in 0..<count { reversed[i] = lowercased(host[count - 1 - i]) }
    let found = tries.find(reversed.span.extracting(first: count), from: hosts)
    if found.exact >= 0 { return found.exact }
    return found.prefixNode >= 0 ? tries.prefixValue(of: found.prefixNode) : anyHost
  }
}

/// Why routes make no table.
public struct RouteTableError: Error, Equatable, Sendable {
  public enum Reason: Equatable, Sendable {
    case pattern(PatternError)
    /// All routes together name more than 64 methods.
    case tooManyMethods
  }

  /// The number of the route.
  public let route: Int
  public let reason: Reason

  public init(route: Int, reason: Reason) {
    self.route = route
    self.reason = reason
  }
}

func lowercased(_ byte: UInt8) -> UInt8 {
  byte >= 0x41 && byte <= 0x5A ? byte + 0x20 : byte
}
