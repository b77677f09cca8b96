/// First in, first out.
struct Queue<Element> {
  private var items: [Element] = []
  private var first = 0

  var count: Int { items.count - first }
  /// The one that has been here for longest.
  var oldest: Element? { first < items.count ? items[first] : nil }

  mutating func append(_ element: Element) { items.append(element) }

  mutating func takeOldest() -> Element? {
    guard let element = oldest else { return nil }
    first += 1
    // Moving the rest costs less than what has been taken since the last time.
    if first >= 1024, first * 2 >= items.count {
      items.removeFirst(first)
      first = 0
    }
    return element
  }
}
