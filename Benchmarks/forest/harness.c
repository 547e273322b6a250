// Times one engine with a C interface as README.md's protocol says: one line of JSON on stdout, microseconds per call.
//
//   harness ENGINE [--library FILE.so] --model FILE [--model FILE …] --rows FILE.f32 --columns N --batch B
//           [--seconds S] [--output FILE.f32]
//
// ENGINE: xgboost or xgboost-margin (--library is libxgboost; scores or margins), tl2cgen or lleaves (--model is the
// compiled model), empty (a call that does nothing). Every call scores the batch with every model given.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MODELS_MAX 64

typedef uint64_t bst_ulong;

// What the options say.
static const char *engine, *library, *rows_path, *output_path, *models[MODELS_MAX];
static size_t model_count, columns, batch;
static double seconds = 1;

// The batch of the call, its rows once more as doubles for lleaves, and its scores (models × batch).
static float *input, *scores;
static double *input_double, *scores_double;

static void *handles[MODELS_MAX];
static void (*score)(size_t model, size_t count);

static void fail(const char *what, const char *detail) {
  fprintf(stderr, "harness: %s: %s\n", what, detail);
  exit(1);
}

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void *open_library(const char *path) {
  void *found = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!found) fail(path, dlerror());
  return found;
}

// A function of a library; `pointer` is the address of a function pointer.
static void symbol(void *from, const char *name, void *pointer) {
  void *found = dlsym(from, name);
  if (!found) fail(name, "not in the library");
  memcpy(pointer, &found, sizeof found);
}

// libxgboost: in-place prediction from a dense array; the description of the array and the settings are made once.

static const char *(*xgb_error)(void);
static int (*xgb_predict)(void *, const char *, const char *, void *, const bst_ulong **, bst_ulong *, const float **);
static const char *xgb_settings;
static char xgb_array[160];
static size_t xgb_array_count;

static void xgb_check(int status) {
  if (status) fail("libxgboost", xgb_error());
}

static void xgb_score(size_t model, size_t count) {
  if (count != xgb_array_count) {
    snprintf(xgb_array, sizeof xgb_array, "{\"data\":[%zu,true],\"shape\":[%zu,%zu],\"typestr\":\"<f4\",\"version\":3}",
             (size_t)(uintptr_t)input, count, columns);
    xgb_array_count = count;
  }
  const bst_ulong *shape;
  bst_ulong dimensions;
  const float *result;
  xgb_check(xgb_predict(handles[model], xgb_array, xgb_settings, NULL, &shape, &dimensions, &result));
  memcpy(scores + model * batch, result, count * sizeof(float));
}

#define XGB_SETTINGS(type) \
  "{\"type\":" type ",\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":false," \
  "\"missing\":NaN,\"cache_id\":0}"

static void xgb_load(bool margin) {
  xgb_settings = margin ? XGB_SETTINGS("1") : XGB_SETTINGS("0");
  int (*create)(const void *, bst_ulong, void **), (*set)(void *, const char *, const char *), (*load)(void *, const char *);
  int (*configure)(const char *);
  void *from = open_library(library);
  symbol(from, "XGBGetLastError", &xgb_error);
  symbol(from, "XGBoosterPredictFromDense", &xgb_predict);
  symbol(from, "XGBoosterCreate", &create);
  symbol(from, "XGBoosterSetParam", &set);
  symbol(from, "XGBoosterLoadModel", &load);
  symbol(from, "XGBSetGlobalConfig", &configure);
  xgb_check(configure("{\"verbosity\":0}"));
  for (size_t i = 0; i < model_count; i++) {
    xgb_check(create(NULL, 0, &handles[i]));
    xgb_check(load(handles[i], models[i]));
    xgb_check(set(handles[i], "nthread", "1"));
  }
  score = xgb_score;
}

// TL2cgen: a function of one row, whose cells are a float, or -1 as an int where missing, and are not changed.

union entry {
  int missing;
  float value;
};

static void (*tl2cgen_predict[MODELS_MAX])(union entry *, int, float *);
static union entry *entries;

static void tl2cgen_score(size_t model, size_t count) {
  for (size_t row = 0; row < count; row++) {
    for (size_t i = 0; i < columns; i++) {
      float value = input[row * columns + i];
      if (isnan(value)) {
        entries[i].missing = -1;
      } else {
        entries[i].value = value;
      }
    }
    float *result = scores + model * batch + row;
    *result = 0;
    tl2cgen_predict[model](entries, 0, result);
  }
}

static void tl2cgen_load(void) {
  entries = malloc(columns * sizeof *entries);
  for (size_t i = 0; i < model_count; i++) symbol(open_library(models[i]), "predict", &tl2cgen_predict[i]);
  score = tl2cgen_score;
}

// lleaves: a function of doubles. They are converted before the clock starts.

static void (*lleaves_predict[MODELS_MAX])(const double *, double *, int, int);

static void lleaves_score(size_t model, size_t count) {
  lleaves_predict[model](input_double, scores_double + model * batch, 0, (int)count);
}

static void lleaves_load(void) {
  input_double = malloc(batch * columns * sizeof(double));
  scores_double = malloc(model_count * batch * sizeof(double));
  for (size_t i = 0; i < model_count; i++) symbol(open_library(models[i]), "forest_root", &lleaves_predict[i]);
  score = lleaves_score;
}

static void empty_score(size_t model, size_t count) {
  (void)count;
  __asm__ volatile("" : : "r"(model) : "memory");
}

static void load(void) {
  if (!strcmp(engine, "xgboost")) return xgb_load(false);
  if (!strcmp(engine, "xgboost-margin")) return xgb_load(true);
  if (!strcmp(engine, "tl2cgen")) return tl2cgen_load();
  if (!strcmp(engine, "lleaves")) return lleaves_load();
  if (!strcmp(engine, "empty")) {
    score = empty_score;
    return;
  }
  fail(engine, "no such engine");
}

static float *read_rows(size_t *count) {
  FILE *file = fopen(rows_path, "rb");
  if (!file || fseek(file, 0, SEEK_END)) fail(rows_path, "cannot be read");
  size_t bytes = (size_t)ftell(file);
  rewind(file);
  float *rows = malloc(bytes);
  if (!rows || fread(rows, 1, bytes, file) != bytes) fail(rows_path, "cannot be read");
  fclose(file);
  *count = bytes / (columns * sizeof(float));
  return rows;
}

// The rows of a call, put where every call reads them; outside of the clock.
static void place(const float *rows, size_t count) {
  memcpy(input, rows, count * columns * sizeof(float));
  if (input_double) {
    for (size_t i = 0; i < count * columns; i++) input_double[i] = (double)input[i];
  }
}

static void call(size_t count) {
  for (size_t model = 0; model < model_count; model++) score(model, count);
}

// The scores of all rows, in calls of `batch`: row after row, a score for each model.
static void write_scores(const float *rows, size_t count) {
  FILE *file = fopen(output_path, "wb");
  if (!file) fail(output_path, "cannot be written");
  for (size_t first = 0; first < count; first += batch) {
    size_t rest = count - first < batch ? count - first : batch;
    place(rows + first * columns, rest);
    call(rest);
    for (size_t row = 0; row < rest; row++) {
      for (size_t model = 0; model < model_count; model++) {
        size_t at = model * batch + row;
        float value = scores_double ? (float)scores_double[at] : scores[at];
        fwrite(&value, sizeof value, 1, file);
      }
    }
  }
  if (fclose(file)) fail(output_path, "cannot be written");
}

static int ascending(const void *left, const void *right) {
  int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

static void measure(const float *rows, size_t count, double load_ms) {
  size_t room = 1 << 16, calls = 0, warm = 0;
  int64_t *times = malloc(room * sizeof *times);
  double sum = 0;
  int64_t started = nanoseconds(), warm_until = started + (int64_t)(seconds * 0.25e9), until = 0;
  for (size_t first = 0;; first = first + 2 * batch <= count ? first + batch : 0) {
    place(rows + first * columns, batch);
    int64_t before = nanoseconds();
    call(batch);
    int64_t after = nanoseconds();
    if (!until) {  // warm-up: a quarter of the time, and at least two calls
      if (++warm >= 2 && after >= warm_until) until = after + (int64_t)(seconds * 1e9);
      continue;
    }
    if (calls == room) times = realloc(times, (room *= 2) * sizeof *times);
    if (!times) fail("memory", "too many calls");
    times[calls++] = after - before;
    sum += (double)(after - before);
    if (after >= until && calls >= 3) break;
  }
  qsort(times, calls, sizeof *times, ascending);
  printf("{\"batch\":%zu,\"kernel\":\"%s\",\"p50_us\":%.3f,\"p99_us\":%.3f,\"mean_us\":%.3f,\"calls\":%zu,\"load_ms\":%.1f}\n",
         batch, engine, (double)times[calls / 2] / 1e3, (double)times[(calls * 99) / 100] / 1e3, sum / (double)calls / 1e3,
         calls, load_ms);
}

int main(int argc, char **argv) {
  if (argc < 2) fail("usage", "harness ENGINE --model FILE --rows FILE --columns N --batch B");
  engine = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) {
    const char *name = argv[i], *value = argv[i + 1];
    if (!strcmp(name, "--library")) library = value;
    else if (!strcmp(name, "--model") && model_count < MODELS_MAX) models[model_count++] = value;
    else if (!strcmp(name, "--rows")) rows_path = value;
    else if (!strcmp(name, "--columns")) columns = strtoul(value, NULL, 10);
    else if (!strcmp(name, "--batch")) batch = strtoul(value, NULL, 10);
    else if (!strcmp(name, "--seconds")) seconds = strtod(value, NULL);
    else if (!strcmp(name, "--output")) output_path = value;
    else fail(name, "no such option");
  }
  if (!rows_path || !columns || !batch || !model_count) fail("usage", "--model, --rows, --columns and --batch are needed");
  if (!strncmp(engine, "xgboost", 7) && !library) fail("usage", "--library is needed");
  size_t count;
  float *rows = read_rows(&count);
  if (batch > count) fail("--batch", "more than the rows there are");
  input = aligned_alloc(64, (batch * columns * sizeof(float) + 63) / 64 * 64);
  scores = malloc(model_count * batch * sizeof(float));
  int64_t before = nanoseconds();
  load();
  double load_ms = (double)(nanoseconds() - before) / 1e6;
  measure(rows, count, load_ms);
  if (output_path) write_scores(rows, count);
  return 0;
}
