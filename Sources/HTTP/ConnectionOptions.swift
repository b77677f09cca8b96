/// What Connection says (RFC 9110 §7.6.1).
struct ConnectionOptions {
  var close = false
  var keepAlive = false
  var upgrade = false

  /// The most fields that Connection may name beside those hop-by-hop anyway: each is looked
  /// for among all fields.
  private static var namesLimit: Int { 16 }

  /// Reads all Connection fields and marks the fields they name.
  ///
  /// Only fields that `FieldName` does not know can become hop-by-hop that way. A client that
  /// names Cookie, X-Forwarded-For or any other field meant for all recipients (§7.6.1: "MUST
  /// NOT") wants an origin not to see what a proxy has vouched for; with `refusesEndToEnd` that
  /// is refused, else such an option is passed over.
  static func read(
    _ bytes: Span<UInt8>, _ fields: inout FieldTable, refusesEndToEnd: Bool
  ) throws(Malformed) -> ConnectionOptions {
    var options = ConnectionOptions()
    // One word, as nearly always.
    if !fields.isRepeated(.connection), let field = fields.first(.connection),
      options.take(ShortName(bytes, field.value))
    {
      return options
    }
    var names = 0
    var index = 0
    while let found = fields.next(.connection, from: index) {
      index = found &+ 1
      var list = ListReader(fields[found].value)
      while let option = list.next(bytes) {
        let name = ShortName(bytes, option)
        if options.take(name) { continue }
        for i in option.range where !ASCII.isToken(bytes[i]) {
          throw Malformed(.connection, at: i)
        }
        let id = FieldName.recognise(name)
        if id.isHopByHop { continue }
        guard id == .other else {
          guard refusesEndToEnd else { continue }
          throw Malformed(.connectionNamesEndToEnd, at: Int(option.start))
        }
        names &+= 1
        guard names <= namesLimit else {
          throw Malformed(.tooManyConnectionOptions, at: Int(option.start))
        }
        markAll(named: option, bytes, &fields)
      }
    }
    return options
  }

  /// Notes an option that means something by itself; false for any other.
  private mutating func take(_ name: ShortName) -> Bool {
    if name.isKeepAlive {
      keepAlive = true
    } else if name.isClose {
      close = true
    } else if name.isUpgrade {
      upgrade = true
    } else {
      return false
    }
    return true
  }

  private static func markAll(
    named option: Slice, _ bytes: Span<UInt8>, _ fields: inout FieldTable
  ) {
    var i = 0
    while let found = fields.next(.other, from: i) {
      if bytes.equalsIgnoringCase(fields[found].name, option) {
        fields.mark(at: found, Field.hopByHop)
      }
      i = found &+ 1
    }
  }
}
