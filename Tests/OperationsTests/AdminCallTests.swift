import Testing

@testable import Operations

private func request(
  _ method: AdminRequest.Method, _ path: String, query: String? = nil
) -> AdminRequest {
  var request = AdminRequest(path: path)
  request.method = method
  request.query = query
  return request
}

@Test(arguments: [
  ("/livez", AdminCall.liveness), ("/", .index), ("/pools", .pools), ("/instances", .instances),
])
func `pages are read with GET only`(_ path: String, _ call: AdminCall) throws {
  #expect(try AdminCall.read(request(.get, path)) == call)
  #expect(try AdminCall.read(request(.get, path, query: "x")) == call)
  let error = #expect(throws: AdminRefusal.self) { try AdminCall.read(request(.post, path)) }
  #expect(error?.status == 405 && error?.allow == "GET, HEAD")
  #expect(!call.isChange)
}

@Test(
  arguments: [
    ("/reload", nil, AdminCall.reload),
    ("/pools/web/servers/a:80/drain", nil, .drain(pool: "web", server: "a:80", true)),
    ("/pools/web/servers/a%3A80/undrain", nil, .drain(pool: "web", server: "a:80", false)),
    ("/pools/web/servers/a%2fb%25/drain", nil, .drain(pool: "web", server: "a/b%", true)),
    (
      "/pools/web/servers/gr%C3%BCn/weight", "value=1000",
      .weigh(pool: "web", server: "grün", 1000)
    ),
    ("/instances/merged-a/drain", nil, .drainInstance("merged-a", true)),
    ("/instances/merged-a/undrain", nil, .drainInstance("merged-a", false)),
  ] as [(String, String?, AdminCall)])
func `changes are made with POST only`(_ path: String, _ query: String?, _ call: AdminCall) throws {
  #expect(try AdminCall.read(request(.post, path, query: query)) == call)
  let error = #expect(throws: AdminRefusal.self) {
    try AdminCall.read(request(.get, path, query: query))
  }
  #expect(error?.status == 405 && error?.allow == "POST")
  #expect(call.isChange)
}

@Test(
  arguments: [
    ("/reload/", nil, 404), ("/reload", "now", 400), ("/reload", "", 400), ("//reload", nil, 404),
    ("/Reload", nil, 404), ("/pools/web/servers/a/drains", nil, 404),
    ("/pools/web/servers/a", nil, 404), ("/pools/web/servers/a/drain/", nil, 404),
    ("/pools/web/servers/a%/drain", nil, 400), ("/pools/web/servers/a%2/drain", nil, 400),
    ("/pools/web/servers/a%zz/drain", nil, 400), ("/pools/web/servers/%FF/drain", nil, 400),
    ("/pools/web/servers/a/drain", "value=1", 400), ("/pools/web/servers/a/weight", nil, 400),
    ("/pools/web/servers/a/weight", "value=0", 400),
    ("/pools/web/servers/a/weight", "value=1001", 400),
    ("/pools/web/servers/a/weight", "value=", 400),
    ("/pools/web/servers/a/weight", "value=-1", 400),
    ("/pools/web/servers/a/weight", "value=+1", 400),
    ("/pools/web/servers/a/weight", "value=00001", 400),
    ("/pools/web/servers/a/weight", "value=1&value=2", 400),
    ("/pools/web/servers/a/weight", "value=1&x=2", 400),
    ("/pools/web/servers/a/weight", "weight=1", 400),
  ] as [(String, String?, Int)])
func `what is not quite right is refused`(_ path: String, _ query: String?, _ status: Int) {
  let error = #expect(throws: AdminRefusal.self) {
    try AdminCall.read(request(.post, path, query: query))
  }
  #expect(error?.status == status)
}

@Test func `a refusal is JSON that says what would be right`() {
  let response = AdminRefusal(404, "there is no pool \"x\"", expected: ["web", "b\n"]).response
  #expect(response.status == 404)
  #expect(
    response.body
      == "{\"error\":\"there is no pool \\\"x\\\"\",\"expected\":[\"web\",\"b\\n\"]}\n")
}

private let token = "0123456789abcdef"

private func refusal(
  _ authorization: String?, token: String?, isLocal: Bool = false, isFromBrowser: Bool = false
) -> AdminRefusal? {
  var request = request(.post, "/reload")
  request.authorization = authorization
  request.isLocal = isLocal
  request.isFromBrowser = isFromBrowser
  do throws(AdminRefusal) {
    try AdminAccess.check(request, token: token)
    return nil
  } catch {
    return error
  }
}

@Test(
  arguments: [
    ("Bearer \(token)", true), ("bearer \(token)", true), ("Bearer \(token)0", false),
    ("Bearer 0123456789abcde", false), ("Bearer 0123456789abcdeF", false), ("Bearer ", false),
    ("Bearer  \(token)", false), ("Basic \(token)", false), (token, false), ("", false),
    ("Bearer \(token)\(token)", false), (nil, false),
  ] as [(String?, Bool)])
func `with a token only who has it may change something`(_ given: String?, _ isRight: Bool) {
  for isLocal in [false, true] {
    let refusal = refusal(given, token: token, isLocal: isLocal)
    #expect((refusal == nil) == isRight)
    guard let refusal else { continue }
    #expect(refusal.status == 401)
    #expect(refusal.challenge?.hasPrefix("Bearer realm=\"martlet\"") == true)
    #expect(
      refusal.response.message(omitsBody: false, closes: false).contains("WWW-Authenticate: "))
    #expect(!refusal.response.body.contains(token))
  }
}

@Test func `without a token only a loopback listener takes changes, and from no web page`() {
  #expect(refusal(nil, token: nil)?.status == 403)
  #expect(refusal("Bearer \(token)", token: nil)?.status == 403)
  #expect(refusal(nil, token: nil, isLocal: true) == nil)
  #expect(refusal(nil, token: nil, isLocal: true, isFromBrowser: true)?.status == 403)
}
