#include "CForest.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Number of thresholds <= value, which is not NaN; any number of thresholds.
static inline uint32_t rank_of(const float *thresholds, uint32_t count, float value) {
  const float *base = thresholds;
  while (count > 1) {
    uint32_t half = count / 2;
    base = base[half - 1] <= value ? base + half : base;
    count -= half;
  }
  return (uint32_t)(base - thresholds) + (count == 1 && base[0] <= value);
}

static inline int is_member(const uint32_t *words, uint32_t count, float value) {
  if (!(value >= 0.0f) || value >= 16777216.0f) return 0;
  uint32_t category = (uint32_t)value;
  return category / 32 < count && (words[category / 32] >> (category % 32) & 1u);
}

// The slots of an axis that has more than two, or categories.
static void spread(const tally_quantiser *z, const tally_axis *axis, float value, uint8_t *ranks) {
  const int is_missing = value != value;
  const uint32_t rank =
      is_missing || axis->count == 0 ? 0 : rank_of(z->thresholds + axis->first, axis->count, value);
  for (uint32_t i = 0; i < axis->slots; i++) {
    const tally_slot *slot = &z->slots[axis->slot + i];
    uint8_t found;
    if (is_missing) {
      found = slot->missing;
    } else if (axis->count == 0) {
      found = (uint8_t)is_member(z->categories + slot->start, slot->count, value);
    } else {
      uint32_t above = rank > slot->start ? rank - slot->start : 0;
      found = (uint8_t)(above < slot->count ? above : slot->count);
    }
    ranks[axis->slot + i] = found;
  }
}

// Writes the one or two slots of a simple axis; one too many is overwritten by the next axis.
static inline void put(const tally_quantiser *z, const tally_axis *axis, float value, uint32_t rank, uint8_t *ranks) {
  const tally_slot *slot = &z->slots[axis->slot];
  const int is_missing = value != value;
  ranks[axis->slot] = is_missing ? slot[0].missing : (uint8_t)rank;
  ranks[axis->slot + 1] = is_missing ? slot[1].missing : (uint8_t)rank;
}

static inline int is_simple(const tally_axis *axis) { return axis->count - 1 < 255 && axis->slots <= 2; }

static void quantise_portable(const tally_quantiser *z, const float *row, uint8_t *ranks) {
  for (size_t a = 0; a < z->axis_count; a++) {
    const tally_axis *axis = &z->axes[a];
    const float value = row[axis->feature];
    if (is_simple(axis)) {
      put(z, axis, value, rank_of(z->thresholds + axis->first, axis->count, value), ranks);
    } else {
      spread(z, axis, value, ranks);
    }
  }
}

#if defined(__x86_64__)
// Two searches among sixteen: first the stretch of sixteen, then within it. Padding is NaN, which no value is above.
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,popcnt"))) static void quantise_avx512(
    const tally_quantiser *z, const float *row, uint8_t *ranks) {
  for (size_t a = 0; a < z->axis_count; a++) {
    const tally_axis *axis = &z->axes[a];
    const float value = row[axis->feature];
    if (is_simple(axis)) {
      const __m512 x = _mm512_set1_ps(value);
      const __mmask16 above = _mm512_cmp_ps_mask(_mm512_load_ps(z->thresholds + axis->separators), x, _CMP_LE_OQ);
      const uint32_t stretch = (uint32_t)__builtin_popcount(above) * 16;
      const __mmask16 within =
          _mm512_cmp_ps_mask(_mm512_load_ps(z->thresholds + axis->first + stretch), x, _CMP_LE_OQ);
      put(z, axis, value, stretch + (uint32_t)__builtin_popcount(within), ranks);
    } else {
      spread(z, axis, value, ranks);
    }
  }
}

__attribute__((target("avx2,popcnt"))) static inline uint32_t among16(const float *sorted, __m256 x) {
  const int low = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_load_ps(sorted), x, _CMP_LE_OQ));
  const int high = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_load_ps(sorted + 8), x, _CMP_LE_OQ));
  return (uint32_t)__builtin_popcount((uint32_t)low | (uint32_t)high << 8);
}

__attribute__((target("avx2,popcnt"))) static void quantise_avx2(const tally_quantiser *z, const float *row,
                                                                 uint8_t *ranks) {
  for (size_t a = 0; a < z->axis_count; a++) {
    const tally_axis *axis = &z->axes[a];
    const float value = row[axis->feature];
    if (is_simple(axis)) {
      const __m256 x = _mm256_set1_ps(value);
      const uint32_t stretch = among16(z->thresholds + axis->separators, x) * 16;
      put(z, axis, value, stretch + among16(z->thresholds + axis->first + stretch, x), ranks);
    } else {
      spread(z, axis, value, ranks);
    }
  }
}
#endif

void tally_quantise(const tally_quantiser *quantiser, tally_kernel kernel, const float *rows, size_t count,
                    size_t columns, uint8_t *ranks) {
  void (*quantise)(const tally_quantiser *, const float *, uint8_t *) = quantise_portable;
#if defined(__x86_64__)
  if (kernel == TALLY_KERNEL_AVX512) quantise = quantise_avx512;
  if (kernel == TALLY_KERNEL_AVX2) quantise = quantise_avx2;
#else
  (void)kernel;
#endif
  for (size_t row = 0; row < count; row++) {
    quantise(quantiser, rows + row * columns, ranks + row * TALLY_SLOTS_MAX);
  }
}

int tally_kernel_is_available(tally_kernel kernel) {
  switch (kernel) {
    case TALLY_KERNEL_PORTABLE: return 1;
#if defined(__x86_64__)
    case TALLY_KERNEL_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
    case TALLY_KERNEL_AVX512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("popcnt");
#endif
    default: return 0;
  }
}
