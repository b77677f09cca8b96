import Configuration
import HTTP
import Memory

/// Changes to a head, those of the whole configuration and those of a route together, prepared
/// for doing them. An object, so that looking at it counts one reference, not one for each part.
final class HeadEdits: Sendable {
  /// A field that is not the same in every head.
  struct Edited: Sendable {
    /// In lower case.
    let name: [UInt8]
    /// `Name: `
    let beginning: [UInt8]
    let value: TextTemplate
    /// In place of all of that name.
    let replaces: Bool
    /// With which statuses; empty is with all.
    let statuses: [ClosedRange<UInt16>]

    func applies(to status: UInt16) -> Bool {
      if statuses.isEmpty { return true }
      for range in statuses where range.contains(status) { return true }
      return false
    }
  }

  /// What never passes, by the names that we know …
  let dropped: FieldNameSet
  /// … and by others, in lower case.
  private let droppedOthers: [[UInt8]]
  /// Whole lines that go into every head.
  let lines: [UInt8]
  let edited: [Edited]
  /// Whether a field must be looked at by its name.
  let dropsByName: Bool
  let isEmpty: Bool
  let needsHead: Bool

  /// - Parameter own: the route's, made after `common`, those of the whole configuration.
  init(_ common: HeaderEdits, _ own: HeaderEdits, _ table: VariableTable) {
    let removed = (common.remove + own.remove).map { $0.lowercased() }
    let replaced = Set((own.remove + own.set.map(\.name)).map { $0.lowercased() })
    let sets = common.set.filter { !replaced.contains($0.name.lowercased()) } + own.set
    let adds = common.add.filter { !replaced.contains($0.name.lowercased()) } + own.add
    var (lines, edited): ([UInt8], [Edited]) = ([], [])
    for (edits, replaces) in [(sets, true), (adds, false)] {
      for edit in edits {
        if let text = edit.value.constant, edit.status.isEmpty {
          if !text.isEmpty { lines += Array("\(edit.name): \(text)\r\n".utf8) }
        } else {
          edited.append(
            Edited(
              name: Array(edit.name.lowercased().utf8),
              beginning: Array("\(edit.name): ".utf8), value: TextTemplate(edit.value, table),
              replaces: replaces,
              statuses: edit.status.map {
                UInt16(clamping: $0.lowerBound)...UInt16(clamping: $0.upperBound)
              }))
        }
      }
    }
    var dropped = FieldNameSet()
    var others: [[UInt8]] = []
    let always = sets.filter(\.status.isEmpty).map { $0.name.lowercased() }
    for name in removed + always {
      let bytes = Array(name.utf8)
      let id = FieldName(bytes.span, Slice(0..<bytes.count))
      if id == .other { others.append(bytes) } else { dropped.insert(id) }
    }
    self.dropped = dropped
    droppedOthers = others
    self.lines = lines
    self.edited = edited
    dropsByName = !others.isEmpty || edited.contains { $0.replaces && !$0.statuses.isEmpty }
    isEmpty = common.isEmpty && own.isEmpty
    needsHead = edited.contains(where: \.value.needsHead)
  }

  /// Bytes that it adds at most to a head that answers, or goes on from, one so long.
  func space(headLength: Int) -> Int {
    var space = lines.count
    for i in edited.indices {
      space += edited[i].beginning.count + 2 + edited[i].value.limit(headLength: headLength)
    }
    return space
  }

  /// Appends those of whole lines whose fields do not go.
  func appendRest(
    of lines: Span<UInt8>, status: UInt16, _ writer: inout HeadWriter,
    to buffer: inout ByteBuffer
  ) {
    if !dropsByName, dropped.isEmpty { return writer.lines(lines, to: &buffer) }
    var start = 0
    while start < lines.count {
      var colon = start
      while lines[colon] != UInt8(ascii: ":") { colon += 1 }
      var end = colon + 1
      while lines[end - 1] != UInt8(ascii: "\n") { end += 1 }
      let id = FieldName(lines, Slice(start..<colon))
      if !dropped.contains(id), !drops(lines.extracting(start..<colon), status: status) {
        writer.lines(lines.extracting(start..<end), to: &buffer)
      }
      start = end
    }
  }

  /// Whether a field of this name goes, `dropped` aside.
  func drops(_ name: Span<UInt8>, status: UInt16) -> Bool {
    for other in droppedOthers where CaselessText.isSame(other.span, name) { return true }
    for edit in edited
    where edit.replaces && !edit.statuses.isEmpty && edit.applies(to: status) {
      if CaselessText.isSame(edit.name.span, name) { return true }
    }
    return false
  }
}
