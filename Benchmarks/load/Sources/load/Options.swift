import LoadGenerator
import Network
import Reactor

/// What the command line asks for.
struct Options {
  enum Problem: Error, CustomStringConvertible {
    case help
    case wrong(String)

    var description: String {
      switch self {
      case .help: Options.usage
      case .wrong(let what): "\(what)\n\(Options.usage)"
      }
    }
  }

  static let usage = """
    load --to ADDRESS:PORT --rate N (--target PATH | --mix FILE) [options]

      --to ADDRESS:PORT      whom to ask
      --rate N               requests in a second, whatever the server does
      --target PATH          what to ask for; or
      --mix FILE             kinds of requests with their weights: Benchmarks/mix/mix.yaml
      --seconds N            of load that is counted (5)
      --warm-up N            seconds of load before (1)
      --connections N        kept open (64)
      --arrivals KIND        poisson (as from many users) or uniform (poisson)
      --timeout N            seconds until a request is given up (5)
      --seed N               the same load for the same number (1)

    Prints JSON. Latencies count from when a request was meant to be sent.
    """

  var plan: LoadPlan
  var mix: Mix

  init(_ arguments: ArraySlice<String>) throws {
    var values: [String: String] = [:]
    var rest = arguments
    while let name = rest.popFirst() {
      if name == "--help" || name == "-h" { throw Problem.help }
      guard Self.names.contains(name) else { throw Problem.wrong("no such option: \(name)") }
      guard let value = rest.popFirst() else { throw Problem.wrong("\(name) wants a value") }
      values[name] = value
    }
    guard let server = values["--to"].flatMap({ SocketAddress($0) }) else {
      throw Problem.wrong("--to wants an address and a port")
    }
    plan = LoadPlan(server: server, rate: try Self.number(values, "--rate", nil, 0.01...10_000_000))
    plan.duration = UInt64(1e9 * (try Self.number(values, "--seconds", 5, 0.1...86_400)))
    plan.warmUp = UInt64(1e9 * (try Self.number(values, "--warm-up", 1, 0...3600)))
    plan.timeout = UInt64(1e9 * (try Self.number(values, "--timeout", 5, 0.1...600)))
    plan.connections = Int(try Self.number(values, "--connections", 64, 1...100_000))
    plan.seed = UInt64(try Self.number(values, "--seed", 1, 0...1e15))
    if let name = values["--arrivals"] {
      guard let arrivals = Arrivals(rawValue: name) else {
        throw Problem.wrong("--arrivals is poisson or uniform")
      }
      plan.arrivals = arrivals
    }
    switch (values["--target"], values["--mix"]) {
    case (let target?, nil):
      mix = Mix(kinds: [Mix.Kind(name: target, requests: [Request(.get, target)])])
    case (nil, let path?):
      mix = try MixReader.read(try TextFile.read(path, limit: 1 << 20))
    case (nil, nil), (_?, _?): throw Problem.wrong("either --target or --mix")
    }
  }

  private static let names = [
    "--to", "--rate", "--target", "--mix", "--seconds", "--warm-up", "--connections",
    "--arrivals", "--timeout", "--seed",
  ]

  private static func number(
    _ values: [String: String], _ name: String, _ otherwise: Double?, _ range: ClosedRange<Double>
  ) throws -> Double {
    guard let text = values[name] else {
      if let otherwise { return otherwise }
      throw Problem.wrong("\(name) is missing")
    }
    guard let number = Double(text), range.contains(number) else {
      throw Problem.wrong("\(name) is a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}
