import HTTP
import Memory
import Network

/// Heads as they come: read, and written anew for the other side.
enum Heads {
  /// Of a request from the desk: a browser, with the cookies of a session.
  static let browser = """
    POST /api/method/frappe.desk.reportview.get?doctype=Sales%20Invoice&start=0 HTTP/1.1
    Host: erp.example.com
    Connection: keep-alive
    Content-Length: 412
    sec-ch-ua-platform: "Linux"
    X-Frappe-CSRF-Token: 4f1d2c9e8b7a6f5e4d3c2b1a0f9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c
    sec-ch-ua: "Chromium";v="136", "Not.A/Brand";v="99"
    sec-ch-ua-mobile: ?0
    X-Requested-With: XMLHttpRequest
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/136.0.0.0 Safari/537.36
    Accept: application/json
    Content-Type: application/x-www-form-urlencoded; charset=UTF-8
    Origin: https://erp.example.com
    Sec-Fetch-Site: same-origin
    Accept-Encoding: gzip, deflate, br, zstd
    Accept-Language: de-DE,de;q=0.9,en;q=0.8
    Cookie: sid=5d0c7f1e9b3a; system_user=yes; full_name=Administrator; user_id=Administrator
    """.asHead

  static let curl = """
    GET /api/method/ping HTTP/1.1
    Host: erp.example.com
    User-Agent: curl/7.88.1
    Accept: */*
    """.asHead

  /// Of a response of gunicorn's.
  static let response = """
    HTTP/1.1 200 OK
    Server: gunicorn
    Date: Thu, 26 Nov 2026 04:00:00 GMT
    Connection: keep-alive
    Content-Type: application/json
    Content-Length: 9958
    Vary: Accept-Encoding
    Cache-Control: no-store,no-cache,must-revalidate,max-age=0
    X-Page-Name: app
    Set-Cookie: sid=5d0c7f1e9b3a; Expires=Thu, 03 Dec 2026 04:00:00 GMT; HttpOnly; Path=/
    Set-Cookie: system_user=yes; Path=/
    """.asHead

  static var benchmarks: [Benchmark] {
    [
      reading("read a request's head, browser", browser),
      reading("read a request's head, curl", curl),
      Benchmark("read a response's head, \(response.count) B") {
        { count in
          let text = response
          var head = ResponseHead()
          var sum = 0
          for _ in 0..<count {
            parse(&head, text)
            sum += head.length
          }
          return sum
        }
      },
      writing("write a head to a server, browser", browser),
      writing("write a head to a server, curl", curl),
      Benchmark("write a head to a client") {
        { count in
          let text = response
          var head = ResponseHead()
          parse(&head, text)
          var buffer = ByteBuffer(capacity: 16 << 10)
          var sum = 0
          for _ in 0..<count {
            buffer.clear()
            var writer = HeadWriter()
            writer.statusLine(
              head.status, reason: text.span.extracting(head.reason.range), to: &buffer)
            writer.copyFields(
              head.fields, from: text.span, except: [.contentLength], to: &buffer)
            writer.field("Content-Length", decimal: head.contentLength ?? 0, to: &buffer)
            sum += writer.end(&buffer) ? buffer.count : 0
          }
          return sum
        }
      },
    ]
  }

  private static func reading(_ name: String, _ text: [UInt8]) -> Benchmark {
    Benchmark("\(name), \(text.count) B") {
      { count in
        var head = RequestHead()
        var sum = 0
        for _ in 0..<count {
          parse(&head, text)
          sum += head.length
        }
        return sum
      }
    }
  }

  /// With what the proxy says of the client, as `Worker.writeRequestHead` does it unless told
  /// otherwise.
  private static func writing(_ name: String, _ text: [UInt8]) -> Benchmark {
    Benchmark(name) {
      { count in
        var head = RequestHead()
        parse(&head, text)
        let host = head.host?.range ?? 0..<0
        let client = IPAddress(v4: 192, 0, 2, 1)
        var buffer = ByteBuffer(capacity: 16 << 10)
        var sum = 0
        for _ in 0..<count {
          buffer.clear()
          var writer = HeadWriter()
          writer.requestLine(head, from: text.span, to: &buffer)
          writer.field("Host", text.span.extracting(host), to: &buffer)
          writer.copyFields(
            head.fields, from: text.span,
            except: [
              .host, .contentLength, .expect, .xForwardedFor, .xForwardedProto, .xForwardedHost,
              .xRequestID, .xForwardedClientCert,
            ], to: &buffer)
          buffer.append("X-Forwarded-For: ")
          buffer.write { client.write(into: &$0) }
          buffer.append("\r\n")
          writer.field("X-Forwarded-Proto", "https", to: &buffer)
          writer.field("X-Forwarded-Host", text.span.extracting(host), to: &buffer)
          buffer.append("X-Request-Id: ")
          buffer.append(hexadecimal: 0x0123_4567_89ab_cdef, width: 16)
          buffer.append(hexadecimal: 0xfedc_ba98_7654_3210, width: 16)
          buffer.append("\r\n")
          sum += writer.end(&buffer) ? buffer.count : 0
        }
        return sum
      }
    }
  }

  static func parse(_ head: inout RequestHead, _ text: [UInt8]) {
    let isWhole = try? head.parse(text.span, limits: HeadLimits())
    precondition(isWhole == true)
  }

  private static func parse(_ head: inout ResponseHead, _ text: [UInt8]) {
    let isWhole = try? head.parse(text.span, limits: HeadLimits(), requestMethod: .get)
    precondition(isWhole == true)
  }
}

extension String {
  /// Its lines as those of a head.
  var asHead: [UInt8] {
    split(separator: "\n").flatMap { Array($0.utf8) + [13, 10] } + [13, 10]
  }
}
