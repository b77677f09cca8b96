import Configuration
import Memory

/// One worker's requests that wait for a server of one pool: by priority, and among equals in the
/// order in which they came.
///
/// While no server of the pool answers, requests go on one by one to try. From then on each answer
/// lets two more go, as TCP begins a connection (RFC 5681 §3.1): a server that has just come up is
/// not run over by all who have waited for it.
struct WaitingRoom {
  private struct Line {
    var first = Handle.none
    var last = Handle.none
  }

  private var lines = InlineArray<3, Line>(repeating: Line())
  private(set) var count = 0
  /// How many may be on trial at once; 0 when the servers answer and all may.
  private(set) var window = 0
  /// How many are on trial now.
  private(set) var onTrial = 0
  /// A trial has just failed to reach a server: nobody tries again before the timer has come.
  private(set) var isResting = false
  /// How often the timer has come since a trial began or ended.
  private var ticks = 0
  /// So many, and one more may go on trial: whoever takes so long is with a server that is there,
  /// and others would wait in vain for its answer.
  private static let patience = 20
  /// It stands among those that are looked at when the turn's events are behind us.
  var isDue = false
  /// A timer will look at it.
  var isTimed = false

  var isEmpty: Bool { count == 0 }
  var isRecovering: Bool { window > 0 }
  /// Another request may go on.
  var admits: Bool { window == 0 || (onTrial < window && !isResting) }

  /// The one whose turn it is.
  var first: Handle? {
    for i in 0..<3 where lines[i].first != .none { return lines[i].first }
    return nil
  }

  /// The one whose turn it is when this one's has to wait.
  func following(_ handle: Handle, in exchanges: borrowing Slab<Exchange>) -> Handle? {
    if exchanges[handle].next != .none { return exchanges[handle].next }
    for i in (exchanges[handle].route.priority.rawValue + 1)..<4 where i < 3 {
      if lines[i].first != .none { return lines[i].first }
    }
    return nil
  }

  /// The one that gives way to a request of this priority.
  func last(below priority: Priority) -> Handle? {
    for i in (0..<3).reversed() where i > priority.rawValue && lines[i].last != .none {
      return lines[i].last
    }
    return nil
  }

  func isEmpty(_ priority: Priority) -> Bool { lines[priority.rawValue].first == .none }

  /// - Parameter isBack: it has waited before and goes to the front of its line.
  mutating func add(_ handle: Handle, isBack: Bool, in exchanges: inout Slab<Exchange>) {
    let i = exchanges[handle].route.priority.rawValue
    let first = lines[i].first
    let last = lines[i].last
    count += 1
    guard first != .none else {
      lines[i] = Line(first: handle, last: handle)
      return
    }
    if isBack {
      exchanges[handle].next = first
      exchanges[first].previous = handle
      lines[i].first = handle
    } else {
      exchanges[handle].previous = last
      exchanges[last].next = handle
      lines[i].last = handle
    }
  }

  mutating func remove(_ handle: Handle, from exchanges: inout Slab<Exchange>) {
    let i = exchanges[handle].route.priority.rawValue
    let next = exchanges[handle].next
    let previous = exchanges[handle].previous
    if previous == .none { lines[i].first = next } else { exchanges[previous].next = next }
    if next == .none { lines[i].last = previous } else { exchanges[next].previous = previous }
    exchanges[handle].next = .none
    exchanges[handle].previous = .none
    count -= 1
  }

  // MARK: Recovery

  /// No server has answered.
  mutating func beginRecovery() { if window == 0 { window = 1 } }

  /// Nothing waits any more: whatever comes may go on.
  mutating func endRecovery() {
    window = 0
    onTrial = 0
    isResting = false
  }

  /// No server could be reached: the next try waits for the timer, whatever happens until then.
  mutating func rest() { isResting = true }

  /// The timer has come.
  mutating func tick() {
    isResting = false
    guard window > 0, onTrial >= window else { return }
    ticks += 1
    guard ticks == Self.patience else { return }
    ticks = 0
    window += 1
  }

  mutating func beginTrial() {
    onTrial += 1
    ticks = 0
  }

  /// - Parameter succeeded: whether the server has answered; nil when that was not to be seen.
  mutating func endTrial(succeeded: Bool?) {
    guard window > 0 else { return }
    ticks = 0
    onTrial = max(onTrial - 1, 0)
    switch succeeded {
    case true?: window += 1
    case false?: window = 1
    case nil: break
    }
  }
}
