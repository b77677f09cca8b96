import CLibraries

extension Codec {
  /// A list, for which one item may stand alone.
  ///
  /// - Parameters:
  ///   - takesCommas: a text may hold several items, as a list out of a variable must.
  ///   - isEmptyAllowed: the list may have no item.
  static func list<Item: Sendable>(
    of item: Codec<Item>, takesCommas: Bool = false, isEmptyAllowed: Bool = false
  ) -> Codec where Value == [Item] {
    let shape = Shape.list(item.shape, takesCommas: takesCommas)
    let readText: @Sendable (Text, inout Reading) -> [Item]? = { text, reading in
      var items: [Item] = []
      readItems(text, item, takesCommas, into: &items, &reading)
      return items.isEmpty ? nil : items
    }
    return Codec(
      shape: shape, readText: item.readText == nil ? nil : readText,
      readNode: { node, reading in
        var items: [Item] = []
        guard case .sequence(let nodes) = node.content else {
          reading.enter("0", at: node.range)
          defer { reading.leave() }
          return item.read(node, &reading).map { [$0] }
        }
        guard !nodes.isEmpty || isEmptyAllowed else {
          reading.report(node.range, "\(reading.subject) has nothing in it", item.shape.advice)
          return nil
        }
        for node in nodes {
          // An item that is wrong has no place, so that indices are those of the values.
          if takesCommas, !node.isNull, case .scalar(let raw, let style) = node.content {
            if let text = reading.text(raw, style, at: node.range) {
              readItems(text, item, takesCommas, into: &items, &reading)
            }
          } else {
            reading.enter(String(items.count), at: node.range)
            if let value = item.read(node, &reading) { items.append(value) }
            reading.leave()
          }
        }
        return items
      },
      write: { .list($0.compactMap(item.write)) })
  }

  private static func readItems<Item: Sendable>(
    _ text: Text, _ item: Codec<Item>, _ takesCommas: Bool, into items: inout [Item],
    _ reading: inout Reading
  ) {
    let pieces = takesCommas ? text.pieces(&reading) : [text]
    if pieces.isEmpty { reading.report(text, Complaint("is empty", item.shape.advice)) }
    for piece in pieces {
      reading.enter(String(items.count), at: piece.range)
      if let value = item.readText?(piece, &reading) { items.append(value) }
      reading.leave()
    }
  }

  /// Values under names of the user's choosing, in the order of the file.
  ///
  /// - Parameter item: reads the value of the name it is given.
  static func dictionary<Item: Sendable>(
    keyNoun: String, keyPattern: String? = nil, shape: Shape,
    checkKey: @escaping @Sendable (String) throws(Complaint) -> Void,
    item: @escaping @Sendable (String) -> Codec<Item>,
    name: @escaping @Sendable (Item) -> String
  ) -> Codec where Value == [Item] {
    Codec(
      shape: .dictionary(keyNoun: keyNoun, keyPattern: keyPattern, value: shape), readText: nil,
      readNode: { node, reading in
        guard case .mapping(let entries) = node.content else {
          let expected = "\(reading.subject) takes \(keyNoun) each with a value"
          reading.report(node.range, expected + ", not a list")
          return nil
        }
        var items: [Item] = []
        for entry in entries {
          do throws(Complaint) {
            try checkKey(entry.key)
          } catch {
            reading.report(
              entry.keyRange, "\(Reading.quoted(entry.key)) \(error.problem)", error.advice)
          }
          reading.enter(entry.key, at: entry.value.range, key: entry.keyRange)
          if let value = item(entry.key).read(entry.value, &reading) { items.append(value) }
          reading.leave()
        }
        return items
      },
      write: { items in
        .map(
          items.compactMap { value in
            item(name(value)).write(value).map { Plain.Entry(key: name(value), value: $0) }
          })
      })
  }
}

extension Text {
  /// What stands between commas; nothing is no piece.
  fileprivate func pieces(_ reading: inout Reading) -> [Text] {
    var pieces: [Text] = []
    var offset = 0
    for part in value.unicodeScalars.split(separator: ",", omittingEmptySubsequences: false) {
      let lead = part.prefix { $0 == " " }.count
      var trimmed = part.dropFirst(lead)
      while trimmed.last == " " { trimmed.removeLast() }
      if !trimmed.isEmpty {
        let start = offset + lead
        let range = reading.range(of: start..<start + trimmed.count, in: self)
        let piece = String(trimmed)
        pieces.append(
          Text(
            value: piece, raw: value == raw ? piece : raw, style: .plain, range: range,
            isSecret: isSecret))
      }
      offset += part.count + 1
    }
    return pieces
  }
}
