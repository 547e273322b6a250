#pragma once
#include <stddef.h>

#include "CUnpack.h"

/// What this thread unpacks; `limits` is NULL where nothing is bounded.
struct unpacking {
  const struct unpack_limits *limits;
  /// Where the packed bytes of the batch under way begin: gzip is unpacked twice, to count and to keep.
  const void *start;
  /// The batch whose weight was added last.
  const void *added;
  /// Weight of the answer's batches so far.
  uint64_t used;
  /// Of the batch under way.
  uint64_t bytes;
  uint64_t records;
  /// Bytes of the record under way that are still to come; and its length, as far as it was read.
  uint64_t left;
  uint64_t length;
  unsigned shift;
  /// The format is not the one of 0.11 and later.
  bool is_foreign;
};

extern _Thread_local struct unpacking unpacking;

/// A batch begins whose packed bytes lie at `start`.
void unpacking_begin(const void *start);

/// `count` bytes of it were unpacked. Returns whether it may go on.
bool unpacking_add(const void *bytes, size_t count);

/// It is unpacked.
void unpacking_end(void);

/// It is not to be unpacked.
void unpacking_refuse(enum unpack_refusal why);
