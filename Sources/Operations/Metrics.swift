import Memory
import Proxy

/// The metrics of the process: their names, and where each is counted.
enum Metrics {
  // MARK: Counted by workers

  static let requests = MetricFamily(
    .counter, "martlet_http_requests_total", "Requests answered, by route and class of status.")
  static let duration = MetricFamily(
    .histogram, "martlet_http_request_duration_seconds",
    "From the first byte of a request to the last of its response.")
  static let received = MetricFamily(
    .counter, "martlet_http_request_bytes_total", "Bytes of requests, by route.")
  static let sent = MetricFamily(
    .counter, "martlet_http_response_bytes_total", "Bytes of responses, by route.")
  static let limited = MetricFamily(
    .counter, "martlet_http_limited_total",
    "Requests refused (429) by the limits of their route, by route.")
  static let refused = MetricFamily(
    .counter, "martlet_http_refused_total",
    "Requests refused before they had a route: malformed, too large, too slow.")

  static let accepted = MetricFamily(
    .counter, "martlet_connections_accepted_total", "Connections of clients accepted.")
  static let connections = MetricFamily(
    .gauge, "martlet_connections", "Connections open now, to clients and to servers.")
  static let tunnels = MetricFamily(.gauge, "martlet_tunnels", "Tunnels (WebSockets) open now.")
  static let overloaded = MetricFamily(
    .counter, "martlet_overloaded_total",
    "Clients not served because no descriptor or place was left.")
  static let logDropped = MetricFamily(
    .counter, "martlet_access_log_dropped_total",
    "Lines of the access log lost because its writer did not keep up.")

  static let handshakes = MetricFamily(
    .counter, "martlet_tls_handshakes_total", "Handshakes of TLS with clients, by result.")
  static let handshakesUnderWay = MetricFamily(
    .gauge, "martlet_tls_handshakes_under_way", "Handshakes of TLS with clients now.")

  static let upstreamRequests = MetricFamily(
    .counter, "martlet_upstream_requests_total", "Requests sent to a server.")
  static let upstreamFailures = MetricFamily(
    .counter, "martlet_upstream_failures_total",
    "Requests that a server did not answer, or not to the end.")
  static let retries = MetricFamily(
    .counter, "martlet_retries_total", "Requests taken from a server to be tried with another.")
  static let retriesRefused = MetricFamily(
    .counter, "martlet_retries_refused_total",
    "Requests not tried with another server because the pool's retry budget was spent.")
  static let connects = MetricFamily(
    .counter, "martlet_upstream_connects_total", "Connections begun to a server.")
  static let connectFailures = MetricFamily(
    .counter, "martlet_upstream_connect_failures_total",
    "Connections to a server that could not be opened, in time or at all.")

  static let queued = MetricFamily(
    .counter, "martlet_queue_requests_total", "Requests that had to wait for a server.")
  static let queueWaiting = MetricFamily(
    .gauge, "martlet_queue_waiting", "Requests that wait for a server now.")
  static let queueRefused = MetricFamily(
    .counter, "martlet_queue_refused_total",
    "Requests refused because the queue was full, or they had waited too long.")
  static let queueSeconds = MetricFamily(
    .histogram, "martlet_queue_wait_seconds", "How long requests waited for a server.")

  static let sessionsOpened = MetricFamily(
    .counter, "martlet_sessions_opened_total", "Sessions of Engine.IO that servers have opened.")
  static let sessionsLost = MetricFamily(
    .counter, "martlet_sessions_lost_total",
    "Requests told (410) that their session of Engine.IO is lost, or has to move.")

  // MARK: Known to the control thread

  static let serverUp = MetricFamily(
    .gauge, "martlet_server_up", "1 if health checks find the server well and it has an address.")
  static let serverMaintenance = MetricFamily(
    .gauge, "martlet_server_maintenance",
    "1 while health checks find the server up and its site in maintenance.")
  static let serverDraining = MetricFamily(
    .gauge, "martlet_server_draining", "1 while the server gets no new requests by order.")
  static let serverEjected = MetricFamily(
    .gauge, "martlet_server_ejected", "1 while failures of live traffic keep the server out.")
  static let serverInFlight = MetricFamily(
    .gauge, "martlet_server_in_flight", "Requests that the server has now.")
  static let serverEjections = MetricFamily(
    .counter, "martlet_server_ejections_total",
    "How often failures of live traffic took the server out.")
  static let sessions = MetricFamily(
    .gauge, "martlet_sessions", "Sessions of Engine.IO remembered now, of all pools.")
  static let certificateDays = MetricFamily(
    .gauge, "martlet_tls_certificate_days_left",
    "Whole days until a certificate that clients are shown expires.")
  static let stapleSeconds = MetricFamily(
    .gauge, "martlet_tls_staple_seconds_left",
    "Seconds until the OCSP response beside a certificate expires; 0 when none is stapled.")
  static let listSeconds = MetricFamily(
    .gauge, "martlet_tls_crl_seconds_left",
    "Seconds until the first list of revoked certificates in a file expires; 0 when one has.")
  static let spillBytes = MetricFamily(
    .gauge, "martlet_spill_bytes", "Bytes of bodies in spill files now.")
  static let spillRefused = MetricFamily(
    .counter, "martlet_spill_refused_total",
    "Bodies streamed instead of spilled, because limits.spill was reached.")
  static let fileJobs = MetricFamily(
    .counter, "martlet_file_jobs_total",
    "What file threads have done: lookups, reads and closes, by directory.")
  static let fileSeconds = MetricFamily(
    .counter, "martlet_file_seconds_total", "Time that file threads took for them.")
  static let fileWaiting = MetricFamily(
    .gauge, "martlet_file_waiting", "What waits for a file thread now.")
  static let fileRefused = MetricFamily(
    .counter, "martlet_file_refused_total",
    "Lookups refused because file_cache.waiting was reached.")
  static let reloads = MetricFamily(
    .counter, "martlet_config_reloads_total", "Reloads of the configuration, by result.")
  static let reloadSuccessful = MetricFamily(
    .gauge, "martlet_config_last_reload_successful",
    "1 if the last reload, or the start, took the configuration.")
  static let reloadTime = MetricFamily(
    .gauge, "martlet_config_last_reload_success_timestamp_seconds",
    "When a configuration was last taken.")
  static let workers = MetricFamily(.gauge, "martlet_workers", "Worker threads.")
  static let build = MetricFamily(.gauge, "martlet_build_info", "1, labelled with the version.")
  static let discarded = MetricFamily(
    .gauge, "martlet_metrics_discarded", "Series that are not counted because there are too many.")

  static let processStart = MetricFamily(
    .gauge, "process_start_time_seconds", "When the process started, since 1970.")
  static let processCPU = MetricFamily(
    .counter, "process_cpu_seconds_total", "Processor time used by all threads.")
  static let processMemory = MetricFamily(
    .gauge, "process_resident_memory_bytes", "Memory that is resident.")
  static let processDescriptors = MetricFamily(
    .gauge, "process_open_fds", "Descriptors open now.")
  static let processDescriptorLimit = MetricFamily(
    .gauge, "process_max_fds", "Descriptors that may be open.")

  // MARK: Slots

  static func workerSlots(_ registry: MetricRegistry) -> WorkerSlots {
    WorkerSlots(
      accepted: registry.slot(accepted),
      clients: registry.slot(connections, [("side", "client")]),
      upstreams: registry.slot(connections, [("side", "upstream")]),
      tunnels: registry.slot(tunnels), refused: registry.slot(refused),
      logDropped: registry.slot(logDropped), overloaded: registry.slot(overloaded))
  }

  static func tlsSlots(_ registry: MetricRegistry) -> TLSSlots {
    let first = registry.slots(
      handshakes, [], last: "result", ["success", "failure", "timeout", "plain_http"])
    return TLSSlots(
      succeeded: first, failed: first + 1, timedOut: first + 2, plain: first + 3,
      underWay: registry.slot(handshakesUnderWay))
  }

  static func routeSlots(_ route: String, _ registry: MetricRegistry) -> RouteSlots {
    let labels = [(name: "route", value: route)]
    let classes = ["1xx", "2xx", "3xx", "4xx", "5xx"]
    return RouteSlots(
      responses: registry.slots(requests, labels, last: "code", classes),
      duration: registry.histogram(duration, labels),
      bytesIn: registry.slot(received, labels), bytesOut: registry.slot(sent, labels),
      limited: registry.slot(limited, labels))
  }

  static func poolSlots(
    _ pool: String, hasSessions: Bool, _ registry: MetricRegistry
  ) -> PoolSlots {
    let labels = [(name: "pool", value: pool)]
    var slots = PoolSlots(
      queued: registry.slots(queued, labels, last: "priority", ["high", "normal", "low"]),
      waiting: registry.slot(queueWaiting, labels),
      refusedFull: registry.slot(queueRefused, labels + [("reason", "full")]),
      refusedTimeout: registry.slot(queueRefused, labels + [("reason", "timeout")]),
      wait: registry.histogram(queueSeconds, labels))
    if hasSessions {
      slots.sessionsOpened = registry.slot(sessionsOpened, labels)
      slots.sessionsLost = registry.slot(sessionsLost, labels)
    }
    return slots
  }

  static func serverSlots(
    _ pool: String, _ server: String, _ registry: MetricRegistry
  ) -> ServerSlots {
    let labels = [(name: "pool", value: pool), (name: "server", value: server)]
    return ServerSlots(
      requests: registry.slot(upstreamRequests, labels),
      connects: registry.slot(connects, labels),
      connectFailures: registry.slot(connectFailures, labels),
      failures: registry.slot(upstreamFailures, labels), retries: registry.slot(retries, labels),
      retriesRefused: registry.slot(retriesRefused, labels))
  }
}
