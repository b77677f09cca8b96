import Memory
import Testing

@Test func `a handle is stale once its tenant has gone`() {
  var slab = Slab<Int>(capacity: 4)
  let first = slab.insert(7)!
  #expect(Bool(slab.contains(first)))
  let tenant = slab[first]
  #expect(tenant == 7)
  let removed = slab.remove(first)
  #expect(removed == 7)
  #expect(!Bool(slab.contains(first)))

  let second = slab.insert(8)!
  #expect(second.slot == first.slot, "the slot is used again")
  #expect(!Bool(slab.contains(first)), "by somebody else")
  #expect(Bool(slab.contains(second)))
}

@Test func `a full slab takes nobody until somebody leaves`() {
  var slab = Slab<Int>(capacity: 2)
  let a = slab.insert(1)!
  _ = slab.insert(2)!
  #expect(Bool(slab.isFull))
  let third = slab.insert(3)
  #expect(third == nil)
  slab.remove(a)
  #expect(!Bool(slab.isFull))
  let again = slab.insert(3)
  #expect(again != nil)
  let count = slab.count
  #expect(count == 2)
}

@Test func `an element can be changed in place`() {
  var slab = Slab<[Int]>(capacity: 2)
  let handle = slab.insert([1])!
  slab[handle].append(2)
  let element = slab[handle]
  #expect(element == [1, 2])
}

@Test func `the zero handle names nobody`() {
  var slab = Slab<Int>(capacity: 1)
  #expect(!Bool(slab.contains(Handle(slot: 0, generation: 0))))
  _ = slab.insert(1)
  #expect(!Bool(slab.contains(Handle(slot: 0, generation: 0))))
}

@Test func `elements are destroyed with their slab`() {
  final class Probe {
    let gone: () -> Void
    init(_ gone: @escaping () -> Void) { self.gone = gone }
    deinit { gone() }
  }
  var gone = 0
  do {
    var slab = Slab<Probe>(capacity: 3)
    _ = slab.insert(Probe { gone += 1 })
    if let second = slab.insert(Probe { gone += 1 }) { slab.remove(second) }
    #expect(gone == 1)
  }
  #expect(gone == 2)
}
