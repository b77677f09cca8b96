import Network
import Testing

@testable import Operations

private func ip(_ last: UInt8) -> IPAddress { IPAddress(v4: 192, 0, 2, last) }

@Test func `addresses that stay keep their places and new ones fill what is free`() {
  var places = AddressPlaces()
  #expect(places.places == [nil])
  places.assign([ip(1), ip(2), ip(3)])
  #expect(places.places == [ip(1), ip(2), ip(3)])
  places.assign([ip(2), ip(3)])
  #expect(places.places == [nil, ip(2), ip(3)])
  places.assign([ip(2), ip(4)])
  #expect(places.places == [ip(4), ip(2)])
  places.assign([ip(5)])
  #expect(places.places == [ip(5)])
}

@Test func `the places of one name are bounded`() {
  var places = AddressPlaces()
  places.assign((0..<100).map { ip($0) })
  #expect(places.places.count == AddressPlaces.limit)
  #expect(AddressPlaces.name("a:80", place: 0) == "a:80")
  #expect(AddressPlaces.name("a:80", place: 1) == "a:80#2")
}
