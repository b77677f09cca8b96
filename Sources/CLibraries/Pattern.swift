private import CPCRE2

/// A compiled regular expression (PCRE2) over bytes, as nginx has them: `.` is one byte, classes
/// know ASCII only.
///
/// What is compiled never changes, so all threads share one pattern; what a match needs to work
/// in is the caller's, in a `PatternScratch`. A match gives up at fixed limits of work, so that
/// no subject can keep a thread busy with backtracking.
@safe public final class Pattern: Sendable {
  public enum Outcome: Equatable, Sendable {
    case matched
    case unmatched
    /// The limits of work were reached before an answer was found.
    case gaveUp
  }

  /// What was compiled.
  public let text: String
  /// How many groups capture, the whole match (group 0) not counted.
  public let groupCount: Int
  nonisolated(unsafe) fileprivate let code: OpaquePointer

  /// - Throws: with PCRE2's own words and the place where the text went wrong.
  public init(_ text: String, caseInsensitive: Bool = false) throws(PatternError) {
    // A pattern cannot switch to UTF by `(*UTF)`: bytes that are not UTF-8 would then be errors.
    let options = PCRE2_NEVER_UTF | (caseInsensitive ? PCRE2_CASELESS : 0)
    var failure: CInt = 0
    var offset = 0
    let bytes = text.utf8.span
    let compiled = unsafe bytes.withUnsafeBufferPointer { buffer in
      unsafe pcre2_compile_8(
        buffer.baseAddress, buffer.count, options, &failure, &offset, nil)
    }
    guard let compiled = unsafe compiled else {
      throw PatternError(message: Pattern.message(of: failure), offset: min(offset, bytes.count))
    }
    // Without it (no executable memory, an exotic processor) matching is slower, not different.
    _ = unsafe pcre2_jit_compile_8(compiled, PCRE2_JIT_COMPLETE)
    var groups: UInt32 = 0
    _ = unsafe pcre2_pattern_info_8(compiled, UInt32(PCRE2_INFO_CAPTURECOUNT), &groups)
    self.text = text
    groupCount = Int(groups)
    unsafe code = compiled
  }

  deinit { unsafe pcre2_code_free_8(code) }

  /// Looks for the pattern anywhere in `subject`.
  public func match(_ subject: Span<UInt8>, _ scratch: inout PatternScratch) -> Outcome {
    unsafe scratch.match(code, subject)
  }

  /// Looks for the pattern and notes where it and its groups were found.
  ///
  /// - Parameter captures: overwritten when matched, otherwise emptied.
  public func match(
    _ subject: Span<UInt8>, _ scratch: inout PatternScratch, captures: inout PatternCaptures
  ) -> Outcome {
    let outcome = unsafe scratch.match(code, subject)
    scratch.read(&captures, outcome, groupCount: groupCount)
    return outcome
  }

  /// True when the pattern is found in `subject`; false also when the match gave up.
  public func matches(_ subject: Span<UInt8>, _ scratch: inout PatternScratch) -> Bool {
    match(subject, &scratch) == .matched
  }

  private static func message(of failure: CInt) -> String {
    var bytes = [UInt8](repeating: 0, count: 256)
    let length = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
      unsafe pcre2_get_error_message_8(failure, buffer.baseAddress, buffer.count)
    }
    return String(decoding: bytes.prefix(max(Int(length), 0)), as: UTF8.self)
  }
}

/// Why a text is no pattern.
public struct PatternError: Error, Equatable, Sendable {
  /// In PCRE2's words: `missing closing parenthesis`.
  public let message: String
  /// In bytes from the beginning of the text; up to its length.
  public let offset: Int

  public init(message: String, offset: Int) {
    self.message = message
    self.offset = offset
  }
}

/// Several patterns that one reader tries by number.
///
/// Taking a pattern out of an array counts a reference, which workers would all do on the same
/// few cache lines; this does not.
@safe public final class PatternSet: Sendable {
  @unsafe private struct Compiled {
    let code: OpaquePointer
    let groupCount: Int
  }

  private let patterns: [Pattern]
  nonisolated(unsafe) private let compiled: UnsafeMutablePointer<Compiled>
  public let count: Int

  public init(_ patterns: [Pattern]) {
    self.patterns = patterns
    count = patterns.count
    unsafe compiled = .allocate(capacity: max(patterns.count, 1))
    for (i, pattern) in patterns.enumerated() {
      let entry = unsafe Compiled(code: pattern.code, groupCount: pattern.groupCount)
      unsafe (compiled + i).initialize(to: entry)
    }
  }

  deinit { unsafe compiled.deallocate() }

  public subscript(number: Int) -> Pattern { patterns[number] }

  /// Looks for pattern `number` anywhere in `subject`.
  ///
  /// - Parameter captures: overwritten when matched, otherwise emptied.
  public func match(
    _ number: Int, _ subject: Span<UInt8>, _ scratch: inout PatternScratch,
    captures: inout PatternCaptures
  ) -> Pattern.Outcome {
    precondition(number >= 0 && number < count)
    let outcome = unsafe scratch.match(compiled[number].code, subject)
    unsafe scratch.read(&captures, outcome, groupCount: compiled[number].groupCount)
    return outcome
  }
}

/// What one thread needs to match patterns in: made once, used for all of them.
@safe public struct PatternScratch: ~Copyable {
  private let data: OpaquePointer
  private let context: OpaquePointer
  private let stack: OpaquePointer

  /// PCRE2 counts steps of backtracking; a sane pattern needs some dozens, and this many take
  /// well under 10 ms.
  private static var matchLimit: UInt32 { 100_000 }
  /// Memory, in KiB, that a match without just-in-time code may take for backtracking.
  private static var heapLimit: UInt32 { 1024 }
  /// Memory, in bytes, that just-in-time code may take for the same; untouched it costs nothing.
  private static var stackBytesLimit: Int { 1 << 20 }

  public init() {
    guard let data = unsafe pcre2_match_data_create_8(UInt32(PatternCaptures.limit), nil),
      let context = unsafe pcre2_match_context_create_8(nil),
      let stack = unsafe pcre2_jit_stack_create_8(32 << 10, PatternScratch.stackBytesLimit, nil)
    else { preconditionFailure("out of memory") }
    unsafe self.data = data
    unsafe self.context = context
    unsafe self.stack = stack
    unsafe pcre2_jit_stack_assign_8(context, nil, UnsafeMutableRawPointer(stack))
    _ = unsafe pcre2_set_match_limit_8(context, PatternScratch.matchLimit)
    _ = unsafe pcre2_set_heap_limit_8(context, PatternScratch.heapLimit)
  }

  deinit {
    unsafe pcre2_match_context_free_8(context)
    unsafe pcre2_jit_stack_free_8(stack)
    unsafe pcre2_match_data_free_8(data)
  }

  fileprivate mutating func match(
    _ code: OpaquePointer, _ subject: Span<UInt8>
  ) -> Pattern.Outcome {
    let result = unsafe subject.withUnsafeBufferPointer { bytes in
      // The subject is read during the call only. An empty one may be nil (PCRE2 10.42).
      unsafe pcre2_match_8(code, bytes.baseAddress, bytes.count, 0, 0, data, context)
    }
    if result >= 0 { return .matched }
    return result == PCRE2_ERROR_NOMATCH ? .unmatched : .gaveUp
  }

  fileprivate func read(
    _ captures: inout PatternCaptures, _ outcome: Pattern.Outcome, groupCount: Int
  ) {
    captures.removeAll()
    guard outcome == .matched, let pairs = unsafe pcre2_get_ovector_pointer_8(data) else {
      return
    }
    // PCRE2 sets the pairs of the groups that the pattern has: to -1 where one took no part.
    for i in 0...min(groupCount, PatternCaptures.limit - 1) {
      let start = unsafe pairs[2 * i]
      let end = unsafe pairs[2 * i + 1]
      // `\K` in a lookahead can put the start behind the end.
      captures.append(start: start, end: max(start, end))
    }
  }
}

extension PatternScratch: @unchecked Sendable {}
