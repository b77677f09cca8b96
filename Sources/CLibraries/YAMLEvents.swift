import CYAML

/// What libyaml sees in a text, one event after another.
@safe struct YAMLEvents: ~Copyable {
  struct Event {
    enum Kind {
      case alias(String)
      case scalar(String, YAMLNode.Style)
      case sequenceStart, sequenceEnd
      case mappingStart, mappingEnd
      case documentStart
      /// The ends of the document and others that say nothing.
      case other
      case streamEnd
    }

    let kind: Kind
    let anchor: String?
    let tag: String?
    let range: YAMLRange
  }

  private let parser: UnsafeMutablePointer<yaml_parser_t>
  /// libyaml keeps a pointer to its input: this copy stays where it is until `deinit`.
  private let text: UnsafeMutableBufferPointer<UInt8>

  /// Nil when there is no memory.
  init?(_ text: String) {
    var bytes = Array(text.utf8)
    // A byte order mark would count as a column.
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    unsafe self.text = .allocate(capacity: bytes.count)
    _ = unsafe self.text.initialize(from: bytes)
    unsafe parser = .allocate(capacity: 1)
    unsafe parser.initialize(to: yaml_parser_t())
    // When this fails it leaves zeros behind, which deinit may delete.
    guard unsafe yaml_parser_initialize(parser) == 1 else { return nil }
    unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    unsafe yaml_parser_set_input_string(parser, self.text.baseAddress, self.text.count)
  }

  deinit {
    unsafe yaml_parser_delete(parser)
    unsafe parser.deallocate()
    unsafe text.deallocate()
  }

  mutating func next() throws(YAMLError) -> Event {
    var event = unsafe yaml_event_t()
    guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw failure() }
    // Strings are copied out before the event is deleted.
    defer { unsafe yaml_event_delete(&event) }
    let range = unsafe YAMLRange(start: mark(event.start_mark), end: mark(event.end_mark))
    switch unsafe event.type {
    case YAML_ALIAS_EVENT:
      let name = unsafe string(event.data.alias.anchor) ?? ""
      return Event(kind: .alias(name), anchor: nil, tag: nil, range: range)
    case YAML_SCALAR_EVENT:
      let scalar = unsafe event.data.scalar
      let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: Int(scalar.length))
      return unsafe Event(
        kind: .scalar(String(decoding: bytes, as: UTF8.self), style(scalar.style)),
        anchor: string(scalar.anchor), tag: string(scalar.tag), range: range)
    case YAML_SEQUENCE_START_EVENT:
      let start = unsafe event.data.sequence_start
      return unsafe Event(
        kind: .sequenceStart, anchor: string(start.anchor), tag: string(start.tag), range: range)
    case YAML_MAPPING_START_EVENT:
      let start = unsafe event.data.mapping_start
      return unsafe Event(
        kind: .mappingStart, anchor: string(start.anchor), tag: string(start.tag), range: range)
    case YAML_SEQUENCE_END_EVENT:
      return Event(kind: .sequenceEnd, anchor: nil, tag: nil, range: range)
    case YAML_MAPPING_END_EVENT:
      return Event(kind: .mappingEnd, anchor: nil, tag: nil, range: range)
    case YAML_DOCUMENT_START_EVENT:
      return Event(kind: .documentStart, anchor: nil, tag: nil, range: range)
    case YAML_STREAM_END_EVENT, YAML_NO_EVENT:
      return Event(kind: .streamEnd, anchor: nil, tag: nil, range: range)
    default:
      return Event(kind: .other, anchor: nil, tag: nil, range: range)
    }
  }

  private func failure() -> YAMLError {
    let problem = unsafe string(parser.pointee.problem) ?? "libyaml gave up"
    let context = unsafe string(parser.pointee.context)
    // The scanner and the parser say where; the reader below them counts bytes.
    let place =
      unsafe parser.pointee.error == YAML_READER_ERROR
      ? mark(atByte: parser.pointee.problem_offset) : mark(parser.pointee.problem_mark)
    return YAMLError(.syntax(problem: problem, context: context), at: place)
  }

  /// libyaml counts from 0, its columns in code points.
  private func mark(_ mark: yaml_mark_t) -> YAMLMark {
    YAMLMark(line: Int(clamping: mark.line) + 1, column: Int(clamping: mark.column) + 1)
  }

  private func mark(atByte offset: Int) -> YAMLMark {
    var mark = YAMLMark(line: 1, column: 1)
    for i in unsafe 0..<min(offset, text.count) {
      switch unsafe text[i] {
      case 0x0A: mark = YAMLMark(line: mark.line + 1, column: 1)
      case 0x80...0xBF: break  // within a character
      default: mark.column += 1
      }
    }
    return mark
  }

  private func string(_ text: UnsafePointer<CChar>?) -> String? {
    guard let text = unsafe text else { return nil }
    return unsafe String(cString: text)
  }

  private func string(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    guard let text = unsafe text else { return nil }
    return unsafe String(cString: text)
  }

  private func style(_ style: yaml_scalar_style_t) -> YAMLNode.Style {
    switch style {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
    case YAML_LITERAL_SCALAR_STYLE: .literal
    case YAML_FOLDED_SCALAR_STYLE: .folded
    default: .plain
    }
  }
}
