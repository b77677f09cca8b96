/// How an exchange ended: who ended it, and in which phase. The access log's `reason`.
enum Termination: UInt8 {
  case ok
  case badRequest
  case badProxyHeader
  case bodyTooLarge
  case noRoute
  case rateLimit
  case noServer
  case queueFull
  case queueTimeout
  case redirectCircle
  case clientClosedRequest
  case clientClosedWaiting
  case clientClosedResponse
  case clientTimeoutHead
  case clientTimeoutBody
  case clientTimeoutResponse
  case connectFailed
  case connectTimeout
  case serverDown
  case serverAbsent
  case serverStatus
  case serverClosedRequest
  case serverClosedWaiting
  case serverClosedResponse
  case serverMalformed
  case serverTimeoutRequest
  case serverTimeoutTry
  case serverTimeoutWaiting
  case serverTimeoutResponse
  case fileCut
  case fileFailed
  case fileTimeoutLookup
  case fileTimeoutRead
  case fileQueueFull
  case spillFailed
  case overloaded
  case shutdown
  case tunnelIdle
  case sessionLost
  case moved

  /// `who:phase`, or `ok`.
  var text: StaticString {
    switch self {
    case .ok: "ok"
    case .badRequest: "refused:request"
    case .badProxyHeader: "refused:proxy_header"
    case .bodyTooLarge: "refused:body_too_large"
    case .noRoute: "refused:no_route"
    case .rateLimit: "refused:rate_limit"
    case .noServer: "refused:no_server"
    case .queueFull: "refused:queue_full"
    case .queueTimeout: "refused:queue_timeout"
    case .redirectCircle: "server_failed:redirect_circle"
    case .clientClosedRequest: "client_closed:request"
    case .clientClosedWaiting: "client_closed:waiting"
    case .clientClosedResponse: "client_closed:response"
    case .clientTimeoutHead: "client_timeout:head"
    case .clientTimeoutBody: "client_timeout:body"
    case .clientTimeoutResponse: "client_timeout:response"
    case .connectFailed: "server_failed:connect"
    case .connectTimeout: "server_timeout:connect"
    case .serverDown: "server_failed:down"
    case .serverAbsent: "server_failed:platform_page"
    case .serverStatus: "server_failed:status"
    case .serverClosedRequest: "server_closed:request"
    case .serverClosedWaiting: "server_closed:waiting"
    case .serverClosedResponse: "server_closed:response"
    case .serverMalformed: "server_failed:malformed"
    case .serverTimeoutRequest: "server_timeout:request"
    case .serverTimeoutTry: "server_timeout:try"
    case .serverTimeoutWaiting: "server_timeout:waiting"
    case .serverTimeoutResponse: "server_timeout:response"
    case .fileCut: "file_failed:cut"
    case .fileFailed: "file_failed:read"
    case .fileTimeoutLookup: "file_timeout:lookup"
    case .fileTimeoutRead: "file_timeout:read"
    case .fileQueueFull: "refused:file_queue"
    case .spillFailed: "internal:spill"
    case .overloaded: "refused:overloaded"
    case .shutdown: "internal:shutdown"
    case .tunnelIdle: "timeout:tunnel"
    case .sessionLost: "refused:session_lost"
    case .moved: "drained:tunnel"
    }
  }
}
