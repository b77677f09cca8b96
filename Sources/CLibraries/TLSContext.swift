private import COpenSSL
private import Glibc
private import Synchronization

/// The versions of TLS that are spoken; nobody should be offered an older one (RFC 8996).
public enum TLSVersion: Sendable {
  case v12, v13

  fileprivate var number: Int32 {
    switch self {
    case .v12: TLS1_2_VERSION
    case .v13: TLS1_3_VERSION
    }
  }
}

/// What all connections of one listener have in common: who this server is, by the name that a
/// client asks for, and what is agreed to. It never changes; another one takes its place.
@safe public final class TLSContext: Sendable {
  /// Mozilla's intermediate profile for TLS 1.2 (guideline 5.7) without DHE, whose parameters
  /// nobody keeps; TLS 1.3 has no others than good ones.
  public static let ciphers = """
    ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
    ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305
    """
  /// Whether a list of ciphers for TLS 1.2 has one in it that libssl knows.
  public static func knows(ciphers: String) -> Bool {
    let handle = unsafe Handle(TLS_server_method())
    ERR_clear_error()
    return unsafe SSL_CTX_set_cipher_list(handle.pointer, ciphers) == 1
  }

  /// The curves of the same profile.
  public static let curves = "X25519:P-256:P-384"

  /// Whether libssl knows every curve of a list.
  public static func knows(curves: String) -> Bool {
    let handle = unsafe Handle(TLS_server_method())
    ERR_clear_error()
    return unsafe copenssl_set_groups(handle.pointer, curves) == 1
  }

  /// A reference to libssl's context, which counts references by itself.
  @safe final class Handle: @unchecked Sendable {
    let pointer: OpaquePointer

    /// - Parameter preference: what libssl asks libcrypto for rather than anything else, if there
    ///   is such.
    init(_ method: OpaquePointer?, preferring preference: UnsafePointer<CChar>? = nil) {
      guard let pointer = unsafe SSL_CTX_new_ex(nil, preference, method) else {
        fatalError("out of memory")
      }
      unsafe self.pointer = unsafe pointer
      unsafe copenssl_set_up(pointer)
    }

    deinit { unsafe SSL_CTX_free(pointer) }
  }

  /// What a name leads to.
  enum Choice: Sendable {
    /// The context that the connection began with. A reference to it would keep it for ever, for
    /// the names are attached to it.
    case first
    case other(Handle)
  }

  /// The contexts of all certificates, by what they are chosen by.
  final class Names: Sendable {
    let choices: [String: Choice]

    init(_ choices: [String: Choice]) { self.choices = choices }

    /// A wildcard stands for one label, and never for a part of one (RFC 6125 §6.4.3).
    func find(_ name: String) -> Choice? {
      if let exact = choices[name] { return exact }
      guard let dot = name.firstIndex(of: ".") else { return nil }
      return choices["*" + name[dot...]]
    }
  }

  let handle: Handle

  /// For clients that connect to us.
  ///
  /// - Parameters:
  ///   - identities: at least one; the first is for clients that ask for no name, or for one that
  ///     nobody has. Of those that have the same name each kind of key is taken once.
  ///   - ciphers: for TLS 1.2, as libssl writes them.
  ///   - curves: for both, likewise.
  public init(
    identities: [TLSIdentity], least: TLSVersion = .v12, ciphers: String = TLSContext.ciphers,
    curves: String = TLSContext.curves, clients: TLSClients? = nil, tickets: TicketKeys
  ) throws(CertificateFault) {
    var made: [[Int]: Handle] = [:]
    func context(_ members: [Int]) throws(CertificateFault) -> Handle {
      if let known = made[members] { return known }
      let handle = unsafe Handle(TLS_server_method(), preferring: RecordKeys.preference)
      try Self.prepare(handle, least, ciphers, curves, tickets)
      unsafe try TLSClients.admit(clients, to: handle.pointer)
      for i in members { unsafe try identities[i].install(in: handle.pointer) }
      made[members] = handle
      return handle
    }
    let first = Self.members(identities, like: 0)
    handle = try context(first)
    var choices: [String: Choice] = [:]
    for name in Set(identities.flatMap(\.names)) {
      let chosen = try context(Self.members(identities, named: name))
      choices[name] = chosen === handle ? .first : .other(chosen)
    }
    unsafe Self.attach(Names(choices), at: Self.namesIndex, to: handle.pointer)
    unsafe copenssl_choose_by_name(handle.pointer) { ssl, _, _ in
      unsafe TLSContext.chooseByName(ssl)
    }
  }

  /// For servers that we connect to.
  ///
  /// - Parameters:
  ///   - authorities: PEM: whose signature is believed; nil for those that the system trusts.
  ///   - verifies: false believes anybody, who then may read and change everything.
  ///   - revoked: whose certificates are believed no more.
  ///   - identity: who we are, to servers that ask.
  ///   - protocols: what they are told that we speak; each has 1 to 255 bytes.
  public init(
    trusting authorities: String?, verifies: Bool = true, revoked: RevocationList? = nil,
    identity: TLSIdentity? = nil, protocols: [String] = []
  ) throws(CertificateFault) {
    handle = unsafe Handle(TLS_client_method())
    let context = unsafe handle.pointer
    unsafe copenssl_turn_cache_off(context)
    guard unsafe copenssl_set_least_version(context, TLS1_2_VERSION) == 1,
      unsafe SSL_CTX_set_cipher_list(context, Self.ciphers) == 1
    else { throw .refused(OpenSSLError.text()) }
    if let identity { unsafe try identity.install(in: context) }
    let names = protocols.flatMap { [UInt8($0.utf8.count)] + $0.utf8 }
    // Which are copied.
    _ = unsafe SSL_CTX_set_alpn_protos(context, names, UInt32(names.count))
    unsafe SSL_CTX_set_verify(context, verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
    if let authorities {
      unsafe try TLSIdentity.add(authorities, to: context)
    } else if verifies {
      _ = unsafe SSL_CTX_set_default_verify_paths(context)
    }
    unsafe revoked?.install(in: context)
  }

  /// Those that have a name, one of each kind of key.
  private static func members(_ identities: [TLSIdentity], named name: String) -> [Int] {
    var kinds: Set<Int32> = []
    return identities.indices.filter { i in
      identities[i].names.contains(name) && kinds.insert(identities[i].keyKind).inserted
    }
  }

  /// The first, and beside it those for the same names with another kind of key.
  private static func members(_ identities: [TLSIdentity], like first: Int) -> [Int] {
    guard let name = identities[first].names.first else { return [first] }
    let all = members(identities, named: name)
    return all.contains(first) ? all : [first]
  }

  private static func prepare(
    _ handle: Handle, _ least: TLSVersion, _ ciphers: String, _ curves: String,
    _ tickets: TicketKeys
  ) throws(CertificateFault) {
    let context = unsafe handle.pointer
    ERR_clear_error()
    guard unsafe copenssl_set_least_version(context, least.number) == 1,
      unsafe SSL_CTX_set_cipher_list(context, ciphers) == 1,
      unsafe copenssl_set_groups(context, curves) == 1
    else { throw .refused(OpenSSLError.text()) }
    // What is resumed is in the clients' tickets, and costs nothing here.
    unsafe copenssl_turn_cache_off(context)
    unsafe attach(tickets, at: ticketsIndex, to: context)
    unsafe copenssl_seal_tickets(context) { ssl, name, iv, cipher, mac, seals in
      unsafe TLSContext.prepareTicket(ssl, name, iv, cipher, mac, seals)
    }
    unsafe OCSPStaple.show(in: context)
    unsafe SSL_CTX_set_alpn_select_cb(
      context,
      { _, chosen, count, offered, offeredCount, _ in
        unsafe TLSContext.chooseProtocol(chosen, count, offered, offeredCount)
      }, nil)
  }

  // MARK: What libssl asks

  // What is attached to a context lives as long as the context: it may outlive its owner here
  // for as long as a connection goes on with it.
  private static let namesIndex = newIndex()
  private static let ticketsIndex = newIndex()

  static func newIndex() -> Int32 {
    unsafe copenssl_new_context_index { _, attached, _, _, _, _ in
      guard let attached = unsafe attached else { return }
      unsafe Unmanaged<AnyObject>.fromOpaque(attached).release()
    }
  }

  static func attach(_ object: AnyObject, at index: Int32, to context: OpaquePointer) {
    let retained = unsafe Unmanaged.passRetained(object).toOpaque()
    let status = unsafe SSL_CTX_set_ex_data(context, index, retained)
    precondition(status == 1, "out of memory")
  }

  /// What other certificates a context leads to; nil of one that was not made first.
  static func names(of context: OpaquePointer?) -> Names? {
    guard let attached = unsafe SSL_CTX_get_ex_data(context, namesIndex) else { return nil }
    // Attached as such, and alive while the context is.
    return unsafe Unmanaged<AnyObject>.fromOpaque(attached).takeUnretainedValue() as? Names
  }

  private static func chooseByName(_ ssl: OpaquePointer?) -> Int32 {
    guard let name = unsafe SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name),
      let names = unsafe names(of: SSL_get_SSL_CTX(ssl))
    else { return SSL_TLSEXT_ERR_NOACK }
    switch unsafe names.find(String(cString: name).lowercased()) {
    case .first: break
    case .other(let found): _ = unsafe SSL_set_SSL_CTX(ssl, found.pointer)
    case nil: return SSL_TLSEXT_ERR_NOACK
    }
    return SSL_TLSEXT_ERR_OK
  }

  private static func prepareTicket(
    _ ssl: OpaquePointer?, _ name: UnsafeMutablePointer<UInt8>?,
    _ iv: UnsafeMutablePointer<UInt8>?, _ cipher: OpaquePointer?, _ mac: OpaquePointer?,
    _ seals: Int32
  ) -> Int32 {
    guard let name = unsafe name, let iv = unsafe iv, let cipher = unsafe cipher,
      let mac = unsafe mac,
      let attached = unsafe SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ticketsIndex),
      let keys = unsafe Unmanaged<AnyObject>.fromOpaque(attached).takeUnretainedValue()
        as? TicketKeys
    else { return -1 }
    // RFC 8446 appendix C.4.
    let servesOnce = unsafe SSL_version(ssl) == TLS1_3_VERSION
    return unsafe keys.prepare(
      name: name, iv: iv, cipher, mac, seals: seals == 1, servesOnce: servesOnce)
  }

  private static let http11: StaticString = "http/1.1"

  /// HTTP/1.1 where a client names protocols at all; who names only others is told so (RFC 7301
  /// §3.2).
  private static func chooseProtocol(
    _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ chosenCount: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?, _ count: UInt32
  ) -> Int32 {
    let names = unsafe UnsafeBufferPointer(start: offered, count: Int(count))
    var start = 0
    // Each name has its length in front; libssl has checked the list as a whole.
    while start < names.count {
      let end = start + 1 + Int(unsafe names[start])
      guard end <= names.count else { break }
      if unsafe names[(start + 1)..<end].elementsEqual("http/1.1".utf8) {
        unsafe chosen?.pointee = http11.utf8Start
        unsafe chosenCount?.pointee = UInt8(http11.utf8CodeUnitCount)
        return SSL_TLSEXT_ERR_OK
      }
      start = end
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL
  }
}

/// One is itself alone.
extension TLSContext: Equatable {
  public static func == (a: TLSContext, b: TLSContext) -> Bool { a === b }
}
