import Configuration
import Testing

struct InterpolationTests {
  static let environment = ["A": "alpha", "EMPTY": "", "NESTED": "${A}", "UNDER_1": "one"]
  static let files = ["/secret": "s3cret\n", "/crlf": "x\r\n", "/two": "x\n\n"]

  struct Row: Sendable {
    let text: String
    let gives: String
  }

  /// Where any text may stand.
  private func body(_ text: String) -> String {
    let (configuration, diagnostics) = read(
      "listen: \":80\"\nroutes: [{respond: {body: '\(text)'}}]\n",
      environment: InterpolationTests.environment, files: InterpolationTests.files)
    guard case .respond(let settings)? = configuration?.routes.first?.action else {
      return "! " + (diagnostics.first?.problem ?? "")
    }
    return settings.body
  }

  @Test(arguments: [
    Row(text: "${A}", gives: "alpha"), Row(text: "<${A}-${UNDER_1}>", gives: "<alpha-one>"),
    Row(text: "${A:-x}", gives: "alpha"), Row(text: "${NONE:-x y}", gives: "x y"),
    Row(text: "${NONE:-}", gives: ""), Row(text: "${EMPTY:-x}", gives: "x"),
    Row(text: "${EMPTY}", gives: ""), Row(text: "${NONE:-${A}}", gives: "alpha"),
    Row(text: "${NONE:-a}b}", gives: "ab}"), Row(text: "${NONE:-{a}}b", gives: "{a}b"),
    Row(text: "${NONE:-${ALSO:-b}c}", gives: "bc"),
    // What a variable holds is not looked through again.
    Row(text: "${NESTED}", gives: "${A}"),
    Row(text: "$${A}", gives: "${A}"), Row(text: "$$${A}", gives: "$${A}"),
    Row(text: "$A $ $", gives: "$A $ $"), Row(text: "{A}", gives: "{A}"),
    Row(text: "${file:/secret}", gives: "s3cret"), Row(text: "${file:/crlf}", gives: "x"),
    Row(text: "${file:/two}", gives: "x\n"), Row(text: "<${file:/secret}>", gives: "<s3cret>"),
    Row(
      text: "${NONE}", gives: "! body needs the environment variable NONE, which is not set"),
    Row(
      text: "${file:/none}",
      gives: "! body needs the file /none, which cannot be read: no such file"),
    Row(text: "${file:secret}", gives: "! body names a file that has no absolute path"),
    Row(text: "${A", gives: "! body opens ${ and never closes it"),
    Row(text: "${}", gives: "! body has a ${…} that means nothing"),
    Row(text: "${A:=x}", gives: "! body has a ${…} that means nothing"),
    Row(text: "${A-x}", gives: "! body has a ${…} that means nothing"),
  ])
  func `a scalar has its variables replaced`(_ row: Row) {
    #expect(body(row.text) == row.gives)
  }

  @Test func `defaults inside of defaults have a limit`() {
    let deep = String(repeating: "${NONE:-", count: 20) + "x" + String(repeating: "}", count: 20)
    #expect(body(deep) == "! body has too many ${ inside of each other")
  }

  @Test func `a variable may hold the servers of a pool`() throws {
    let text = """
      listen: ${LISTEN}
      pools: {web: {servers: ["${SERVERS}", "c:8000"]}}
      routes: [{proxy: web}]
      """
    let environment = ["LISTEN": ":80,:81", "SERVERS": " a:8000 , b:8000,"]
    let configuration = try #require(read(text, environment: environment).0)
    #expect(configuration.pools[0].servers.map(\.name) == ["a:8000", "b:8000", "c:8000"])
    #expect(configuration.listen.count == 2)
  }

  @Test func `a secret is printed as the expression that names its file`() throws {
    let text = """
      listen: ":80"
      pools:
        web:
          servers: a:8000
          health: {path: /, headers: {Authorization: "Bearer ${file:/secret}"}, body: "$${x}"}
      routes: [{proxy: web}]
      """
    let configuration = try #require(read(text, files: InterpolationTests.files).0)
    #expect(configuration.pools[0].health?.headers[0].value == "Bearer s3cret")
    let effective = configuration.effectiveYAML()
    #expect(!effective.contains("s3cret"))
    #expect(effective.contains("Authorization: Bearer ${file:/secret}"))
    #expect(read(effective, files: InterpolationTests.files).0 == configuration)
  }

  @Test func `a diagnostic never shows what a file held`() {
    let text = "listen: ${file:/secret}\nworkers: ${file:/secret}\nroutes: ${file:/secret}\n"
    let (_, diagnostics) = read(text, files: InterpolationTests.files)
    #expect(diagnostics.count == 3)
    for diagnostic in diagnostics { #expect(!diagnostic.description.contains("s3cret")) }
  }
}
