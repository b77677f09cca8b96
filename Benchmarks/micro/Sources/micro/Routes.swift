import Configuration
import HTTP
import Routing

/// Finding the route of a request among few and among many.
enum Routes {
  static var benchmarks: [Benchmark] { [10, 1000, 10_000].map(benchmark) }

  private static func benchmark(_ size: Int) -> Benchmark {
    Benchmark("find a route among \(number(size))") {
      let table = table(size)
      let requests = requests(size)
      return { count in
        var scratch = RouteScratch()
        var sum = 0
        for i in 0..<count {
          let request = requests[i % requests.count]
          let outcome = table.match(
            host: request.host.utf8.span, path: request.path.utf8.span, method: "GET".utf8.span,
            scratch: &scratch)
          sum += outcome == .route(request.route) ? 1 : 0
        }
        return sum
      }
    }
  }

  /// A third each: exact paths, prefixes, and prefixes of hosts of their own; the last takes what
  /// is left.
  private static func table(_ size: Int) -> RouteTable {
    var matches = (0..<size - 1).map { i in
      var match = Match()
      switch i % 3 {
      case 0: match.path = .exact("/api/method/app.module.call_\(i)")
      case 1: match.path = .prefix("/app/workspace-\(i)/")
      default:
        match.hosts = [.exact("site-\(i).example.com")]
        match.path = .prefix("/assets/")
      }
      return match
    }
    matches.append(Match())
    do {
      return try RouteTable(matches)
    } catch {
      preconditionFailure("\(error)")
    }
  }

  private struct Request {
    var host = "erp.example.com"
    var path: String
    var route: Int
  }

  /// Some for routes of each kind, from all over the table, and some for none of them.
  private static func requests(_ size: Int) -> [Request] {
    (0..<64).map { n in
      let i = n * 2_654_435_761 % (size - 1)
      if n % 8 == 7 { return Request(path: "/printview", route: size - 1) }
      switch i % 3 {
      case 0: return Request(path: "/api/method/app.module.call_\(i)", route: i)
      case 1: return Request(path: "/app/workspace-\(i)/list", route: i)
      default:
        return Request(host: "site-\(i).example.com", path: "/assets/js/desk.js", route: i)
      }
    }
  }
}
