import HTTP
import Testing

@Test(arguments: FieldName.allCases)
func `a name is recognised in any case, and nothing near it is`(name: FieldName) {
  guard name != .other else { return }
  let text = name.text.description
  for spelling in [text, text.lowercased(), text.uppercased()] {
    #expect(recognised(spelling) == name)
  }
  for i in text.utf8.indices {
    var bytes = Array(text.utf8)
    bytes[text.utf8.distance(from: text.utf8.startIndex, to: i)] = UInt8(ascii: "~")
    #expect(recognised(String(decoding: bytes, as: UTF8.self)) == .other)
  }
  #expect(recognised(text + "s") == .other)
  #expect(recognised(String(text.dropLast())) == .other)
  #expect(recognised(text.replacing("-", with: "_")) == (text.contains("-") ? .other : name))
}

private func recognised(_ text: String) -> FieldName {
  let bytes = Array(text.utf8)
  return FieldName(bytes.span, Slice(0..<bytes.count))
}
