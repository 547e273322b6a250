// The lower levels of packed trees and the sums of their leaves, which every kernel takes the same way.
#pragma once
#include <string.h>

#include "CForest.h"

// Twice `at`, and one more if the rank is greater than the cut.
static inline __attribute__((always_inline)) uint64_t tally_branch(uint64_t at, uint8_t rank, const uint8_t *cut) {
#if defined(__x86_64__)
  // The comparison's carry is the bit to add; compilers do not find this by themselves.
  __asm__("cmpb %1, %2\n\tadcq %0, %0" : "+r"(at) : "q"(rank), "m"(*cut) : "cc");
  return at;
#else
  return 2 * at + (rank > *cut);
#endif
}

// The leaf of the three splits and four leaves of a record.
static inline __attribute__((always_inline)) float tally_record_leaf(const uint8_t *record, const uint8_t *ranks) {
  uint64_t at = tally_branch(0, ranks[record[0]], record + 1);
  at = tally_branch(at, ranks[record[2 + 2 * at]], record + 3 + 2 * at);
  float leaf;
  memcpy(&leaf, record + 16 + 4 * at, sizeof leaf);
  return leaf;
}

// The leaf that a row reaches from the record of node `at` (0..63) of a tree's seventh level on; `offset` is
// at * TALLY_RECORD_BYTES.
static inline __attribute__((always_inline)) float tally_leaf_below(const tally_block *block, uint32_t levels,
                                                                    size_t tree, size_t offset, const uint8_t *ranks) {
  if (levels <= 8) return tally_record_leaf(block->ends + tree * 64 * TALLY_RECORD_BYTES + offset, ranks);
  const uint8_t *middle = block->middles + tree * 64 * 8 + offset / 4;
  uint64_t at = tally_branch(0, ranks[middle[0]], middle + 1);
  at = tally_branch(at, ranks[middle[2 + 2 * at]], middle + 3 + 2 * at);
  return tally_record_leaf(
      block->ends + tree * 256 * TALLY_RECORD_BYTES + offset * 4 + at * TALLY_RECORD_BYTES, ranks);
}

// Adds the leaves of one row, in the order of the trees. `reached`: what the upper levels led to.
static inline __attribute__((always_inline)) void tally_add_leaves(const tally_block *block, const uint8_t *ranks,
                                                                   const uint8_t *reached, const uint32_t *groups,
                                                                   float *margins) {
  const uint32_t trees = block->trees;
  const float *leaves = (const float *)block->ends;
  if (groups == 0) {
    float margin = margins[0];
    if (block->levels <= 6) {
      for (uint32_t t = 0; t < trees; t++) margin += leaves[t * 64 + reached[t]];
    } else if (block->levels == 8) {
      for (uint32_t t = 0; t < trees; t++) {
        margin += tally_leaf_below(block, 8, t, (size_t)reached[t] * TALLY_RECORD_BYTES, ranks);
      }
    } else {
      for (uint32_t t = 0; t < trees; t++) {
        margin += tally_leaf_below(block, 10, t, (size_t)reached[t] * TALLY_RECORD_BYTES, ranks);
      }
    }
    margins[0] = margin;
    return;
  }
  for (uint32_t t = 0; t < trees; t++) {
    const size_t offset = (size_t)reached[t] * TALLY_RECORD_BYTES;
    margins[groups[t]] += block->levels <= 6 ? leaves[t * 64 + reached[t]]
                                             : tally_leaf_below(block, block->levels, t, offset, ranks);
  }
}
