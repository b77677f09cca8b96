import HTTP
import Testing

@Suite struct ContentNegotiationTests {
  /// Every row for gzip was compared with nginx 1.22.1 (`gzip_static`).
  @Test(arguments: [
    ("gzip", true, false), ("br", false, true), ("gzip, deflate, br", true, true),
    ("GZIP", true, false), ("br,gzip", true, true), ("deflate;q=0.5,gzip", true, false),
    ("x-gzip", false, false), ("gzipx", false, false), ("gzipx, gzip", false, false),
    ("*", false, false), ("", false, false), ("identity;q=1, *;q=0", false, false),
    ("gzip;q=1", true, false), ("gzip;q=0", false, false), ("gzip;q=0.0", false, false),
    ("gzip;q=0.001", true, false), ("gzip;q=1.000", true, false), ("gzip;q=1.1", false, false),
    ("gzip;q=0.1234", false, false), ("gzip;q=2", false, false), ("gzip;q=.5", false, false),
    ("gzip;q=", false, false), ("gzip;q", false, false), ("gzip;", true, false),
    ("gzip ; q=0.5", true, false), ("gzip;q = 1", false, false), ("gzip;Q=1", true, false),
    ("gzip;level=1", false, false), ("gzip;q=0, gzip;q=1", false, false),
    ("gzip;q=0.5;x=1", false, false), ("gzip\t", false, false), ("br\t, gzip", true, false),
    ("br;q=0, gzip", true, false), ("br;q=0.1", false, true), ("abr", false, false),
  ])
  func `Accept-Encoding is judged as nginx does`(_ field: String, _ gzip: Bool, _ brotli: Bool) {
    #expect(ContentNegotiation.accepts(.gzip, field.utf8.span) == gzip)
    #expect(ContentNegotiation.accepts(.brotli, field.utf8.span) == brotli)
    #expect(ContentNegotiation.accepts(.identity, field.utf8.span) == true)
  }

  @Test(arguments: [
    ("no opinion", "", false),
    ("curl", "*/*", false),
    (
      "a browser", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
      false
    ),
    ("jQuery", "application/json, text/javascript, */*; q=0.01", true),
    ("axios: the more precise", "application/json, text/plain, */*", true),
    ("JSON alone", "application/json", true),
    ("in either case", "Application/JSON;charset=utf-8", true),
    ("§12.4.2 the lower weight", "application/json;q=0.5, text/html", false),
    ("§12.4.2 the higher weight", "text/html;q=0.5, application/json;q=0.6", true),
    ("§12.4.2 not at all", "application/json;q=0, text/plain", false),
    ("§12.5.1 the most precise range speaks", "application/*;q=1, application/json;q=0", false),
    ("a family", "application/*, */*;q=0.1", true),
    ("the first of equals", "application/json, text/html", true),
    ("the first of equals, turned", "text/html, application/json", false),
    ("a malformed weight is none", "application/json;q=x, text/html;q=0.1", false),
    ("blanks and other parameters", "text/html;q=0.2 , application/json ;v=1 ; Q=0.3", true),
    ("neither", "image/png", false),
  ])
  func `Accept tells whether JSON is wanted`(_ rule: String, _ field: String, _ wanted: Bool) {
    #expect(ContentNegotiation.prefersJSON(field.utf8.span) == wanted, "\(rule)")
  }
}
