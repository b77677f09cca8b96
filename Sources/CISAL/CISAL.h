#include <isa-l/igzip_lib.h>

/// What level 1 works in beside its stream, in bytes: at a quarter of the library's default it
/// is as fast for answers of usual size. The macro is one that Swift cannot see.
enum { CISAL_LEVEL_1_BYTES = ISAL_DEF_LVL1_SMALL };

/// Whether all input of a flushed stream has left it (igzip_lib.h, at `isal_deflate`).
static inline int cisal_is_flushed(const struct isal_zstream *stream) {
  return stream->avail_in == 0 && stream->avail_out > 0 &&
         stream->internal_state.state == ZSTATE_NEW_HDR;
}

/// Whether all of the stream has been written, its trailer included.
static inline int cisal_is_finished(const struct isal_zstream *stream) {
  return stream->internal_state.state == ZSTATE_END;
}
