// Every split of a tree's upper levels is compared for all rows; a mask of the rows that reach a node goes down with
// it. Written with the compiler's vectors, so that one text serves SSE2, AVX2 and NEON.
#include "lanes.h"

#include "leaves.h"

typedef int8_t bytes16 __attribute__((vector_size(16)));
typedef int8_t bytes32 __attribute__((vector_size(32)));
typedef uint32_t words4 __attribute__((vector_size(16)));
typedef uint32_t words8 __attribute__((vector_size(32)));

// NAME_node goes down all nodes of the upper levels: `reach` has all bits of the lanes that come to a node, and
// `reached` gets each lane's number among the nodes of the last level. BYTES: the vector, SPLAT: a word in all of its
// words, TARGET: what its functions are compiled for.
#define DESCENT(NAME, BYTES, SPLAT, TARGET)                                                             \
  TARGET static inline __attribute__((always_inline)) void NAME##_node(                                           \
      const tally_step *steps, const uint8_t *lanes, uint32_t levels, BYTES *reached) {                           \
    BYTES reach[64];                                                                                              \
    BYTES index = {0};                                                                                            \
    reach[1] = ~index;                                                                                            \
    for (uint32_t level = 0; level < levels; level++) {                                                           \
      BYTES right_lanes = {0};                                                                                    \
      const uint32_t first = 1u << level;                                                                         \
      for (uint32_t node = first; node < 2 * first; node++) {                                                     \
        const tally_step step = steps[node];                                                                      \
        const BYTES rank = *(const BYTES *)(lanes + step.offset);                                                 \
        const BYTES cut = (BYTES)SPLAT(step.cut);                                                                 \
        const BYTES right = reach[node] & (BYTES)(rank > cut);                                                    \
        right_lanes |= right;                                                                                     \
        if (level + 1 < levels) {                                                                                 \
          reach[2 * node] = reach[node] & ~right;                                                                 \
          reach[2 * node + 1] = right;                                                                            \
        }                                                                                                         \
      }                                                                                                           \
      /* All ones is -1: twice, and one more where the lane goes right. */                                        \
      index = index + index - right_lanes;                                                                        \
    }                                                                                                             \
    *reached = index;                                                                                             \
  }                                                                                                               \
  TARGET static void NAME##_tree(const tally_step *steps, const uint8_t *lanes, uint32_t levels,                  \
                                 uint8_t *reached) {                                                              \
    for (uint32_t part = 0; part < TALLY_ROWS / sizeof(BYTES); part++) {                                          \
      BYTES *to = (BYTES *)(reached + part * sizeof(BYTES));                                                      \
      const uint8_t *from = lanes + part * sizeof(BYTES);                                                         \
      switch (levels) {                                                                                           \
        case 0: NAME##_node(steps, from, 0, to); break;                                                           \
        case 1: NAME##_node(steps, from, 1, to); break;                                                           \
        case 2: NAME##_node(steps, from, 2, to); break;                                                           \
        case 3: NAME##_node(steps, from, 3, to); break;                                                           \
        case 4: NAME##_node(steps, from, 4, to); break;                                                           \
        case 5: NAME##_node(steps, from, 5, to); break;                                                           \
        default: NAME##_node(steps, from, 6, to); break;                                                          \
      }                                                                                                           \
    }                                                                                                             \
  }                                                                                                               \
  TARGET void tally_score_rows_##NAME(const tally_forest *forest, const uint8_t *ranks, const uint8_t *lanes,     \
                                      size_t count, float *margins) {                                             \
    _Alignas(64) uint8_t reached[TALLY_ROWS];                                                                     \
    for (size_t b = 0; b < forest->block_count; b++) {                                                            \
      const tally_block *block = &forest->blocks[b];                                                              \
      const float *leaves = (const float *)block->ends;                                                           \
      for (size_t t = 0; t < block->trees; t++) {                                                                 \
        NAME##_tree(block->steps + t * 64, lanes, block->levels, reached);                                        \
        float *to = margins;                                                                                      \
        if (forest->group_of_tree) to += forest->group_of_tree[b * TALLY_TREES + t] * TALLY_ROWS;                 \
        if (block->levels <= 6) {                                                                                 \
          for (size_t row = 0; row < count; row++) to[row] += leaves[t * 64 + reached[row]];                      \
        } else if (block->levels == 8) {                                                                          \
          for (size_t row = 0; row < count; row++) {                                                              \
            const size_t offset = (size_t)reached[row] * TALLY_RECORD_BYTES;                                     \
            to[row] += tally_leaf_below(block, 8, t, offset, ranks + row * TALLY_SLOTS_MAX);                     \
          }                                                                                                       \
        } else {                                                                                                  \
          for (size_t row = 0; row < count; row++) {                                                              \
            const size_t offset = (size_t)reached[row] * TALLY_RECORD_BYTES;                                     \
            to[row] += tally_leaf_below(block, 10, t, offset, ranks + row * TALLY_SLOTS_MAX);                    \
          }                                                                                                       \
        }                                                                                                         \
      }                                                                                                           \
    }                                                                                                             \
  }

#define SPLAT4(word) ((words4){word, word, word, word})
#define SPLAT8(word) ((words8){word, word, word, word, word, word, word, word})

DESCENT(portable, bytes16, SPLAT4, )
#if defined(__x86_64__)
DESCENT(avx2, bytes32, SPLAT8, __attribute__((target("avx2"))))
#endif
