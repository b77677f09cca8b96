import HTTP
import Memory
import Testing

/// What nginx 1.22.1 itself made of each path: `location / { return 200 "$uri"; }`.
@Suite struct NormalizedPathTests {
  static let merged: [(String, String?)] = [
    ("/", "/"), ("//", "/"), ("/a//b", "/a/b"), ("/./", "/"), ("/../", nil), ("/a/..", "/"),
    ("/a/.", "/a/"), ("/a/../", "/"), ("/a/./b", "/a/b"), ("/a/b/../../..", nil),
    ("/a/b/../..", "/"), ("/...", "/..."), ("/.../", "/.../"), ("/..a", "/..a"), ("/.a", "/.a"),
    ("/a..", "/a.."), ("/a../b", "/a../b"), ("/%2e%2e/", nil), ("/a/%2e%2e", "/"),
    ("/a/.%2e/b", "/b"), ("/a%2fb", "/a/b"), ("/a%2F..", "/"), ("/%252e%252e/", "/%2e%2e/"),
    ("/a%3fb?c", "/a?b"), ("/a?b%00", "/a"), ("/a#b?c", "/a"), ("/a%23b", "/a#b"), ("/%00", nil),
    ("/a\0b", nil),
    ("/a%", nil), ("/a%2", nil), ("/a%2x", nil), ("//..", nil), ("/a//../b", "/b"),
    ("/a/..//b", "/b"), ("/%2f..", nil), ("/a/%2f", "/a/"), ("/.?x", "/"), ("/..?x", nil),
    ("/a/..?x", "/"), ("/a/.#x", "/a/"), ("/a/..#x", "/"), ("/%2e", "/"), ("/%2e%2e", nil),
    ("/a/%2e%2e%2f", "/"), ("/a/..%2fb", "/b"), ("/%61%2B+%20;", "/a++ ;"),
    ("", "/"), ("?a", "/"),
  ]

  /// Where `merge_slashes off` makes a difference.
  static let unmerged: [(String, String?)] = [
    ("//", "//"), ("/a//b", "/a//b"), ("//..", "/"), ("/a//../b", "/a/b"), ("/a/..//b", "//b"),
    ("/%2f..", "/"), ("/a/%2f", "/a//"), ("/a/../..", nil),
  ]

  @Test(arguments: merged)
  func `a path is what nginx makes of it`(path: String, expected: String?) {
    #expect(normalized(path, mergeSlashes: true) == expected)
  }

  @Test(arguments: unmerged)
  func `a path is what nginx makes of it with merge_slashes off`(path: String, expected: String?) {
    #expect(normalized(path, mergeSlashes: false) == expected)
  }

  @Test(arguments: merged + unmerged, [true, false])
  func `a path called normal is its own normal form`(
    row: (String, String?), mergeSlashes: Bool
  ) {
    let bytes = Array(row.0.utf8)
    if NormalizedPath.isNormal(bytes.span, mergeSlashes: mergeSlashes) {
      // With an escape behind it, it is looked at byte by byte.
      #expect(normalized(row.0 + "%41", mergeSlashes: mergeSlashes) == row.0 + "A")
    }
  }

  @Test(arguments: [
    ("/", true), ("/app/home", true), ("/assets/frappe/js/x.bundle.AB12.js", true),
    ("/a.b./c", true),
    ("/aaaaaaa/bbbbbbb/ccccccc/", true), ("", false), ("a", false), ("/aaaaaa//", false),
    ("/aaaaaaa//b", false), ("/aaaaaaa/.b", false), ("/aaaaaaaaaaaaaa%20", false),
    ("/aaaaaaaaaaaaaaa/.", false), ("/aaaaaaaaaaaaaaaa/", true),
  ])
  func `paths without anything to resolve are told at a glance`(path: String, isNormal: Bool) {
    let bytes = Array(path.utf8)
    let answer = NormalizedPath.isNormal(bytes.span)
    #expect(answer == isNormal)
  }

  @Test func `what the buffer held stays, also when a path is refused`() throws {
    var buffer = ByteBuffer(capacity: 64)
    buffer.append("/x")
    let path = Array("/a/../../b".utf8)
    var refusal: Refusal?
    do throws(Refusal) {
      try NormalizedPath.write(path.span, to: &buffer)
    } catch {
      refusal = error
    }
    #expect(refusal?.reason == .aboveRoot)
    #expect(copied(buffer.readable) == Array("/x".utf8))
    let other = Array("/a/./b".utf8)
    try NormalizedPath.write(other.span, to: &buffer)
    #expect(copied(buffer.readable) == Array("/x/a/b".utf8))
  }

  @Test func `a path that does not fit is refused`() {
    var buffer = ByteBuffer(capacity: 4)
    let path = Array("/a%2f".utf8)
    var status: UInt16?
    do throws(Refusal) {
      try NormalizedPath.write(path.span, to: &buffer)
    } catch {
      status = error.status
    }
    #expect(status == 414)
  }

  private func normalized(_ path: String, mergeSlashes: Bool) -> String? {
    let bytes = Array(path.utf8)
    var buffer = ByteBuffer(capacity: 256)
    do throws(Refusal) {
      try NormalizedPath.write(bytes.span, mergeSlashes: mergeSlashes, to: &buffer)
    } catch {
      return nil
    }
    return String(decoding: copied(buffer.readable), as: UTF8.self)
  }
}
