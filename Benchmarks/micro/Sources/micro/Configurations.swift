import Configuration
import Reactor

/// Reading the configurations that are shipped, which a start and a reload do.
enum Configurations {
  static var benchmarks: [Benchmark] { ["minimal", "erpnext", "frappe", "tls"].map(benchmark) }

  private static func benchmark(_ name: String) -> Benchmark {
    Benchmark("read config/\(name).yaml") {
      let path = folder + "/\(name).yaml"
      guard let text = try? TextFile.read(path, limit: 1 << 20) else {
        preconditionFailure("\(path) is not to be read")
      }
      return { count in
        var sum = 0
        for _ in 0..<count {
          let (configuration, _) = ConfigurationReader.read(
            text: text, fileName: path, environment: [:],
            readFile: { _ in .failure(ReadFailure("no such file")) })
          sum += configuration?.routes.count ?? 0
        }
        return sum
      }
    }
  }

  /// Where they are, from here.
  private static var folder: String {
    #filePath.split(separator: "/").dropLast(5).map { "/\($0)" }.joined() + "/config"
  }
}
