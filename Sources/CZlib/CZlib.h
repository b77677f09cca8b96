#include <zlib.h>

/// `deflateInit2` is a macro, which Swift cannot see: gzip around deflate, the largest window,
/// zlib's usual memory.
static inline int czlib_begin_gzip(z_stream *stream, int level) {
  return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}
