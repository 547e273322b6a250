#define _GNU_SOURCE
// Open-loop load: sends events at a fixed rate on schedule, whatever comes back, and measures each one's way from the
// moment at which it should have been sent to the moment at which its score is consumed. Late sending counts as latency,
// so there is no coordinated omission (G. Tene).
//
//   openloop BROKERS TOPIC SCORES RATE WARMUP_SECONDS SECONDS EVENTS.jsonl
//
// Before the schedule begins, single probes are sent until the first score comes: the program under test has started.
// EVENTS.jsonl has lines KEY, tab, JSON with "event_id":"…", which is replaced by a number of this run's.
#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { VALUE_BYTES_MAX = 1 << 16 };

typedef struct {
  char *key, *head, *tail;
  size_t key_size, head_size, tail_size;
} line_t;

static const char *brokers, *topic, *scores;
static int64_t total, warmup;
static double rate;
static int64_t start_ns;
static double *latency;        // milliseconds by number; < 0: not seen
static double *lateness;       // how late each was sent
static atomic_int_fast64_t seen;
static atomic_int ready, alive, stop;
static char run_id[32];

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t due_ns(int64_t number) { return start_ns + (int64_t)((double)number * 1e9 / rate); }

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
  char error[256];
  if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK) {
    fprintf(stderr, "openloop: %s\n", error);
    exit(1);
  }
}

static void *consume(void *unused) {
  (void)unused;
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", brokers);
  set(conf, "group.id", run_id);
  set(conf, "fetch.wait.max.ms", "5");
  set(conf, "socket.nagle.disable", "true");
  char error[256];
  rd_kafka_t *consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
  rd_kafka_poll_set_consumer(consumer);
  const struct rd_kafka_metadata *metadata;
  rd_kafka_topic_t *handle = rd_kafka_topic_new(consumer, scores, NULL);
  if (rd_kafka_metadata(consumer, 0, handle, &metadata, 10000)) exit(1);
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
  for (int i = 0; i < metadata->topics[0].partition_cnt; i++) {
    int64_t low, high;
    rd_kafka_query_watermark_offsets(consumer, scores, i, &low, &high, 10000);
    rd_kafka_topic_partition_list_add(list, scores, i)->offset = high;
  }
  rd_kafka_assign(consumer, list);
  atomic_store(&ready, 1);
  while (!atomic_load(&stop)) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 20);
    if (!message) continue;
    if (!message->err && message->payload) {
      int64_t at = now_ns();
      char *found = memmem(message->payload, message->len, run_id, strlen(run_id));
      if (found) {
        int64_t number = atoll(found + strlen(run_id));
        if (number < 0) atomic_store(&alive, 1);
        if (number >= 0 && number < total && latency[number] < 0) {
          latency[number] = (double)(at - due_ns(number)) / 1e6;
          atomic_fetch_add(&seen, 1);
        }
      }
    }
    rd_kafka_message_destroy(message);
  }
  rd_kafka_consumer_close(consumer);
  return NULL;
}

// Sends one event of the file under a number of this run's.
static void send_line(rd_kafka_t *producer, rd_kafka_topic_t *handle, const line_t *line, int64_t number) {
  static char value[VALUE_BYTES_MAX];
  memcpy(value, line->head, line->head_size);
  size_t size = line->head_size;
  size += (size_t)snprintf(value + size, 64, "%s%lld", run_id, (long long)number);
  memcpy(value + size, line->tail, line->tail_size);
  size += line->tail_size;
  while (rd_kafka_produce(handle, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value, size, line->key,
                          line->key_size, NULL) == -1) {
    if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      fprintf(stderr, "openloop: %s\n", rd_kafka_err2str(rd_kafka_last_error()));
      exit(1);
    }
    rd_kafka_poll(producer, 1);
  }
  rd_kafka_poll(producer, 0);
}

// Sends a probe every 100 ms until a score comes back; gives up after a minute.
static void wait_for_program(rd_kafka_t *producer, rd_kafka_topic_t *handle, const line_t *line) {
  for (int64_t probe = 1; !atomic_load(&alive); probe++) {
    if (probe > 600) {
      fprintf(stderr, "openloop: no score came within a minute\n");
      exit(1);
    }
    send_line(producer, handle, line, -probe);
    usleep(100000);
  }
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static double percentile(double *sorted, int64_t count, double share) {
  int64_t index = (int64_t)(share * (double)count);
  return sorted[index < count ? index : count - 1];
}

static line_t *read_lines(const char *path, size_t *count) {
  FILE *file = fopen(path, "r");
  if (!file) {
    fprintf(stderr, "openloop: %s: %s\n", path, strerror(errno));
    exit(1);
  }
  size_t capacity = 1 << 16;
  line_t *lines = malloc(capacity * sizeof *lines);
  char *text = NULL;
  size_t size = 0;
  ssize_t length;
  *count = 0;
  while ((length = getline(&text, &size, file)) > 0 && *count < 1000000) {
    if (text[length - 1] == '\n') text[--length] = 0;
    char *tab = strchr(text, '\t'), *id = strstr(text, "\"event_id\":\"");
    if (!tab || !id || length > VALUE_BYTES_MAX - 128) continue;
    char *begin = id + strlen("\"event_id\":\""), *end = strchr(begin, '"');
    if (*count == capacity) lines = realloc(lines, (capacity *= 2) * sizeof *lines);
    line_t *line = &lines[(*count)++];
    *tab = 0;
    line->key = strdup(text);
    line->key_size = strlen(text);
    line->head_size = (size_t)(begin - tab - 1);
    line->head = strndup(tab + 1, line->head_size);
    line->tail = strdup(end);
    line->tail_size = strlen(end);
  }
  free(text);
  fclose(file);
  return lines;
}

int main(int argc, char **argv) {
  if (argc != 8) {
    fprintf(stderr, "usage: openloop BROKERS TOPIC SCORES RATE WARMUP_SECONDS SECONDS EVENTS.jsonl\n");
    return 64;
  }
  brokers = argv[1], topic = argv[2], scores = argv[3], rate = atof(argv[4]);
  warmup = (int64_t)(rate * atof(argv[5]));
  total = warmup + (int64_t)(rate * atof(argv[6]));
  size_t count;
  line_t *lines = read_lines(argv[7], &count);
  if (!count) return 1;
  latency = malloc((size_t)total * sizeof *latency);
  lateness = malloc((size_t)total * sizeof *lateness);
  for (int64_t i = 0; i < total; i++) latency[i] = -1;
  snprintf(run_id, sizeof run_id, "load%lld-", (long long)getpid() * 1000003LL + now_ns() % 1000003);

  pthread_t thread;
  pthread_create(&thread, NULL, consume, NULL);
  while (!atomic_load(&ready)) usleep(1000);
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", brokers);
  set(conf, "linger.ms", "0");
  set(conf, "partitioner", "murmur2_random");
  set(conf, "socket.nagle.disable", "true");
  char error[256];
  rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  rd_kafka_topic_t *handle = rd_kafka_topic_new(producer, topic, NULL);
  wait_for_program(producer, handle, &lines[0]);
  start_ns = now_ns();
  for (int64_t number = 0; number < total; number++) {
    int64_t due = due_ns(number);
    struct timespec at = {due / 1000000000, due % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) {}
    lateness[number] = (double)(now_ns() - due) / 1e6;
    send_line(producer, handle, &lines[(size_t)number % count], number);
  }
  rd_kafka_flush(producer, 10000);
  for (int waited = 0; atomic_load(&seen) < total && waited < 10000; waited += 10) usleep(10000);
  atomic_store(&stop, 1);
  pthread_join(thread, NULL);

  int64_t measured = 0, missing = 0;
  double *all = malloc((size_t)total * sizeof *all);
  for (int64_t i = warmup; i < total; i++) {
    if (latency[i] < 0) missing++;
    else all[measured++] = latency[i];
  }
  if (!measured) {
    printf("{\"rate\":%.0f,\"measured\":0,\"missing\":%lld}\n", rate, (long long)missing);
    return 1;
  }
  qsort(all, (size_t)measured, sizeof *all, compare);
  qsort(lateness + warmup, (size_t)(total - warmup), sizeof *lateness, compare);
  printf(
      "{\"rate\":%.0f,\"measured\":%lld,\"missing\":%lld,\"p50_ms\":%.2f,\"p90_ms\":%.2f,\"p99_ms\":%.2f,"
      "\"p999_ms\":%.2f,\"max_ms\":%.2f,\"sender_late_p99_ms\":%.3f,\"sender_late_max_ms\":%.3f}\n",
      rate, (long long)measured, (long long)missing, percentile(all, measured, 0.5), percentile(all, measured, 0.9),
      percentile(all, measured, 0.99), percentile(all, measured, 0.999), all[measured - 1],
      percentile(lateness + warmup, total - warmup, 0.99), lateness[total - 1]);
  return 0;
}
