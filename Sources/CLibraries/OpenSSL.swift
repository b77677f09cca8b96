private import COpenSSL

/// libcrypto as a whole.
public enum OpenSSL {
  /// Has it stay as it is when the process exits: it would take from under threads that end then
  /// what they end with. To be called before anything else of it is.
  public static func stayAtExit() {
    OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_ATEXIT), nil)
  }
}
