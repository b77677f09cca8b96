// Makes load: see Benchmarks/load/README.md, or `load --help`.

import Glibc
import LoadGenerator
import Network
import Reactor

private func fail(_ text: String) -> Never {
  do {
    let stream = try TextFile.open(.error)
    _ = try TextFile.append(("load: " + text + "\n").utf8.span, to: stream)
  } catch {}
  exit(1)
}

do {
  let options = try Options(CommandLine.arguments.dropFirst())
  let mix = try Primer.prime(options.mix, server: options.plan.server)
  var generator = try Generator(options.plan, mix)
  print(try generator.run().json)
} catch Options.Problem.help {
  print(Options.usage)
} catch {
  fail("\(error)")
}
