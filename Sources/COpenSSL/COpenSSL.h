#pragma once
#include "Records.h"
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <sys/types.h>

// Of <sys/socket.h>, which as a part of two modules would hide its names from Swift.
ssize_t recv(int socket, void *to, size_t room, int flags);
ssize_t send(int socket, const void *from, size_t count, int flags);
enum { COPENSSL_MSG_NOSIGNAL = 0x4000, COPENSSL_MSG_MORE = 0x8000 };

// How libssl reads and writes a socket. Unlike its own way, this one is never told SIGPIPE, and
// knows whether the socket was read to its end for now: the loop is edge-triggered.
//
// A BIO's data are, in 64 bits: in the lowest whether the last read took all there was, then the
// descriptor, then in bit 32 whether more is sent at once, and above how often the peer has renewed
// its keys.

_Static_assert(sizeof(uintptr_t) == 8, "the data of a BIO have 64 bits");

/// Renewals of keys that are taken from one connection. Nobody needs as many (RFC 8446 §5.5 asks for
/// one in 24 million records), and each keeps the thread busy for 20 µs at the price of 27 bytes.
enum { COPENSSL_RENEWALS = 256 };

static const uintptr_t copenssl_follows = (uintptr_t)1 << 32;
static const uintptr_t copenssl_renewal = (uintptr_t)1 << 33;

static inline int copenssl_socket(BIO *bio) {
  return (int)(((uintptr_t)BIO_get_data(bio) >> 1) & INT32_MAX);
}

static inline uintptr_t copenssl_renewals(BIO *bio) {
  return (uintptr_t)BIO_get_data(bio) / copenssl_renewal;
}

static inline void copenssl_set_drained(BIO *bio, int drained) {
  uintptr_t state = (uintptr_t)BIO_get_data(bio);
  BIO_set_data(bio, (void *)((state & ~(uintptr_t)1) | (drained ? 1 : 0)));
}

/// Sees each message: counts renewals of keys, and the records that a handshake ends with.
static void copenssl_note_message(
  int sent, int version, int type, const void *message, size_t count, SSL *ssl, void *context) {
  (void)version;
  struct copenssl_traffic *traffic = context;
  if (traffic != NULL && traffic->server.iv_count > 0 && sent && type == SSL3_RT_HEADER)
    traffic->sealed++;
  if (sent || type != SSL3_RT_HANDSHAKE || count == 0) return;
  if (*(const unsigned char *)message != SSL3_MT_KEY_UPDATE) return;
  BIO *bio = SSL_get_rbio(ssl);
  if (copenssl_renewals(bio) > COPENSSL_RENEWALS) return;
  BIO_set_data(bio, (void *)((uintptr_t)BIO_get_data(bio) + copenssl_renewal));
}

static ssize_t copenssl_receive(BIO *bio, void *to, size_t room) {
  ssize_t n;
  do {
    n = recv(copenssl_socket(bio), to, room, 0);
  } while (n < 0 && errno == EINTR);
  copenssl_set_drained(bio, n < (ssize_t)room);
  if (n < 0 && errno == EAGAIN) BIO_set_retry_read(bio);
  if (n == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return n;
}

static int copenssl_socket_read(BIO *bio, char *to, int room) {
  BIO_clear_retry_flags(bio);
  if (copenssl_renewals(bio) > COPENSSL_RENEWALS) return -1;
  struct copenssl_traffic *traffic = BIO_get_app_data(bio);
  if (traffic == NULL) return (int)copenssl_receive(bio, to, (size_t)room);
  if (traffic->start == traffic->end) {
    if (traffic->reads_no_more) return (int)copenssl_receive(bio, to, (size_t)room);
    if (traffic->is_drained && !traffic->reads_to_end) {
      BIO_set_retry_read(bio);
      return -1;
    }
    ssize_t n = copenssl_receive(bio, traffic->input, sizeof traffic->input);
    if (n <= 0) return (int)n;
    traffic->is_drained = n < (ssize_t)sizeof traffic->input;
    traffic->start = 0;
    traffic->end = (size_t)n;
  }
  size_t count = traffic->end - traffic->start;
  if (count > (size_t)room) count = (size_t)room;
  memcpy(to, traffic->input + traffic->start, count);
  traffic->start += count;
  return (int)count;
}

static int copenssl_socket_write(BIO *bio, const char *from, int count) {
  struct copenssl_traffic *traffic = BIO_get_app_data(bio);
  // What a server writes when it knows the client's key are tickets: they may go with the answer.
  int follows = ((uintptr_t)BIO_get_data(bio) & copenssl_follows) != 0 ||
                (traffic != NULL && traffic->client.iv_count > 0);
  int flags = COPENSSL_MSG_NOSIGNAL | (follows ? COPENSSL_MSG_MORE : 0);
  ssize_t n;
  do {
    n = send(copenssl_socket(bio), from, (size_t)count, flags);
  } while (n < 0 && errno == EINTR);
  BIO_clear_retry_flags(bio);
  if (n < 0 && errno == EAGAIN) BIO_set_retry_write(bio);
  return (int)n;
}

static long copenssl_socket_control(BIO *bio, int command, long number, void *pointer) {
  (void)number;
  (void)pointer;
  switch (command) {
  case BIO_CTRL_FLUSH:
    return 1;
  case BIO_CTRL_EOF:
    return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
  default:
    return 0;
  }
}

static inline BIO_METHOD *copenssl_socket_method(void) {
  BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
  if (method == NULL) return NULL;
  BIO_meth_set_read(method, copenssl_socket_read);
  BIO_meth_set_write(method, copenssl_socket_write);
  BIO_meth_set_ctrl(method, copenssl_socket_control);
  return method;
}

/// Has `ssl` read and write a socket, which it does not own; 0 when memory is out.
static inline int copenssl_bind(SSL *ssl, const BIO_METHOD *method, int socket) {
  BIO *bio = BIO_new(method);
  if (bio == NULL) return 0;
  BIO_set_data(bio, (void *)((uintptr_t)socket << 1));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  return 1;
}

/// Whether a session ends for libssl with the handshake. Until then it keeps its buffers, and takes
/// no more from what has come than the record that it wants.
static inline void copenssl_set_leaving(SSL *ssl, int leaves) {
  SSL_set_read_ahead(ssl, !leaves);
  if (leaves) {
    SSL_clear_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
  } else {
    SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
  }
}

/// What a session sees of itself while hands are shaken, and reads through; NULL for nothing any
/// more. 0 when memory is out.
static inline int copenssl_set_traffic(SSL *ssl, struct copenssl_traffic *traffic) {
  if (BIO_set_app_data(SSL_get_rbio(ssl), traffic) != 1) return 0;
  SSL_set_msg_callback_arg(ssl, traffic);
  return 1;
}

/// - Returns: NULL when memory is out.
static inline struct copenssl_traffic *copenssl_traffic_new(SSL *ssl) {
  struct copenssl_traffic *made = OPENSSL_zalloc(sizeof *made);
  if (made != NULL && copenssl_set_traffic(ssl, made) == 1) return made;
  OPENSSL_free(made);
  return NULL;
}

static inline int copenssl_is_drained(const SSL *ssl) {
  return (int)((uintptr_t)BIO_get_data(SSL_get_rbio(ssl)) & 1);
}

/// Says whether more is sent at once behind what is written from now on: then the kernel need not
/// make a packet of its end, and the peer is not woken for each record.
static inline void copenssl_set_follows(SSL *ssl, int follows) {
  BIO *bio = SSL_get_wbio(ssl);
  uintptr_t state = (uintptr_t)BIO_get_data(bio) & ~copenssl_follows;
  BIO_set_data(bio, (void *)(state | (follows ? copenssl_follows : 0)));
}

// What Swift cannot see, for it is made of macros.

static inline void copenssl_set_up(SSL_CTX *context) {
  // NO_AUTO_CHAIN: the chain is what the file says; looking for more of it would be a verification
  // for each handshake, as dear as half a signature. A write is whole or not done: a peer may have
  // asked for records so short that one write becomes several (RFC 6066 §4).
  SSL_CTX_set_mode(
    context,
    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_msg_callback(context, copenssl_note_message);
}

static inline int copenssl_set_least_version(SSL_CTX *context, int version) {
  return (int)SSL_CTX_set_min_proto_version(context, version);
}

static inline int copenssl_set_groups(SSL_CTX *context, const char *names) {
  return (int)SSL_CTX_set1_groups_list(context, names);
}

static inline void copenssl_turn_cache_off(SSL_CTX *context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

static inline int copenssl_add_chain(SSL_CTX *context, X509 *certificate) {
  return (int)SSL_CTX_add1_chain_cert(context, certificate);
}

static inline void copenssl_choose_by_name(SSL_CTX *context, int (*choose)(SSL *, int *, void *)) {
  SSL_CTX_set_tlsext_servername_callback(context, choose);
}

static inline void copenssl_seal_tickets(
  SSL_CTX *context,
  int (*seal)(SSL *, unsigned char *, unsigned char *, EVP_CIPHER_CTX *, EVP_MAC_CTX *, int)) {
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, seal);
}

/// Prepares to seal or to open a ticket: AES-256-CBC, then HMAC with SHA-256.
static inline int copenssl_ticket_ciphers(
  EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, const unsigned char *cipher_key,
  const unsigned char *mac_key, unsigned char *iv, int seals) {
  OSSL_PARAM parameters[3];
  parameters[0] =
    OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)mac_key, 32);
  parameters[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"sha256", 0);
  parameters[2] = OSSL_PARAM_construct_end();
  return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, cipher_key, iv, seals) == 1 &&
         EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

static inline int copenssl_new_context_index(CRYPTO_EX_free *release) {
  return SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, release);
}

static inline int copenssl_new_session_index(CRYPTO_EX_free *release) {
  return SSL_get_ex_new_index(0, NULL, NULL, NULL, release);
}

static inline int copenssl_new_certificate_index(CRYPTO_EX_free *release) {
  return X509_get_ex_new_index(0, NULL, NULL, NULL, release);
}

static inline void copenssl_staple(SSL_CTX *context, int (*answer)(SSL *, void *)) {
  SSL_CTX_set_tlsext_status_cb(context, answer);
}

/// Has a copy of a response sent with the certificate; 0 when memory is out.
static inline int copenssl_give_staple(SSL *ssl, const unsigned char *response, size_t count) {
  unsigned char *copy = OPENSSL_memdup(response, count);
  return copy != NULL && SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)count) == 1;
}

/// Frees that copy.
static inline void copenssl_forget_staple(SSL *ssl) {
  SSL_set_tlsext_status_ocsp_resp(ssl, NULL, 0);
}

/// What a response says of a certificate; NULL when that is nothing. It belongs to the response.
static inline OCSP_SINGLERESP *copenssl_find_status(
  OCSP_BASICRESP *response, const X509 *certificate, const X509 *issuer) {
  for (int i = 0; i < OCSP_resp_count(response); i++) {
    OCSP_SINGLERESP *single = OCSP_resp_get0(response, i);
    const OCSP_CERTID *told = OCSP_SINGLERESP_get0_id(single);
    ASN1_OBJECT *name = NULL;
    OCSP_id_get0_info(NULL, &name, NULL, NULL, (OCSP_CERTID *)told);
    const EVP_MD *digest = EVP_get_digestbyobj(name);
    OCSP_CERTID *wanted = digest != NULL ? OCSP_cert_to_id(digest, certificate, issuer) : NULL;
    int is_same = wanted != NULL && OCSP_id_cmp(wanted, told) == 0;
    OCSP_CERTID_free(wanted);
    if (is_same) return single;
  }
  return NULL;
}

/// Whether the issuer has signed a response, or whom it has let (RFC 6960 §4.2.2.2).
static inline int copenssl_is_signed(OCSP_BASICRESP *response, X509 *issuer) {
  X509_STORE *store = X509_STORE_new();
  STACK_OF(X509) *signers = sk_X509_new_null();
  int is_signed = store != NULL && signers != NULL && X509_STORE_add_cert(store, issuer) == 1 &&
                  sk_X509_push(signers, issuer) > 0 &&
                  OCSP_basic_verify(response, signers, store, OCSP_PARTIAL_CHAIN) == 1;
  sk_X509_free(signers);
  X509_STORE_free(store);
  return is_signed;
}

static inline int copenssl_set_name(SSL *ssl, const char *name) {
  return (int)SSL_set_tlsext_host_name(ssl, name);
}

/// Has the peer's certificate checked for a name, by its subjectAltName alone and with no wildcard
/// for a part of a label (RFC 6125 §6.4.3), or for an address; 0 when that cannot be.
static inline int copenssl_expect(SSL *ssl, const char *name, int is_address) {
  X509_VERIFY_PARAM *parameters = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(
    parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return is_address ? X509_VERIFY_PARAM_set1_ip_asc(parameters, name)
                    : X509_VERIFY_PARAM_set1_host(parameters, name, 0);
}

/// A certificate of the chain that was last checked, the peer's own at 0; it belongs to `ssl`.
static inline X509 *copenssl_checked(SSL *ssl, int number) {
  STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
  return chain != NULL && sk_X509_num(chain) > number ? sk_X509_value(chain, number) : NULL;
}

/// Whether now is before (-1) or after (1) the time of a certificate.
static inline int copenssl_compare_time(const X509 *certificate) {
  return X509_cmp_timeframe(
    NULL, X509_get0_notBefore(certificate), X509_get0_notAfter(certificate));
}

static inline int copenssl_reason(unsigned long error) { return ERR_GET_REASON(error); }

static inline EVP_PKEY *copenssl_new_key(void) { return EVP_EC_gen("P-256"); }

static inline long copenssl_pem_bytes(BIO *bio, char **bytes) {
  return BIO_get_mem_data(bio, bytes);
}

static inline unsigned long copenssl_subject_form(void) { return XN_FLAG_RFC2253; }

static inline int copenssl_names_count(const GENERAL_NAMES *names) {
  return sk_GENERAL_NAME_num(names);
}

/// The name of that number if it is one of DNS; its bytes belong to `names`.
static inline const unsigned char *copenssl_dns_name(
  const GENERAL_NAMES *names, int number, int *count) {
  const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, number);
  if (name->type != GEN_DNS) return NULL;
  *count = ASN1_STRING_length(name->d.dNSName);
  return ASN1_STRING_get0_data(name->d.dNSName);
}

/// Whether a list of revoked certificates is of an authority: by its name, and by its key where the
/// list tells it.
static inline int copenssl_is_of(X509_CRL *list, const X509 *authority) {
  if (X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(authority)) != 0) return 0;
  AUTHORITY_KEYID *key = X509_CRL_get_ext_d2i(list, NID_authority_key_identifier, NULL, NULL);
  int is_same = key == NULL || X509_check_akid(authority, key) == X509_V_OK;
  AUTHORITY_KEYID_free(key);
  return is_same;
}
