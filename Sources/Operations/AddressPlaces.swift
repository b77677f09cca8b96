import Network

/// Which of a configured server's places has which address.
///
/// A name with several addresses is as many servers, each in a place of its own. When the
/// addresses change, those that stay keep their places, and with them their health and what is
/// counted for them; new ones take over the places that have become free.
struct AddressPlaces: Equatable, Sendable {
  /// The most addresses of one name that are used.
  static let limit = 64

  /// At least one place; nil where no address is known.
  private(set) var places: [IPAddress?] = [nil]

  init() {}

  init(_ address: IPAddress) { places = [address] }

  /// Takes in the addresses that a name has now: not empty, each once.
  mutating func assign(_ addresses: [IPAddress]) {
    let addresses = addresses.prefix(Self.limit)
    var next = places.map { place in place.flatMap { addresses.contains($0) ? $0 : nil } }
    for address in addresses where !next.contains(address) {
      if let free = next.firstIndex(of: nil) {
        next[free] = address
      } else {
        next.append(address)
      }
    }
    while next.count > 1, next.last == .some(nil) { next.removeLast() }
    places = next
  }

  /// What the server in a place is called: the first as the configuration has it.
  static func name(_ server: String, place: Int) -> String {
    place == 0 ? server : "\(server)#\(place + 1)"
  }
}
