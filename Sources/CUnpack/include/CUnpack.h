#pragma once
#include <stdbool.h>
#include <stdint.h>

// Bounds on what librdkafka's threads unpack.
//
// librdkafka 2.0.2 bounds only zstd (by receive.message.max.bytes); gzip and lz4 it unpacks whatever they become, and of no codec it
// bounds the number of records, of which each costs memory beside its bytes. It calls zlib, liblz4 and libzstd as shared libraries, so
// the program's own functions of the same names come first (ELF interposition): they count what the real ones give, on threads of
// clients that have limits, and stop them with an error of the codec. Snappy is built into librdkafka and not bounded here; it cannot
// become more than some 22 times its size.

/// What one record costs beside its bytes while it waits, bytes.
enum { UNPACK_RECORD_WEIGHT = 300 };

/// Limits of one client. A weight is unpacked bytes plus UNPACK_RECORD_WEIGHT for each record.
struct unpack_limits {
  /// Unpacked bytes of one batch.
  uint64_t batch_bytes_max;
  /// Weight of one batch.
  uint64_t batch_weight_max;
  /// Weight of all batches of one answer of a broker; not less than a batch's.
  uint64_t answer_weight_max;
};

/// Why a batch was not unpacked.
enum unpack_refusal {
  UNPACK_NONE,
  /// It is larger than a batch may be.
  UNPACK_BATCH_TOO_LARGE,
  /// It would fit alone, but not beside the others of its answer.
  UNPACK_ANSWER_FULL,
  /// The codec says that its bytes are none of its.
  UNPACK_CORRUPT,
  /// Memory was lacking.
  UNPACK_NO_MEMORY,
};

/// Limits the client that will be made of `conf` (an `rd_kafka_conf_t`). Returns 0, or librdkafka's code.
int unpack_limit(void *conf, struct unpack_limits limits);

/// Whether librdkafka calls the functions of this program: it does not where it is linked statically.
bool unpack_is_in_force(void);

/// The last refusal of this process since the last call, of whatever client.
enum unpack_refusal unpack_take_refusal(void);
