import Configuration
import Network
import Testing

struct ListenerTests {
  struct Row: Sendable {
    let rule: String
    let listen: String
    var trusted = ""
    /// The warning's place and beginning; nil for none.
    let warns: String?
  }

  @Test(arguments: [
    Row(
      rule: "a balancer that can only be this machine", listen: "proxy_protocol: on",
      warns: "1:43: warning: proxy_protocol believes only this machine itself"),
    Row(
      rule: "one that is named for all", listen: "proxy_protocol: on",
      trusted: "trusted_proxies: 10.0.0.0/8", warns: nil),
    Row(rule: "one of its own", listen: "proxy_protocol: {from: 10.0.0.0/8}", warns: nil),
    Row(
      rule: "everybody is believed", listen: "proxy_protocol: {from: [\"::/0\"]}",
      warns: "1:52: warning: ::/0 trusts everybody"),
    Row(rule: "off", listen: "proxy_protocol: off", warns: nil),
  ])
  func `what is doubtful at a listener is a warning`(_ row: Row) {
    let (configuration, diagnostics) = read(
      "listen: [{address: \":81\", \(row.listen)}]\n\(row.trusted)\nroutes: [{respond: 404}]",
      fileName: "x")
    #expect(configuration != nil)
    let warning = diagnostics.first?.description.dropFirst("x:".count)
    #expect(warning?.hasPrefix(row.warns ?? "none") ?? (row.warns == nil), "\(row.rule)")
    #expect(diagnostics.count <= 1)
  }

  @Test func `what a listener is to do is read, and written as it is read`() throws {
    let text = """
      listen:
        - {address: ":81", proxy_protocol: true, redirect: {port: 8443, status: 301}}
        - {address: ":82", proxy_protocol: {from: "10.0.0.0/8, fd00::/8"}, redirect: https}
      trusted_proxies: 10.0.0.0/8
      routes: [{respond: 404}]
      """
    let configuration = try #require(read(text).0)
    #expect(configuration.listen[0].proxyProtocol == ProxyProtocol())
    #expect(configuration.listen[0].redirect == ListenRedirect(port: 8443, status: 301))
    let blocks = [try AddressBlock("10.0.0.0/8"), try AddressBlock("fd00::/8")]
    #expect(configuration.listen[1].proxyProtocol == ProxyProtocol(from: blocks))
    #expect(configuration.listen[1].redirect == ListenRedirect())
    #expect(read(configuration.effectiveYAML()).0 == configuration)
  }
}
