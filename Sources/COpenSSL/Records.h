// What seals and opens the records of TLS 1.3 (RFC 8446 §5.2).
#pragma once
#include "KeySchedule.h"

enum {
  COPENSSL_TAG_BYTES = 16,
  COPENSSL_HEADER_BYTES = 5,
  /// Content of so much is cheaper to copy than to seal in pieces.
  COPENSSL_COPIED_BYTES = 2048,
};

/// The records of one direction.
struct copenssl_records {
  EVP_CIPHER_CTX *cipher;
  const EVP_MD *digest;
  /// Of the next record.
  uint64_t number;
  unsigned char secret[COPENSSL_SECRET_BYTES], iv[COPENSSL_NONCE_BYTES];
  uint8_t secret_count;
};

static inline void copenssl_records_free(struct copenssl_records *records) {
  if (records == NULL) return;
  EVP_CIPHER_CTX_free(records->cipher);
  OPENSSL_clear_free(records, sizeof *records);
}

/// - Returns: NULL when memory is out, or the keys are not all there.
static inline struct copenssl_records *copenssl_records_new(
  const EVP_CIPHER *cipher, const EVP_MD *digest, const struct copenssl_keys *keys,
  uint64_t number, int seals) {
  if (cipher == NULL || digest == NULL || keys->iv_count != COPENSSL_NONCE_BYTES ||
      keys->key_count != EVP_CIPHER_get_key_length(cipher) ||
      keys->secret_count != EVP_MD_get_size(digest))
    return NULL;
  struct copenssl_records *made = OPENSSL_zalloc(sizeof *made);
  if (made == NULL) return NULL;
  made->digest = digest;
  made->number = number;
  made->secret_count = keys->secret_count;
  memcpy(made->secret, keys->secret, sizeof made->secret);
  memcpy(made->iv, keys->iv, sizeof made->iv);
  made->cipher = EVP_CIPHER_CTX_new();
  if (made->cipher != NULL &&
      EVP_CipherInit_ex2(made->cipher, cipher, keys->key, keys->iv, seals, NULL) == 1)
    return made;
  copenssl_records_free(made);
  return NULL;
}

static inline int copenssl_records_expand(
  const struct copenssl_records *records, const char *label, unsigned char *to, size_t count) {
  return copenssl_expand(
    records->digest, records->secret, records->secret_count, label, strlen(label), NULL, 0, to,
    count);
}

/// Goes on with the next key (RFC 8446 §7.2); 0 when that failed, and the records are of no use.
static inline int copenssl_records_renew(struct copenssl_records *records) {
  unsigned char key[COPENSSL_KEY_BYTES];
  size_t count = (size_t)EVP_CIPHER_CTX_get_key_length(records->cipher);
  int is_done =
    count <= sizeof key &&
    copenssl_records_expand(records, "traffic upd", records->secret, records->secret_count) &&
    copenssl_records_expand(records, "key", key, count) &&
    copenssl_records_expand(records, "iv", records->iv, sizeof records->iv) &&
    EVP_CipherInit_ex2(records->cipher, NULL, key, records->iv, -1, NULL) == 1;
  records->number = 0;
  OPENSSL_cleanse(key, sizeof key);
  return is_done;
}

/// Begins the next record.
static inline int copenssl_records_begin(
  struct copenssl_records *records, const unsigned char *header) {
  unsigned char nonce[COPENSSL_NONCE_BYTES];
  memcpy(nonce, records->iv, sizeof nonce);
  for (int i = 0; i < 8; i++) {
    nonce[COPENSSL_NONCE_BYTES - 1 - i] ^= (unsigned char)(records->number >> (8 * i));
  }
  records->number++;
  int count;
  return EVP_CipherInit_ex2(records->cipher, NULL, NULL, nonce, -1, NULL) == 1 &&
         EVP_CipherUpdate(records->cipher, NULL, &count, header, COPENSSL_HEADER_BYTES) == 1;
}

static inline int copenssl_records_tag(
  struct copenssl_records *records, unsigned char *tag, int is_given) {
  OSSL_PARAM parameters[] = {
    OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, COPENSSL_TAG_BYTES),
    OSSL_PARAM_construct_end(),
  };
  return is_given ? EVP_CIPHER_CTX_set_params(records->cipher, parameters)
                  : EVP_CIPHER_CTX_get_params(records->cipher, parameters);
}

/// Seals two pieces and a type as one record behind `to`, which begins with its header and has room
/// for all that the header counts; 0 when that failed.
static inline int copenssl_seal(
  struct copenssl_records *records, const void *first, int first_count, const void *second,
  int second_count, unsigned char type, unsigned char *to) {
  int count;
  unsigned char *content = to + COPENSSL_HEADER_BYTES;
  unsigned char *end = content + first_count + second_count;
  if (first_count + second_count <= COPENSSL_COPIED_BYTES) {
    if (first_count > 0) memcpy(content, first, (size_t)first_count);
    if (second_count > 0) memcpy(content + first_count, second, (size_t)second_count);
    *end = type;
    return copenssl_records_begin(records, to) &&
           EVP_CipherUpdate(
             records->cipher, content, &count, content, first_count + second_count + 1) == 1 &&
           EVP_CipherFinal_ex(records->cipher, end + 1, &count) == 1 &&
           copenssl_records_tag(records, end + 1, 0) == 1;
  }
  return copenssl_records_begin(records, to) &&
         (first_count == 0 ||
          EVP_CipherUpdate(records->cipher, content, &count, first, first_count) == 1) &&
         (second_count == 0 ||
          EVP_CipherUpdate(
            records->cipher, content + first_count, &count, second, second_count) == 1) &&
         EVP_CipherUpdate(records->cipher, end, &count, &type, 1) == 1 &&
         EVP_CipherFinal_ex(records->cipher, end + 1, &count) == 1 &&
         copenssl_records_tag(records, end + 1, 0) == 1;
}

/// Opens a record where it stands: `record` is its header, and behind it so many bytes, of which the
/// last are the tag; 0 when it is not what the peer has sealed.
static inline int copenssl_open(
  struct copenssl_records *records, unsigned char *record, int count) {
  unsigned char *content = record + COPENSSL_HEADER_BYTES;
  int content_count = count - COPENSSL_TAG_BYTES;
  int opened;
  return copenssl_records_begin(records, record) &&
         copenssl_records_tag(records, content + content_count, 1) == 1 &&
         EVP_CipherUpdate(records->cipher, content, &opened, content, content_count) == 1 &&
         EVP_CipherFinal_ex(records->cipher, content + content_count, &opened) == 1;
}
