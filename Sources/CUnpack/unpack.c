#define _GNU_SOURCE
#include "CUnpack.h"

#include <dlfcn.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

_Thread_local struct unpacking unpacking;
static _Atomic(int) last_refusal;

/// Of formats before 0.11 a message takes no less, bytes.
static const uint64_t foreign_bytes_min = 34;
/// A record has attributes, two differences, two lengths and a number of headers.
static const uint64_t record_bytes_min = 6;
static const unsigned shift_max = 35;

void unpacking_refuse(enum unpack_refusal why) { atomic_store(&last_refusal, (int)why); }

enum unpack_refusal unpack_take_refusal(void) {
  return (enum unpack_refusal)atomic_exchange(&last_refusal, UNPACK_NONE);
}

void unpacking_begin(const void *start) {
  struct unpacking *it = &unpacking;
  it->start = start;
  it->bytes = it->records = it->left = it->length = 0;
  it->shift = 0;
  it->is_foreign = false;
}

static uint64_t weight(const struct unpacking *it) {
  uint64_t records = it->records + (it->is_foreign ? it->bytes / foreign_bytes_min : 0);
  return it->bytes + records * UNPACK_RECORD_WEIGHT;
}

/// Counts records, each of which begins with its length (a zigzag varint): however the bytes are cut.
static void count(struct unpacking *it, const uint8_t *bytes, size_t count) {
  while (count > 0 && !it->is_foreign) {
    if (it->left >= count) {
      it->left -= count;
      return;
    }
    bytes += it->left;
    count -= it->left;
    it->left = 0;
    uint8_t byte = *bytes++;
    count--;
    it->length |= (uint64_t)(byte & 0x7f) << it->shift;
    it->shift += 7;
    if (byte & 0x80) {
      it->is_foreign = it->shift > shift_max;
      continue;
    }
    it->left = it->length >> 1;
    it->is_foreign = (it->length & 1) != 0 || it->left < record_bytes_min;
    it->length = 0;
    it->shift = 0;
    it->records++;
  }
}

bool unpacking_add(const void *bytes, size_t size) {
  struct unpacking *it = &unpacking;
  it->bytes += size;
  count(it, bytes, size);
  uint64_t now = weight(it);
  if (it->bytes > it->limits->batch_bytes_max || now > it->limits->batch_weight_max) {
    unpacking_refuse(UNPACK_BATCH_TOO_LARGE);
    return false;
  }
  if (it->added != it->start && it->used + now > it->limits->answer_weight_max) {
    unpacking_refuse(UNPACK_ANSWER_FULL);
    return false;
  }
  return true;
}

void unpacking_end(void) {
  struct unpacking *it = &unpacking;
  if (it->added == it->start) return;
  it->added = it->start;
  it->used += weight(it);
}

static rd_kafka_resp_err_t on_thread_start(
    rd_kafka_t *client, rd_kafka_thread_type_t type, const char *name, void *limits) {
  (void)client, (void)name;
  if (type == RD_KAFKA_THREAD_BROKER) unpacking.limits = limits;
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/// Comes on the broker's thread, in front of the answer's batches.
static rd_kafka_resp_err_t on_response(
    rd_kafka_t *client, int socket, const char *broker, int32_t id, int16_t key, int16_t version,
    int32_t correlation, size_t size, int64_t rtt, rd_kafka_resp_err_t error, void *limits) {
  (void)client, (void)socket, (void)broker, (void)id, (void)key, (void)version, (void)correlation;
  (void)size, (void)rtt, (void)error, (void)limits;
  unpacking.used = 0;
  unpacking.added = NULL;
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static const char *name = "unpack";

static rd_kafka_resp_err_t on_new(
    rd_kafka_t *client, const rd_kafka_conf_t *conf, void *limits, char *text, size_t size) {
  (void)conf, (void)text, (void)size;
  rd_kafka_resp_err_t code =
      rd_kafka_interceptor_add_on_thread_start(client, name, on_thread_start, limits);
  if (code) return code;
  return rd_kafka_interceptor_add_on_response_received(client, name, on_response, limits);
}

/// Limits live as long as the process, since a client's threads may start at any time; there are few different ones.
struct kept {
  struct unpack_limits limits;
  struct kept *next;
};

static const struct unpack_limits *keep(struct unpack_limits limits) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static struct kept *first;
  pthread_mutex_lock(&lock);
  struct kept *found = first;
  while (found && memcmp(&found->limits, &limits, sizeof limits) != 0) found = found->next;
  if (!found && (found = malloc(sizeof *found))) {
    *found = (struct kept){limits, first};
    first = found;
  }
  pthread_mutex_unlock(&lock);
  return found ? &found->limits : NULL;
}

int unpack_limit(void *conf, struct unpack_limits limits) {
  const struct unpack_limits *kept = keep(limits);
  if (!kept) return RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE;
  return rd_kafka_conf_interceptor_add_on_new(conf, name, on_new, (void *)kept);
}

static const void *library(void *address) {
  Dl_info found;
  return address && dladdr(address, &found) ? found.dli_fbase : NULL;
}

bool unpack_is_in_force(void) {
  static const char *const names[] = {
      "inflate", "inflateInit2_", "ZSTD_decompress", "LZ4F_decompress", "LZ4F_createDecompressionContext"};
  const void *own = library((void *)unpack_is_in_force);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (library(dlsym(RTLD_DEFAULT, names[i])) != own) return false;
  }
  return library(dlsym(RTLD_DEFAULT, "rd_kafka_new")) != own;
}
