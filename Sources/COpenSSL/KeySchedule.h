// The keys of TLS 1.3 (RFC 8446 §7).
//
// libssl has no call that gives them away, but it asks libcrypto for a "TLS13-KDF" that derives
// them, and whoever adds a provider (provider-kdf(7)) may be the one that is asked. Ours keeps what
// it has come to for the handshake that the thread is at, and takes two thirds of the time that
// libcrypto's own takes, which looks for its digest by name each time: some twenty derivations were
// a quarter of a handshake.
#pragma once
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>
#include <stdint.h>
#include <string.h>

enum {
  COPENSSL_SECRET_BYTES = 48,
  COPENSSL_KEY_BYTES = 32,
  COPENSSL_NONCE_BYTES = 12,
};

/// What one side seals its records by; counts are 0 of what is not known.
struct copenssl_keys {
  unsigned char secret[COPENSSL_SECRET_BYTES], key[COPENSSL_KEY_BYTES], iv[COPENSSL_NONCE_BYTES];
  uint8_t secret_count, key_count, iv_count;
};

/// What a handshake has come to, and what has come behind it.
struct copenssl_traffic {
  struct copenssl_keys client, server;
  /// Records that the server has sealed by its key: tickets.
  uint64_t sealed;
  /// What was read of the socket: libssl itself asks for a header, and then for a record.
  size_t start, end;
  unsigned char input[4096];
  /// The socket has no more in this step, as far as is known, and need not be asked.
  uint8_t is_drained, reads_to_end;
  uint8_t reads_no_more;
};

static inline void copenssl_traffic_free(struct copenssl_traffic *traffic) {
  OPENSSL_clear_free(traffic, sizeof *traffic);
}

/// libssl goes on by itself: it reads the socket behind what has come, and has keys of its own.
static inline void copenssl_traffic_leave(struct copenssl_traffic *traffic) {
  OPENSSL_cleanse(&traffic->client, sizeof traffic->client);
  OPENSSL_cleanse(&traffic->server, sizeof traffic->server);
  traffic->reads_no_more = 1;
}

/// What was read and is not libssl's yet.
static inline const unsigned char *copenssl_traffic_input(const struct copenssl_traffic *traffic) {
  return traffic->input + traffic->start;
}

static inline const struct copenssl_keys *copenssl_client_keys(
  const struct copenssl_traffic *traffic) {
  return &traffic->client;
}

static inline const struct copenssl_keys *copenssl_server_keys(
  const struct copenssl_traffic *traffic) {
  return &traffic->server;
}

// MARK: Deriving

/// A digest, and what it makes of nothing.
struct copenssl_digest {
  EVP_MD *function;
  unsigned char empty[EVP_MAX_MD_SIZE];
};

/// What the provider has: libcrypto's way for what is not done here, digests, and the handshake that
/// a thread is at.
struct copenssl_watch {
  EVP_KDF *kdf;
  struct copenssl_digest sha256, sha384;
  CRYPTO_THREAD_LOCAL traffic;
};

struct copenssl_derivation {
  const struct copenssl_watch *watch;
  /// Made when it is needed.
  EVP_KDF_CTX *kdf;
};

static void *copenssl_derivation_new(void *watch) {
  struct copenssl_derivation *made = OPENSSL_zalloc(sizeof *made);
  if (made != NULL) made->watch = watch;
  return made;
}

static void copenssl_derivation_free(void *derivation) {
  struct copenssl_derivation *ended = derivation;
  if (ended == NULL) return;
  EVP_KDF_CTX_free(ended->kdf);
  OPENSSL_free(ended);
}

static EVP_KDF_CTX *copenssl_derivation_kdf(struct copenssl_derivation *derivation) {
  if (derivation->kdf == NULL) derivation->kdf = EVP_KDF_CTX_new(derivation->watch->kdf);
  return derivation->kdf;
}

static void copenssl_derivation_reset(void *derivation) {
  struct copenssl_derivation *this = derivation;
  if (this->kdf != NULL) EVP_KDF_CTX_reset(this->kdf);
}

static int copenssl_derivation_set(void *derivation, const OSSL_PARAM parameters[]) {
  EVP_KDF_CTX *kdf = copenssl_derivation_kdf(derivation);
  return kdf != NULL && EVP_KDF_CTX_set_params(kdf, parameters) == 1;
}

static const OSSL_PARAM *copenssl_derivation_settable(void *derivation, void *watch) {
  (void)derivation;
  return EVP_KDF_settable_ctx_params(((struct copenssl_watch *)watch)->kdf);
}

/// HMAC of one message (RFC 2104); the key is no longer than a block.
static inline int copenssl_hmac(
  EVP_MD_CTX *hash, const EVP_MD *digest, const unsigned char *key, size_t key_count,
  const unsigned char *message, size_t count, unsigned char *to) {
  unsigned char pad[EVP_MAX_MD_SIZE * 2] = {0};
  size_t block = (size_t)EVP_MD_get_block_size(digest);
  if (key_count > block || block > sizeof pad) return 0;
  memcpy(pad, key, key_count);
  for (size_t i = 0; i < block; i++) pad[i] ^= 0x36;
  int is_done = EVP_DigestInit_ex2(hash, digest, NULL) == 1 &&
                EVP_DigestUpdate(hash, pad, block) == 1 &&
                EVP_DigestUpdate(hash, message, count) == 1 &&
                EVP_DigestFinal_ex(hash, to, NULL) == 1;
  for (size_t i = 0; i < block; i++) pad[i] ^= 0x36 ^ 0x5c;
  is_done = is_done && EVP_DigestInit_ex2(hash, NULL, NULL) == 1 &&
            EVP_DigestUpdate(hash, pad, block) == 1 &&
            EVP_DigestUpdate(hash, to, (size_t)EVP_MD_get_size(digest)) == 1 &&
            EVP_DigestFinal_ex(hash, to, NULL) == 1;
  OPENSSL_cleanse(pad, sizeof pad);
  return is_done;
}

/// HKDF-Expand-Label (RFC 8446 §7.1) of no more than one digest; 0 when that failed.
static inline int copenssl_expand(
  const EVP_MD *digest, const unsigned char *secret, size_t secret_count, const char *label,
  size_t label_count, const unsigned char *context, size_t context_count, unsigned char *to,
  size_t count) {
  unsigned char message[2 + 256 + 256 + 1], whole[EVP_MAX_MD_SIZE];
  size_t size = (size_t)EVP_MD_get_size(digest);
  if (count > size || label_count > 255 - 6 || context_count > 255) return 0;
  unsigned char *end = message;
  *end++ = 0;
  *end++ = (unsigned char)count;
  *end++ = (unsigned char)(6 + label_count);
  memcpy(end, "tls13 ", 6);
  memcpy(end + 6, label, label_count);
  end += 6 + label_count;
  *end++ = (unsigned char)context_count;
  if (context_count > 0) memcpy(end, context, context_count);
  end += context_count;
  *end++ = 1;
  EVP_MD_CTX *hash = EVP_MD_CTX_new();
  int is_done = hash != NULL && copenssl_hmac(
    hash, digest, secret, secret_count, message, (size_t)(end - message), whole);
  EVP_MD_CTX_free(hash);
  if (is_done) memcpy(to, whole, count);
  OPENSSL_cleanse(whole, sizeof whole);
  return is_done;
}

static inline int copenssl_is(const OSSL_PARAM *parameter, const void *bytes, size_t count) {
  return parameter != NULL && parameter->data_size == count &&
         memcmp(parameter->data, bytes, count) == 0;
}

/// HKDF-Extract with a salt that is expanded from the last secret, as each of the three stages of
/// the key schedule begins (RFC 8446 §7.1); what is not there is zeros. 0 when that failed.
static inline int copenssl_extract(
  const struct copenssl_digest *digest, const OSSL_PARAM *last, const OSSL_PARAM *secret,
  const OSSL_PARAM *label, unsigned char *to, size_t count) {
  static const unsigned char zeros[EVP_MAX_MD_SIZE] = {0};
  unsigned char salt[EVP_MAX_MD_SIZE] = {0};
  size_t size = (size_t)EVP_MD_get_size(digest->function);
  if (count != size) return 0;
  int is_done = last == NULL || copenssl_expand(
    digest->function, last->data, last->data_size, label->data, label->data_size, digest->empty,
    size, salt, size);
  EVP_MD_CTX *hash = EVP_MD_CTX_new();
  is_done = is_done && hash != NULL && copenssl_hmac(
    hash, digest->function, salt, size, secret != NULL ? secret->data : zeros,
    secret != NULL ? secret->data_size : size, to);
  EVP_MD_CTX_free(hash);
  OPENSSL_cleanse(salt, sizeof salt);
  return is_done;
}

/// By the name that libssl asks for; EVP_MD_is_a knows all others, and takes as long as a digest.
static inline const struct copenssl_digest *copenssl_digest_named(
  const struct copenssl_watch *watch, const OSSL_PARAM *name) {
  const struct copenssl_digest *digests[] = {&watch->sha256, &watch->sha384};
  for (int i = 0; i < 2; i++) {
    const char *known = EVP_MD_get0_name(digests[i]->function);
    if (copenssl_is(name, known, strlen(known))) return digests[i];
  }
  return NULL;
}

/// Derives what is asked for, if that is done here; 0 when it is not, or has failed.
static inline int copenssl_derive_as_asked(
  const struct copenssl_watch *watch, const OSSL_PARAM parameters[], const OSSL_PARAM *secret,
  const OSSL_PARAM *label, unsigned char *to, size_t count) {
  const OSSL_PARAM *mode = OSSL_PARAM_locate_const(parameters, OSSL_KDF_PARAM_MODE);
  const OSSL_PARAM *name = OSSL_PARAM_locate_const(parameters, OSSL_KDF_PARAM_DIGEST);
  const OSSL_PARAM *prefix = OSSL_PARAM_locate_const(parameters, OSSL_KDF_PARAM_PREFIX);
  const OSSL_PARAM *context = OSSL_PARAM_locate_const(parameters, OSSL_KDF_PARAM_DATA);
  const OSSL_PARAM *last = OSSL_PARAM_locate_const(parameters, OSSL_KDF_PARAM_SALT);
  const struct copenssl_digest *digest = copenssl_digest_named(watch, name);
  int number;
  if (digest == NULL || mode == NULL || OSSL_PARAM_get_int(mode, &number) != 1 || label == NULL ||
      !copenssl_is(prefix, "tls13 ", 6))
    return 0;
  switch (number) {
  case EVP_KDF_HKDF_MODE_EXTRACT_ONLY:
    return copenssl_extract(digest, last, secret, label, to, count);
  case EVP_KDF_HKDF_MODE_EXPAND_ONLY:
    return secret != NULL && copenssl_expand(
      digest->function, secret->data, secret->data_size, label->data, label->data_size,
      context != NULL ? context->data : NULL, context != NULL ? context->data_size : 0, to, count);
  default:
    return 0;
  }
}

static inline void copenssl_keep(
  unsigned char *to, uint8_t *kept, size_t room, const unsigned char *from, size_t count) {
  if (count > room) return;
  memcpy(to, from, count);
  *kept = (uint8_t)count;
}

/// Keeps what one side's key and nonces are made of, if that is what was derived.
static inline void copenssl_note_derived(
  struct copenssl_keys *keys, const char *name, const OSSL_PARAM *label, const OSSL_PARAM *secret,
  const unsigned char *to, size_t count) {
  if (copenssl_is(label, name, strlen(name))) {
    copenssl_keep(keys->secret, &keys->secret_count, sizeof keys->secret, to, count);
  } else if (keys->secret_count > 0 && copenssl_is(secret, keys->secret, keys->secret_count)) {
    if (copenssl_is(label, "key", 3)) {
      copenssl_keep(keys->key, &keys->key_count, sizeof keys->key, to, count);
    } else if (copenssl_is(label, "iv", 2)) {
      copenssl_keep(keys->iv, &keys->iv_count, sizeof keys->iv, to, count);
    }
  }
}

static int copenssl_derive(
  void *derivation, unsigned char *to, size_t count, const OSSL_PARAM parameters[]) {
  struct copenssl_derivation *this = derivation;
  const OSSL_PARAM *label = OSSL_PARAM_locate_const(parameters, OSSL_KDF_PARAM_LABEL);
  const OSSL_PARAM *secret = OSSL_PARAM_locate_const(parameters, OSSL_KDF_PARAM_KEY);
  // Who has been told something before is not asked everything at once.
  if (this->kdf != NULL ||
      !copenssl_derive_as_asked(this->watch, parameters, secret, label, to, count)) {
    EVP_KDF_CTX *kdf = copenssl_derivation_kdf(this);
    return kdf != NULL && EVP_KDF_derive(kdf, to, count, parameters) == 1;
  }
  CRYPTO_THREAD_LOCAL place = this->watch->traffic;
  struct copenssl_traffic *traffic = CRYPTO_THREAD_get_local(&place);
  if (traffic == NULL) return 1;
  copenssl_note_derived(&traffic->client, "c ap traffic", label, secret, to, count);
  copenssl_note_derived(&traffic->server, "s ap traffic", label, secret, to, count);
  return 1;
}

static const OSSL_ALGORITHM *copenssl_watch_query(void *watch, int operation, int *is_not_kept) {
  static const OSSL_DISPATCH functions[] = {
    {OSSL_FUNC_KDF_NEWCTX, (void (*)(void))copenssl_derivation_new},
    {OSSL_FUNC_KDF_FREECTX, (void (*)(void))copenssl_derivation_free},
    {OSSL_FUNC_KDF_RESET, (void (*)(void))copenssl_derivation_reset},
    {OSSL_FUNC_KDF_DERIVE, (void (*)(void))copenssl_derive},
    {OSSL_FUNC_KDF_SETTABLE_CTX_PARAMS, (void (*)(void))copenssl_derivation_settable},
    {OSSL_FUNC_KDF_SET_CTX_PARAMS, (void (*)(void))copenssl_derivation_set},
    {0, NULL},
  };
  static const OSSL_ALGORITHM algorithms[] = {
    {"TLS13-KDF", "provider=martlet", functions, "the key schedule of TLS 1.3"},
    {NULL, NULL, NULL, NULL},
  };
  (void)watch;
  *is_not_kept = 0;
  return operation == OSSL_OP_KDF ? algorithms : NULL;
}

static void copenssl_watch_free(void *watch) {
  struct copenssl_watch *ended = watch;
  EVP_KDF_free(ended->kdf);
  EVP_MD_free(ended->sha256.function);
  EVP_MD_free(ended->sha384.function);
  CRYPTO_THREAD_cleanup_local(&ended->traffic);
  OPENSSL_free(ended);
}

static inline int copenssl_digest_start(struct copenssl_digest *digest, const char *name) {
  digest->function = EVP_MD_fetch(NULL, name, "provider=default");
  return digest->function != NULL &&
         EVP_Digest("", 0, digest->empty, NULL, digest->function, NULL) == 1;
}

static int copenssl_watch_new(
  const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *given, const OSSL_DISPATCH **functions,
  void **watch) {
  static const OSSL_DISPATCH own[] = {
    {OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))copenssl_watch_free},
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))copenssl_watch_query},
    {0, NULL},
  };
  (void)core;
  (void)given;
  struct copenssl_watch *made = OPENSSL_zalloc(sizeof *made);
  if (made == NULL) return 0;
  made->kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", "provider=default");
  if (made->kdf == NULL || !copenssl_digest_start(&made->sha256, "SHA256") ||
      !copenssl_digest_start(&made->sha384, "SHA384") ||
      CRYPTO_THREAD_init_local(&made->traffic, NULL) != 1) {
    // A process has one of these: what of it there is stays.
    return 0;
  }
  *functions = own;
  *watch = made;
  return 1;
}

/// Contexts that prefer this are seen into.
static inline const char *copenssl_watch_preference(void) { return "?provider=martlet"; }

/// Adds the provider to libcrypto; NULL when that cannot be, and no key will be known.
static inline const struct copenssl_watch *copenssl_watch_start(void) {
  // Where the system's configuration chooses others (FIPS), it is not for us to add libcrypto's own;
  // where it chooses none, whoever loads one by name has to name this, too.
  if (OSSL_PROVIDER_available(NULL, "default") != 1 ||
      OSSL_PROVIDER_load(NULL, "default") == NULL ||
      OSSL_PROVIDER_add_builtin(NULL, "martlet", copenssl_watch_new) != 1)
    return NULL;
  OSSL_PROVIDER *provider = OSSL_PROVIDER_load(NULL, "martlet");
  return provider == NULL ? NULL : OSSL_PROVIDER_get0_provider_ctx(provider);
}

/// What this thread derives from now on is kept in `traffic`, or nowhere.
static inline void copenssl_watch_keep(
  const struct copenssl_watch *watch, struct copenssl_traffic *traffic) {
  CRYPTO_THREAD_LOCAL place = watch->traffic;
  CRYPTO_THREAD_set_local(&place, traffic);
}
