// What the parts of a request cost, each by itself: `micro [--json] [word…]`, those whose names
// contain a word.

let arguments = CommandLine.arguments.dropFirst()
let isJSON = arguments.contains("--json")
let words = arguments.filter { !$0.hasPrefix("--") }

let all =
  Heads.benchmarks + Routes.benchmarks + Picks.benchmarks + Timers.benchmarks
  + Bodies.benchmarks + Configurations.benchmarks
let chosen = all.filter { benchmark in
  words.isEmpty || words.contains { benchmark.name.contains($0) }
}

/// With commas between thousands.
func number(_ value: Int) -> String {
  let digits = String(value)
  guard digits.utf8.count > 3 else { return digits }
  return "\(number(value / 1000)),\(digits.suffix(3))"
}

/// Whole, or with one decimal where that is much.
func nanoseconds(_ time: Double) -> String {
  time < 10 ? "\((time * 10).rounded() / 10)" : number(Int(time.rounded()))
}

/// Whole, or with two decimals where that is few.
func times(_ count: Double) -> String {
  let rounded = count < 10 ? (count * 100).rounded() / 100 : count.rounded()
  return rounded == rounded.rounded() ? number(Int(rounded)) : "\(rounded)"
}

if isJSON {
  let rows = chosen.map { benchmark in
    let cost = benchmark.measure()
    return
      "  {\"name\": \"\(benchmark.name)\", \"ns\": \(cost.time), \"allocations\": \(cost.allocations)}"
  }
  print("[\n\(rows.joined(separator: ",\n"))\n]")
} else {
  print("| best of \(Benchmark.rounds) rounds | ns | allocations |")
  print("| --- | ---: | ---: |")
  for benchmark in chosen {
    let cost = benchmark.measure()
    print("| \(benchmark.name) | \(nanoseconds(cost.time)) | \(times(cost.allocations)) |")
  }
}
