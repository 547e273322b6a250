// The codecs' functions that librdkafka calls, in front of the libraries' own.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/types.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "state.h"

/// The function of this name behind the program's own.
#define REAL(function)                                                     \
  static _Atomic(__typeof__(&function)) found;                             \
  __typeof__(&function) real = atomic_load_explicit(&found, memory_order_acquire); \
  if (!real) {                                                             \
    real = (__typeof__(&function))dlsym(RTLD_NEXT, #function);             \
    atomic_store_explicit(&found, real, memory_order_release);             \
  }

int inflateInit2_(z_streamp stream, int bits, const char *version, int size) {
  REAL(inflateInit2_)
  int code = real(stream, bits, version, size);
  if (unpacking.limits && code == Z_MEM_ERROR) unpacking_refuse(UNPACK_NO_MEMORY);
  return code;
}

int inflate(z_streamp stream, int flush) {
  REAL(inflate)
  if (!unpacking.limits) return real(stream, flush);
  if (stream->total_in == 0 && stream->total_out == 0) unpacking_begin(stream->next_in);
  const unsigned char *out = stream->next_out;
  int code = real(stream, flush);
  switch (code) {
    case Z_MEM_ERROR: unpacking_refuse(UNPACK_NO_MEMORY); return code;
    case Z_STREAM_ERROR:
    case Z_NEED_DICT:
    case Z_DATA_ERROR: unpacking_refuse(UNPACK_CORRUPT); return code;
    default: break;
  }
  if (!unpacking_add(out, (size_t)(stream->next_out - out))) return Z_DATA_ERROR;
  if (code == Z_STREAM_END) unpacking_end();
  return code;
}

static size_t zstd_error(ZSTD_ErrorCode code) { return (size_t)0 - (size_t)code; }

size_t ZSTD_decompress(void *to, size_t capacity, const void *from, size_t size) {
  REAL(ZSTD_decompress)
  if (!unpacking.limits) return real(to, capacity, from, size);
  unpacking_begin(from);
  uint64_t max = unpacking.limits->batch_bytes_max;
  unsigned long long said = ZSTD_getFrameContentSize(from, size);
  bool is_said = said != ZSTD_CONTENTSIZE_UNKNOWN && said != ZSTD_CONTENTSIZE_ERROR;
  size_t room = capacity > max ? (size_t)max : capacity;
  size_t got = is_said && said > max ? zstd_error(ZSTD_error_dstSize_tooSmall) : real(to, room, from, size);
  if (ZSTD_isError(got)) {
    ZSTD_ErrorCode code = ZSTD_getErrorCode(got);
    if (code == ZSTD_error_dstSize_tooSmall) {
      // librdkafka would try again with more.
      if (room == capacity) return got;
      unpacking_refuse(UNPACK_BATCH_TOO_LARGE);
      return zstd_error(ZSTD_error_memory_allocation);
    }
    unpacking_refuse(code == ZSTD_error_memory_allocation ? UNPACK_NO_MEMORY : UNPACK_CORRUPT);
    return got;
  }
  if (!unpacking_add(to, got)) return zstd_error(ZSTD_error_memory_allocation);
  unpacking_end();
  return got;
}

// lz4frame.h, which Debian has in a package that nothing else here needs.
size_t LZ4F_createDecompressionContext(void **context, unsigned version);
size_t LZ4F_decompress(
    void *context, void *to, size_t *to_size, const void *from, size_t *from_size, const void *options);

enum { LZ4F_GENERIC = 1, LZ4F_ALLOCATION_FAILED = 9 };

static _Thread_local bool is_new_frame;

size_t LZ4F_createDecompressionContext(void **context, unsigned version) {
  REAL(LZ4F_createDecompressionContext)
  is_new_frame = true;
  return real(context, version);
}

size_t LZ4F_decompress(
    void *context, void *to, size_t *to_size, const void *from, size_t *from_size, const void *options) {
  REAL(LZ4F_decompress)
  if (!unpacking.limits) return real(context, to, to_size, from, from_size, options);
  if (is_new_frame) unpacking_begin(from);
  is_new_frame = false;
  size_t code = real(context, to, to_size, from, from_size, options);
  if ((ssize_t)code < 0) {
    bool lacks = code == (size_t)0 - LZ4F_ALLOCATION_FAILED;
    unpacking_refuse(lacks ? UNPACK_NO_MEMORY : UNPACK_CORRUPT);
    return code;
  }
  if (!unpacking_add(to, *to_size)) return (size_t)0 - LZ4F_GENERIC;
  if (code == 0) unpacking_end();
  return code;
}
