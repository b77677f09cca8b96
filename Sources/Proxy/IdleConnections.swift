import Memory

/// The connections to one server that wait for a request: the youngest is taken first, so that
/// those which are not needed grow old and are retired.
struct IdleConnections {
  private var youngest = Handle.none
  private var oldest = Handle.none
  private(set) var count = 0

  mutating func add(_ handle: Handle, in connections: inout Slab<UpstreamConnection>) {
    connections[handle].older = youngest
    connections[handle].younger = .none
    if youngest == .none { oldest = handle } else { connections[youngest].younger = handle }
    youngest = handle
    count += 1
  }

  mutating func remove(_ handle: Handle, from connections: inout Slab<UpstreamConnection>) {
    let younger = connections[handle].younger
    let older = connections[handle].older
    if younger == .none { youngest = older } else { connections[younger].older = older }
    if older == .none { oldest = younger } else { connections[older].younger = younger }
    connections[handle].younger = .none
    connections[handle].older = .none
    count -= 1
  }

  mutating func takeYoungest(from connections: inout Slab<UpstreamConnection>) -> Handle? {
    let handle = youngest
    guard handle != .none else { return nil }
    remove(handle, from: &connections)
    return handle
  }

  /// The one to retire first.
  var first: Handle? { oldest == .none ? nil : oldest }
}
