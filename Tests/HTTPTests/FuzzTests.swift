import Glibc
import HTTP
import Memory
import Testing

/// Mutations of the corpus against what must hold for any bytes whatever.
///
/// `MARTLET_FUZZ_ROUNDS` asks for more rounds of each (the default takes a second or two) and
/// `MARTLET_FUZZ_SEED` for other ones. A trap names its input with `MARTLET_FUZZ_TRACE=1`.
@Suite(.serialized) struct FuzzTests {
  private static func setting(_ name: String) -> Int? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe Int(String(cString: value))
  }

  private static let rounds = setting("MARTLET_FUZZ_ROUNDS") ?? 10_000
  private static let seed = setting("MARTLET_FUZZ_SEED") ?? 1
  private static let traces = setting("MARTLET_FUZZ_TRACE") == 1

  private func forMutations(
    of corpus: [String], _ body: ([UInt8], inout SeededGenerator) throws -> Void
  ) rethrows {
    var random = SeededGenerator(seed: UInt64(truncatingIfNeeded: Self.seed))
    let mutator = Mutator(corpus: corpus)
    for _ in 0..<Self.rounds {
      let bytes = mutator.next(&random)
      if Self.traces { print(shown(bytes)) }
      try body(bytes, &random)
    }
  }

  private func shown(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self).debugDescription
  }

  @Test func `a request head is whole, in part or refused, and a part never says more`() {
    forMutations(of: Corpus.requests) { bytes, random in
      let whole = readRequest(bytes)
      let length = (try? whole.get())?.length
      if let length {
        #expect(length > 0 && length <= bytes.count, "\(shown(bytes))")
        let seen = HeadEnd.isPresent(in: bytes.span, searched: 0)
        #expect(seen, "\(shown(bytes))")
      }
      for _ in 0..<4 {
        let count = Int.random(in: 0...bytes.count, using: &random)
        let part = readRequest(Array(bytes[..<count]))
        switch part {
        case .failure(let refusal): #expect(refusal == whole.failure, "\(shown(bytes))")
        case .success(.some): #expect(part == whole, "\(shown(bytes))")
        case .success(nil): #expect(length.map { count < $0 } ?? true, "\(shown(bytes))")
        }
      }
      if case .success(.some(let summary)) = whole { check(summary, bytes) }
    }
  }

  /// What was accepted is accepted again as we write it, and says the same.
  private func check(_ summary: RequestSummary, _ bytes: [UInt8]) {
    #expect(summary.host != nil || summary.version == .http10)
    #expect(summary.path.isEmpty || summary.path.hasPrefix("/") || summary.path == "*")
    var head = RequestHead()
    guard (try? head.parse(bytes.span, limits: HeadLimits())) == true else {
      Issue.record("read once but not twice: \(shown(bytes))")
      return
    }
    var buffer = ByteBuffer(capacity: bytes.count * 2 + 64)
    var writer = HeadWriter()
    writer.requestLine(head, from: bytes.span, to: &buffer)
    writer.copyFields(head.fields, from: bytes.span, except: [.host, .expect], to: &buffer)
    if let host = head.host {
      writer.field("Host", bytes.span.extracting(host.range), to: &buffer)
    } else {
      writer.field("Host", "none", to: &buffer)
    }
    let fits = writer.end(&buffer)
    #expect(fits)
    let again = readRequest(copied(buffer.readable))
    guard case .success(.some(let second)) = again else {
      Issue.record("\(again): \(shown(bytes))")
      return
    }
    #expect(second.methodText == summary.methodText)
    let kept = summary.fields.filter {
      !$0.isHopByHop && !$0.isDropped && $0.id != .host && $0.id != .expect
    }
    #expect(second.fields.filter { $0.id != .host } == kept, "\(shown(bytes))")
    if summary.host != nil { #expect(second.hostName == summary.hostName) }
  }

  @Test func `a response head is whole, in part or refused, and a part never says more`() {
    forMutations(of: Corpus.responses) { bytes, random in
      let method: Method = Bool.random(using: &random) ? .get : .head
      let whole = readResponse(bytes, to: method)
      let length = (try? whole.get())?.length
      for _ in 0..<4 {
        let count = Int.random(in: 0...bytes.count, using: &random)
        let part = readResponse(Array(bytes[..<count]), to: method)
        switch part {
        case .failure(let malformed): #expect(malformed == whole.failure, "\(shown(bytes))")
        case .success(.some): #expect(part == whole, "\(shown(bytes))")
        case .success(nil): #expect(length.map { count < $0 } ?? true, "\(shown(bytes))")
        }
      }
      guard case .success(.some(let summary)) = whole else { return }
      #expect((100...599).contains(summary.status) && summary.length <= bytes.count)
      #expect(method != .head || !summary.framing.hasBody)
    }
  }

  @Test func `limits hold for any bytes`() {
    forMutations(of: Corpus.requests) { bytes, random in
      let limits = HeadLimits(
        lineBytes: Int.random(in: 1...60, using: &random),
        headBytes: Int.random(in: 1...200, using: &random),
        fields: Int.random(in: 0...4, using: &random))
      switch readRequest(bytes, limits: limits) {
      case .success(.some(let summary)):
        #expect(summary.length <= limits.headBytes && summary.fields.count <= limits.fields)
        #expect(readRequest(bytes) == .success(summary))
      case .success(nil):
        #expect(bytes.count < limits.headBytes, "\(shown(bytes))")
      case .failure(let refusal):
        #expect([400, 414, 417, 431, 501, 505].contains(refusal.status))
      }
    }
  }

  @Test func `a chunked body says the same wherever it is cut`() {
    forMutations(of: Corpus.bodies) { bytes, random in
      let whole = decode(bytes)
      #expect(whole.data.count <= bytes.count && whole.length <= bytes.count)
      let cuts = (0..<4).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
      #expect(decode(bytes, cuts: cuts) == whole, "\(shown(bytes)) at \(cuts)")
      if bytes.count < 100, bytes.count > 0 {
        #expect(decode(bytes, cuts: Array(1..<bytes.count)) == whole, "\(shown(bytes))")
      }
    }
  }

  @Test func `a normal path has no way out of its root`() {
    forMutations(of: Corpus.paths) { bytes, random in
      let path = [UInt8(ascii: "/")] + bytes.prefix(200)
      let mergeSlashes = Bool.random(using: &random)
      var buffer = ByteBuffer(capacity: 256)
      do throws(Refusal) {
        try NormalizedPath.write(path.span, mergeSlashes: mergeSlashes, to: &buffer)
      } catch {
        #expect(buffer.isEmpty && error.status == 400)
        return
      }
      let normal = copied(buffer.readable)
      #expect(normal.first == UInt8(ascii: "/") && normal.count <= path.count)
      let segments = normal.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      let dots = [[UInt8(ascii: ".")], [UInt8(ascii: "."), UInt8(ascii: ".")]]
      #expect(!segments.contains { dots.contains(Array($0)) }, "\(shown(path))")
      #expect(!normal.contains(0))
      if mergeSlashes {
        #expect(!segments.dropFirst().dropLast().contains([]), "\(shown(path))")
      }
      guard NormalizedPath.isNormal(path.span, mergeSlashes: mergeSlashes) else { return }
      // With an escape behind it, it is looked at byte by byte.
      let escaped = path + Array("%41".utf8)
      buffer.clear()
      try? NormalizedPath.write(escaped.span, mergeSlashes: mergeSlashes, to: &buffer)
      #expect(copied(buffer.readable) == path + [UInt8(ascii: "A")], "\(shown(path))")
    }
  }

  @Test func `readers of values stay within them`() {
    forMutations(of: Corpus.lists) { bytes, random in
      let start = Int.random(in: 0...bytes.count, using: &random)
      let list = Slice(start..<bytes.count)
      var reader = ListReader(list)
      var last = start
      while let element = reader.next(bytes.span) {
        #expect(Int(element.start) >= last && element.end <= bytes.count && !element.isEmpty)
        last = element.end
      }
      let name = Array("sid".utf8)
      if let value = CookieReader.value(of: name.span, in: list, from: bytes.span) {
        #expect(Int(value.start) >= start + 4 && value.end <= bytes.count)
      }
      switch Result(catching: { () throws(Malformed) in try WebSocketFrame.parse(bytes.span) }) {
      case .success(let frame): #expect(frame.map { $0.length <= bytes.count } ?? true)
      case .failure(let malformed): #expect(malformed.at < bytes.count)
      }
    }
  }
}

/// Makes bytes that nearly are a message.
struct Mutator {
  private let corpus: [[UInt8]]
  private let tokens = Corpus.tokens.map { Array($0.utf8) }

  init(corpus: [String]) { self.corpus = corpus.map { Array($0.utf8) } }

  func next(_ random: inout SeededGenerator) -> [UInt8] {
    var bytes = corpus.randomElement(using: &random) ?? []
    for _ in 0..<Int.random(in: 0...3, using: &random) { mutate(&bytes, &random) }
    return bytes
  }

  private func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
    let at = Int.random(in: 0...bytes.count, using: &random)
    let end = min(at + Int.random(in: 1...8, using: &random), bytes.count)
    switch Int.random(in: 0..<8, using: &random) {
    case 0 where at < bytes.count: bytes[at] = UInt8.random(in: 0...255, using: &random)
    case 1 where at < bytes.count: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 2: bytes.removeSubrange(at..<end)
    case 3: bytes.insert(contentsOf: bytes[at..<end], at: at)
    case 4: bytes.removeSubrange(at...)
    case 5:
      let other = corpus.randomElement(using: &random) ?? []
      bytes.replaceSubrange(at..., with: other.suffix(max(other.count - at, 0)))
    default: bytes.insert(contentsOf: tokens.randomElement(using: &random) ?? [], at: at)
    }
  }
}
