import Reactor
import Synchronization

/// A demo backend: the page, answers that tell who gave them, and the switches of all instances.
final class Backend: Service {
  private let instance: String
  private let board: Board
  private let site: DemoSite.Paths
  private let answered = Atomic<Int>(0)

  init(instance: String, board: Board, site: DemoSite.Paths) {
    self.instance = instance
    self.board = board
    self.site = site
  }

  func forget() { answered.store(0, ordering: .relaxed) }

  func answer(_ request: Request, in conversation: inout Conversation) -> Response? {
    let isRead = request.method == "GET" || request.method == "HEAD"
    switch request.path {
    case "/api/method/ping":
      return isRead ? .json(json(["message": json("pong")])) : methodProblem
    case "/":
      guard isRead else { return methodProblem }
      return Response(
        200, "text/html; charset=utf-8", Page.html(style: site.style, script: site.script))
    case "/api/whoami":
      return isRead ? whoAmI(request) : methodProblem
    case "/api/demo/instances":
      return isRead ? .json(board.description()) : methodProblem
    case let path where path.hasPrefix("/api/demo/instances/"):
      guard request.method == "POST" else { return methodProblem }
      let words = path.dropFirst("/api/demo/instances/".count).split(separator: "/")
      guard words.count == 2 else { return .problem(404, "no such page") }
      return board.flip(String(words[0]), String(words[1]), asking: conversation.connection)
    default:
      return .problem(404, "no such page")
    }
  }

  private var methodProblem: Response { .problem(405, "the method is not for this page") }

  private func whoAmI(_ request: Request) -> Response {
    let count = answered.add(1, ordering: .relaxed).newValue
    let fields = request.fields.map { json([json($0.name), json($0.value)]) }
    return .json(
      json([
        "instance": json(instance), "answered": "\(count)", "method": json(request.method),
        "target": json(request.target), "headers": json(fields),
      ]))
  }
}
