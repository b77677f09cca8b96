/// Lives as long as a snapshot that was made with it: whoever keeps a weak reference learns when
/// no worker uses the snapshot any more, and the servers' cells that it names may go to others.
///
/// The snapshot itself is not to be referred to weakly: Swift then keeps its count in a table
/// beside it, and every use on the hot path pays for the detour.
public final class SnapshotLease: Sendable {
  public init() {}
}
