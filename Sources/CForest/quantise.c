#include "CForest.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

INLINE int is_member(const uint32_t *words, uint32_t count, float value) {
  if (!(value >= 0.0f) || value >= 16777216.0f) return 0;
  const uint32_t category = (uint32_t)value;
  return category / 32 < count && (words[category / 32] >> (category % 32) & 1u);
}

INLINE uint8_t member_rank(const tally_quantiser *z, const tally_membership *membership, float value) {
  if (value != value) return membership->missing;
  return (uint8_t)is_member(z->categories + membership->first, membership->words, value);
}

// Number of thresholds <= value; 0 for a missing one.
INLINE uint32_t rank_portable(const float *thresholds, uint32_t count, float value) {
  const float *base = thresholds + 16;
  while (count > 1) {
    const uint32_t half = count / 2;
    base = base[half - 1] <= value ? base + half : base;
    count -= half;
  }
  return (uint32_t)(base - thresholds - 16) + (count == 1 && base[0] <= value);
}

#if defined(__x86_64__)
// Two searches among sixteen: first for the stretch of sixteen, then within it. Padding is NaN, which no value is
// above.
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,popcnt")))
AVX512 INLINE uint32_t rank_avx512(const float *thresholds, uint32_t count, float value) {
  (void)count;
  const __m512 x = _mm512_set1_ps(value);
  const uint32_t above = _mm512_cmp_ps_mask(_mm512_load_ps(thresholds), x, _CMP_LE_OQ);
  const uint32_t stretch = (uint32_t)__builtin_popcount(above) * 16;
  const uint32_t within = _mm512_cmp_ps_mask(_mm512_load_ps(thresholds + 16 + stretch), x, _CMP_LE_OQ);
  return stretch + (uint32_t)__builtin_popcount(within);
}

#define AVX2 __attribute__((target("avx2,popcnt")))
AVX2 INLINE uint32_t among16(const float *sorted, __m256 x) {
  const int low = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_load_ps(sorted), x, _CMP_LE_OQ));
  const int high = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_load_ps(sorted + 8), x, _CMP_LE_OQ));
  return (uint32_t)__builtin_popcount((uint32_t)low | (uint32_t)high << 8);
}
AVX2 INLINE uint32_t rank_avx2(const float *thresholds, uint32_t count, float value) {
  (void)count;
  const __m256 x = _mm256_set1_ps(value);
  const uint32_t stretch = among16(thresholds, x) * 16;
  return stretch + among16(thresholds + 16 + stretch, x);
}
#endif

// One row: axis by axis. A missing value has rank 0 by itself.
#define QUANTISE_ROW(NAME, TARGET)                                                                               \
  TARGET static void row_##NAME(const tally_quantiser *z, const float *row, uint8_t *ranks) {                    \
    for (size_t a = 0; a < z->axis_count; a++) {                                                                 \
      const tally_axis axis = z->axes[a];                                                                        \
      const float value = row[axis.feature];                                                                     \
      const uint32_t rank = rank_##NAME(z->thresholds + axis.first, axis.count, value);                          \
      ranks[axis.left] = (uint8_t)rank;                                                                          \
      ranks[axis.right] = (uint8_t)(value != value ? 255 : rank);                                                \
    }                                                                                                            \
  }

// Many rows: each axis for all of them, so that its thresholds stay near. FLIP: the sign bit where lanes are compared
// as signed bytes, 0 where there are comparisons of unsigned ones.
#define QUANTISE_ROWS(NAME, FLIP, TARGET)                                                                        \
  TARGET static void rows_##NAME(const tally_quantiser *z, const float *rows, size_t count, size_t columns,      \
                                 uint8_t *lanes) {                                                               \
    for (size_t a = 0; a < z->axis_count; a++) {                                                                 \
      const tally_axis axis = z->axes[a];                                                                        \
      const float *thresholds = z->thresholds + axis.first;                                                      \
      const float *cell = rows + axis.feature;                                                                   \
      uint8_t *left = lanes + axis.left * TALLY_ROWS, *right = lanes + axis.right * TALLY_ROWS;                  \
      for (size_t row = 0; row < count; row++, cell += columns) {                                                \
        const float value = *cell;                                                                               \
        const uint32_t rank = rank_##NAME(thresholds, axis.count, value);                                        \
        left[row] = (uint8_t)rank ^ FLIP;                                                                        \
        right[row] = (uint8_t)(value != value ? 255 : rank) ^ FLIP;                                              \
      }                                                                                                          \
    }                                                                                                            \
  }

QUANTISE_ROW(portable, )
QUANTISE_ROWS(portable, 0x80, )
#if defined(__x86_64__)
QUANTISE_ROW(avx2, AVX2)
QUANTISE_ROWS(avx2, 0x80, AVX2)
QUANTISE_ROW(avx512, AVX512)
QUANTISE_ROWS(avx512, 0, AVX512)
#endif

void tally_quantise_row(const tally_quantiser *z, tally_kernel kernel, const float *row, uint8_t *ranks) {
  switch (kernel) {
#if defined(__x86_64__)
    case TALLY_KERNEL_AVX512: row_avx512(z, row, ranks); break;
    case TALLY_KERNEL_AVX2: row_avx2(z, row, ranks); break;
#endif
    default: row_portable(z, row, ranks);
  }
  for (size_t m = 0; m < z->membership_count; m++) {
    ranks[z->memberships[m].slot] = member_rank(z, &z->memberships[m], row[z->memberships[m].feature]);
  }
}

void tally_quantise_rows(const tally_quantiser *z, tally_kernel kernel, const float *rows, size_t count, size_t columns,
                         uint8_t *lanes, uint8_t *ranks) {
  switch (kernel) {
#if defined(__x86_64__)
    case TALLY_KERNEL_AVX512: rows_avx512(z, rows, count, columns, lanes); break;
    case TALLY_KERNEL_AVX2: rows_avx2(z, rows, count, columns, lanes); break;
#endif
    default: rows_portable(z, rows, count, columns, lanes);
  }
  const uint8_t flip = kernel == TALLY_KERNEL_AVX512 ? 0 : 0x80;
  for (size_t m = 0; m < z->membership_count; m++) {
    const tally_membership *membership = &z->memberships[m];
    for (size_t row = 0; row < count; row++) {
      const float value = rows[row * columns + membership->feature];
      lanes[membership->slot * TALLY_ROWS + row] = member_rank(z, membership, value) ^ flip;
    }
  }
  if (ranks == 0) return;
  // Sixteen by sixteen, so that both sides stay in the nearest cache.
  for (size_t first = 0; first < z->slot_count; first += 16) {
    for (size_t row = 0; row < count; row++) {
      uint8_t *to = ranks + row * TALLY_SLOTS_MAX + first;
      const uint8_t *from = lanes + first * TALLY_ROWS + row;
      for (size_t slot = 0; slot < 16; slot++) to[slot] = from[slot * TALLY_ROWS] ^ flip;
    }
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
             __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("bmi2") &&
             __builtin_cpu_supports("popcnt");
#endif
    default: return 0;
  }
}
