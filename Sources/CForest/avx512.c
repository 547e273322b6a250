// One row: 64 trees in the lanes of a register, whose upper six levels are looked up together. Many rows: 64 rows in
// the lanes, every split of the upper six levels compared for all of them.
#include "avx512.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "leaves.h"

#pragma clang attribute push(                                                                                   \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi,bmi2,popcnt"))), apply_to = function)

#define INLINE static inline __attribute__((always_inline))

// ---- One row

// The ranks of one row in registers: 1, 2 or 4 of them (64, 128 or 256 slots).
typedef struct row_ranks {
  __m512i part[4];
} row_ranks;

INLINE __m512i look_up(const row_ranks *ranks, __m512i slots, const int parts) {
  if (parts == 1) return _mm512_permutexvar_epi8(slots, ranks->part[0]);
  const __m512i low = _mm512_permutex2var_epi8(ranks->part[0], slots, ranks->part[1]);
  if (parts == 2) return low;
  const __m512i high = _mm512_permutex2var_epi8(ranks->part[2], slots, ranks->part[3]);
  return _mm512_mask_blend_epi8(_mm512_movepi8_mask(slots), low, high);
}

// Each lane's own value among the nodes of a level, by where the lane went on the levels above (`went`, root first):
// a tournament, the last decision first. `across` points at the level's first node; values lie 128 bytes apart.
INLINE __m512i choose(const uint8_t *across, const __mmask64 *went, const int level) {
  __m512i found[32];
  const int count = 1 << level;
#pragma clang loop unroll(full)
  for (int i = 0; i < count; i++) found[i] = _mm512_load_si512(across + i * 128);
#pragma clang loop unroll(full)
  for (int above = level - 1; above >= 0; above--) {
#pragma clang loop unroll(full)
    for (int i = 0; i < 1 << above; i++) {
      found[i] = _mm512_mask_blend_epi8(went[above], found[2 * i], found[2 * i + 1]);
    }
  }
  return found[0];
}

INLINE void descend(const tally_block *block, const row_ranks *ranks, const int levels, const int parts,
                    uint8_t *reached) {
  __mmask64 went[6];
  __m512i at = _mm512_setzero_si512();
#pragma clang loop unroll(full)
  for (int level = 0; level < levels; level++) {
    const uint8_t *nodes = block->across + ((1 << level) - 1) * 128;
    const __m512i slots = choose(nodes, went, level);
    const __m512i cuts = choose(nodes + 64, went, level);
    went[level] = _mm512_cmpgt_epu8_mask(look_up(ranks, slots, parts), cuts);
    at = _mm512_mask_add_epi8(at, went[level], at, _mm512_set1_epi8((char)(1 << (levels - 1 - level))));
  }
  _mm512_store_si512(reached, at);
}

#define DESCEND(LEVELS)                                                      \
  case LEVELS:                                                               \
    if (parts == 1) descend(block, &row, LEVELS, 1, reached);                \
    else if (parts == 2) descend(block, &row, LEVELS, 2, reached);           \
    else descend(block, &row, LEVELS, 4, reached);                           \
    break

INLINE void prefetch(const tally_block *block, const uint8_t *reached) {
  if (block->levels != 8) return;
  for (uint32_t t = 0; t < block->trees; t++) {
    _mm_prefetch((const char *)block->ends + (t * 64 + reached[t]) * TALLY_RECORD_BYTES, _MM_HINT_T0);
  }
}

void tally_score_row_avx512(const tally_forest *forest, const uint8_t *ranks, float *margins) {
  row_ranks row;
  const int parts = forest->slot_count <= 64 ? 1 : forest->slot_count <= 128 ? 2 : 4;
  for (int i = 0; i < 4; i++) row.part[i] = _mm512_load_si512(ranks + (i < parts ? i : 0) * 64);
  _Alignas(64) uint8_t buffers[2][TALLY_TREES];
  const uint32_t *groups = forest->group_of_tree;
  // A block's leaves are added while the next block's upper levels are looked up, and their records are on the way.
  for (size_t b = 0; b <= forest->block_count; b++) {
    if (b < forest->block_count) {
      const tally_block *block = &forest->blocks[b];
      uint8_t *reached = buffers[b & 1];
      switch (block->levels) {
        case 0: _mm512_store_si512(reached, _mm512_setzero_si512()); break;
        DESCEND(1);
        DESCEND(2);
        DESCEND(3);
        DESCEND(4);
        DESCEND(5);
        default:
          if (parts == 1) descend(block, &row, 6, 1, reached);
          else if (parts == 2) descend(block, &row, 6, 2, reached);
          else descend(block, &row, 6, 4, reached);
      }
      prefetch(block, reached);
    }
    if (b > 0) {
      tally_add_leaves(&forest->blocks[b - 1], ranks, buffers[(b - 1) & 1],
                       groups ? groups + (b - 1) * TALLY_TREES : 0, margins);
    }
  }
}

// ---- Many rows

enum { TREES_TOGETHER = 8 };

// One bit a row: right (from `high`) where `went` has a bit, else left.
INLINE __m512i pick(__m512i went, __m512i low, __m512i high) {
  return _mm512_ternarylogic_epi64(went, low, high, 0xac);
}

// For eight trees: which rows go right at each level. `rights` is [node][8]; `went` [level][8].
INLINE void choose_rows(const uint64_t (*rights)[TREES_TOGETHER], const int levels, uint64_t (*went)[TREES_TOGETHER]) {
  __m512i decided[6];
#pragma clang loop unroll(full)
  for (int level = 0; level < levels; level++) {
    __m512i found[32];
    const int count = 1 << level;
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) found[i] = _mm512_load_si512(rights[count + i]);
#pragma clang loop unroll(full)
    for (int above = level - 1; above >= 0; above--) {
#pragma clang loop unroll(full)
      for (int i = 0; i < 1 << above; i++) found[i] = pick(decided[above], found[2 * i], found[2 * i + 1]);
    }
    decided[level] = found[0];
    _mm512_store_si512(went[level], found[0]);
  }
}

INLINE void compare(const tally_step *steps, const uint8_t *lanes, const int levels, size_t tree,
                    uint64_t (*rights)[TREES_TOGETHER]) {
#pragma clang loop unroll_count(8)
  for (int node = 1; node < 1 << levels; node++) {
    const __m512i cut = _mm512_set1_epi32((int)steps[node].cut);
    const __m512i rank = _mm512_load_si512(lanes + steps[node].offset);
    rights[node][tree] = _cvtmask64_u64(_mm512_cmplt_epu8_mask(cut, rank));
  }
}

// Adds the leaves of a tree of up to six levels, 16 rows at a time.
INLINE void add_leaves(const float *leaves, __m512i reached, const int levels, float *margins) {
  const __m512 a = _mm512_load_ps(leaves), b = _mm512_load_ps(leaves + 16);
  const __m512 c = _mm512_load_ps(leaves + 32), d = _mm512_load_ps(leaves + 48);
  const __mmask64 upper = _mm512_test_epi8_mask(reached, _mm512_set1_epi8(32));
#define SIXTEEN(I)                                                                                        \
  {                                                                                                       \
    const __m512i at = _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(reached, I));                       \
    __m512 leaf = _mm512_permutex2var_ps(a, at, b);                                                       \
    if (levels > 5) {                                                                                     \
      leaf = _mm512_mask_blend_ps((__mmask16)(upper >> (16 * I)), leaf, _mm512_permutex2var_ps(c, at, d)); \
    }                                                                                                     \
    _mm512_store_ps(margins + 16 * I, _mm512_add_ps(_mm512_load_ps(margins + 16 * I), leaf));             \
  }
  SIXTEEN(0)
  SIXTEEN(1)
  SIXTEEN(2)
  SIXTEEN(3)
#undef SIXTEEN
}

INLINE void score_block(const tally_block *block, const uint32_t *groups, const uint8_t *ranks,
                        const uint8_t *lanes, size_t count, const int levels, float *margins) {
  _Alignas(64) uint64_t rights[64][TREES_TOGETHER];
  _Alignas(64) uint64_t went[6][TREES_TOGETHER];
  const int upper = levels > 6 ? 6 : levels;
  for (size_t first = 0; first < block->trees; first += TREES_TOGETHER) {
    const size_t trees = block->trees - first < TREES_TOGETHER ? block->trees - first : TREES_TOGETHER;
    for (size_t i = 0; i < trees; i++) compare(block->steps + (first + i) * 64, lanes, upper, i, rights);
    choose_rows(rights, upper, went);
    for (size_t i = 0; i < trees; i++) {
      const size_t tree = first + i;
      __m512i reached = _mm512_setzero_si512();
#pragma clang loop unroll(full)
      for (int level = 0; level < upper; level++) {
        const __m512i bit = _mm512_set1_epi8((char)(1 << (upper - 1 - level)));
        reached = _mm512_mask_add_epi8(reached, _cvtu64_mask64(went[level][i]), reached, bit);
      }
      float *to = margins + (groups ? groups[tree] * TALLY_ROWS : 0);
      if (levels <= 6) {
        add_leaves((const float *)block->ends + tree * 64, reached, levels, to);
      } else {
        // Offsets of the records, and room for the leaves, which are added 16 at a time.
        _Alignas(64) uint16_t at[TALLY_ROWS];
        _Alignas(64) float leaves[TALLY_ROWS];
        const __m512i low = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(reached));
        const __m512i high = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(reached, 1));
        _mm512_store_si512(at, _mm512_slli_epi16(low, 5));
        _mm512_store_si512(at + 32, _mm512_slli_epi16(high, 5));
#pragma clang loop unroll_count(4)
        for (size_t row = 0; row < count; row++) {
          leaves[row] = tally_leaf_below(block, (uint32_t)levels, tree, at[row], ranks + row * TALLY_SLOTS_MAX);
        }
        for (size_t row = 0; row < count; row += 16) {
          _mm512_store_ps(to + row, _mm512_add_ps(_mm512_load_ps(to + row), _mm512_load_ps(leaves + row)));
        }
      }
    }
  }
}

void tally_score_rows_avx512(const tally_forest *forest, const uint8_t *ranks, const uint8_t *lanes, size_t count,
                             float *margins) {
  for (size_t b = 0; b < forest->block_count; b++) {
    const tally_block *block = &forest->blocks[b];
    const uint32_t *groups = forest->group_of_tree ? forest->group_of_tree + b * TALLY_TREES : 0;
    switch (block->levels) {
      case 0: score_block(block, groups, ranks, lanes, count, 0, margins); break;
      case 1: score_block(block, groups, ranks, lanes, count, 1, margins); break;
      case 2: score_block(block, groups, ranks, lanes, count, 2, margins); break;
      case 3: score_block(block, groups, ranks, lanes, count, 3, margins); break;
      case 4: score_block(block, groups, ranks, lanes, count, 4, margins); break;
      case 5: score_block(block, groups, ranks, lanes, count, 5, margins); break;
      case 6: score_block(block, groups, ranks, lanes, count, 6, margins); break;
      case 8: score_block(block, groups, ranks, lanes, count, 8, margins); break;
      default: score_block(block, groups, ranks, lanes, count, 10, margins); break;
    }
  }
}

#pragma clang attribute pop
#endif
