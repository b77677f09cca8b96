import Balancing
import Files
import HTTP
import Memory
import Network
import Reactor

/// One request and its response, from the first byte of the one to the last of the other.
struct Exchange: ~Copyable {
  enum Phase: UInt8 {
    /// The request's head is being read.
    case head
    /// A file thread finds out what the request's path leads to.
    case looking
    /// The request's body is being read; no server has been asked yet.
    case holding
    /// It waits for a server that can take it.
    case queued
    /// A connection to a server is being opened.
    case connecting
    /// The request is being sent, the head of the response is awaited.
    case waiting
    /// The response is on its way to the client.
    case responding
  }

  /// Ways of a response's body.
  enum Passage: UInt8 {
    /// Read into a buffer of the exchange, and sent from there.
    case copied
    /// Through a pipe: `Worker+Splicing`.
    case spliced
    /// In large pieces over TLS: `Worker+SealedBodies`.
    case sealed
  }

  let client: Handle
  /// The connection to the server that is asked now.
  var upstream = Handle.none
  /// The configuration that this exchange began with.
  var generation: Handle
  var phase = Phase.head
  let start: Instant

  // MARK: The request

  /// The head, kept to the end for the log and for another try, and what came right after it.
  var request = ByteBuffer()
  var headLength = 0
  /// How far the end of the head has been looked for.
  var scanned = 0
  var facts = RequestFacts()
  var requestBody = BodyReader.none
  /// The body's beginning, which came with the head and stays there: small bodies need no more.
  var inlineBody = 0
  var inlineSent = 0
  /// The length of a body that the answer does without: it is passed over.
  var unwantedBody = 0
  /// Bytes of the body that wait for the server, or are kept for another one.
  var requestStore = BodyStore()
  /// Bytes of the body read from the client.
  var bytesIn: UInt64 = 0
  /// The client waits for 100 (Continue) before it sends the body.
  var owesContinue = false
  /// The chunk that ends a body of unknown length is on its way.
  var isLastChunkSent = false
  /// The length under which the body goes upstream, when it is known.
  var upstreamLength: UInt64?

  // MARK: The server

  var route = RouteFacts()
  var pool = PoolFacts()
  /// The server's number in its pool, −1 while none is picked.
  var server = -1
  var tried = TriedServers()
  /// Those that had been tried before the present one.
  var triedBefore = TriedServers()
  /// What the request says about the server it wants.
  var key = AffinityKey()
  /// What the request has to do with a session that only one server knows.
  var session = SessionFacts()
  /// Where limits count this request as under way.
  var limits = HeldLimits()
  /// The server counts this request as under way.
  var isCounted = false
  var attempts: UInt8 = 0
  var retry = RetryState()
  /// How often the request, or a part of it, was sent.
  var sends: UInt8 = 0
  /// When it first had to wait for a server; 0 when it never had to.
  var queuedSince: Instant = 0
  /// When it last began to wait.
  var entered: Instant = 0
  /// How long it has waited.
  var queued: UInt64 = 0
  /// Its neighbours among those that wait.
  var next = Handle.none
  var previous = Handle.none
  /// It was let go while no server of its pool was known to answer.
  var isOnTrial = false
  /// Whether the request's end has gone out to the server.
  var isSent = false
  /// The server reads no more of the request, though it may still answer.
  var isSendingOver = false
  /// The request goes out on a connection that has served another: it may die of old age.
  var isReused = false
  /// When the present server was picked; 0 once its answer has begun.
  var asked: Instant = 0
  var connectStart: Instant = 0
  var connectTime: UInt64 = 0
  var firstByte: Instant = 0
  /// The piece of a body of unknown length that goes to the server now, as a chunk. An early answer
  /// may come meanwhile.
  var chunk = ByteBuffer()
  /// First the head that goes to the server, then what comes from it.
  var input = ByteBuffer()
  /// Whether `input` holds bytes for the server.
  var isSendingHead = false

  // MARK: The response

  var status: UInt16 = 0
  var responseBody = BodyReader.none
  var encoding = BodyEncoding.identity
  var gzip = GzipRule.Outcome.untouched
  /// The stream that the body goes through on its way, until all of it has.
  var compressor = Handle.none
  /// Bytes for the client, in front of those in the pipe and in the store.
  var output = ByteBuffer()
  /// The pipe that holds what follows the output, as long as it holds something.
  var pipe = Handle.none
  /// How what comes next of the body goes to the client, if it can.
  var passage = Passage.copied
  var responseStore = BodyStore()
  var file: FileResponse?
  var accel = AccelRedirect()
  /// What is to be gone on with when a file thread has found out.
  var fileWait: FileWait?
  /// What comes next of a file that only file threads read.
  var filePiece = ByteBuffer()
  /// Whether a file thread reads what comes next.
  var isReadingFile = false
  /// The response has had its share of a turn and stands among those that are ready for another.
  var awaitsTurn = false
  /// The response's head has gone into the output.
  var hasResponseHead = false
  /// Nothing more will be added to the output.
  var isResponseWhole = false
  /// The connection to the client ends with this exchange.
  var endsConnection = false
  /// The body goes on in chunks and ended with its connection: the last chunk is ours to write.
  var owesLastChunk = false
  /// The end of the connection is all that tells the client where the body ends.
  var isEndedByClose = false
  /// Trailers have been written: the last chunk has begun.
  var hasTrailers = false
  /// The server keeps its connection open after this response.
  var isUpstreamPersistent = false
  /// The server asked that its response not be buffered (X-Accel-Buffering).
  var isUnbuffered = false
  var bytesOut: UInt64 = 0
  var reason = Termination.ok
  /// The request's own id, in hexadecimal, when it was made here.
  var requestID: (UInt64, UInt64) = (0, 0)

  /// The pool allows one more server to be asked.
  var hasTryLeft: Bool { Int(attempts) <= pool.retries + Int(retry.freeTries) }
  /// Whether the request may reach a server twice: its method says so (RFC 9110 §9.2.2), or its
  /// route. A session ends over a second poll beside the first, and what is polled is gone with
  /// the answer.
  var isRepeatable: Bool {
    (facts.method.isIdempotent || route.isIdempotent) && session.role != .member
  }
  /// Whether the request's id is the one that it came with.
  var keepsRequestID: Bool { !facts.requestID.isEmpty }
  /// Where the next request begins in the buffer, if it is there already.
  var requestEnd: Int { headLength + inlineBody + unwantedBody }
  /// The body goes to the server in chunks, for its length is not known.
  var sendsChunks: Bool { upstreamLength == nil && requestStore.isOpen }
  /// The server is asked to say when the body may come (RFC 9110 §10.1.1).
  var relaysExpect: Bool { owesContinue && !requestBody.isDone }
  var hasBodyInput: Bool { !input.isEmpty && !responseBody.isDone }
  /// The client gets of the body what the server sends, byte by byte: no chunks on either side.
  var passesAsIs: Bool { encoding == .identity && !responseBody.isChunked }
  /// Whether it holds anything beside its request and what goes to the client.
  var holdsMore: Bool {
    input.capacity > 0 || requestStore.isOpen || responseStore.isOpen || file != nil
      || compressor != .none || pipe != .none || chunk.capacity > 0 || !limits.isEmpty
      || filePiece.capacity > 0 || retry.kept.capacity > 0
  }
  /// What is added to the output is not sent before its turn.
  var isNothingBehindOutput: Bool { pipe == .none && responseStore.isEmpty }
  var buffersResponse: Bool { route.buffersResponse && !isUnbuffered }

  // In line, so that it is made in the place that it will have.
  @inline(__always) init(client: Handle, generation: Handle, start: Instant) {
    self.client = client
    self.generation = generation
    self.start = start
  }
}

/// What is asked often of a request's head once its fields are behind us.
struct RequestFacts {
  var method = Method.other
  var version = Version.http11
  var methodName = Slice.empty
  var target = Slice.empty
  var host = Slice.empty
  /// The host without port and final dot.
  var hostName = Slice.empty
  var requestID = Slice.empty
  var userAgent = Slice.empty
  var isPersistent = false
  var wantsJSON = false
  /// Whether the client asked for a WebSocket and the route allows one.
  var upgrades = false
  /// Whether the client takes gzip; known where the route compresses.
  var takesGzip = false
  /// Whose request it is, as far as trusted proxies tell.
  var address = IPAddress(v4: 0)
  /// Whether who connected is a proxy whose word is believed.
  var isTrusted = false
  /// Whether the client, as far as trusted proxies tell, spoke HTTPS.
  var isSecure = false
}
