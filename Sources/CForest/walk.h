// The lower levels of packed trees, which every kernel takes the same way.
#pragma once
#include <string.h>

#include "CForest.h"

// The leaf that a row reaches from node `at` (0..63) of a tree's seventh level on.
static inline __attribute__((always_inline)) float tally_leaf_below(const tally_block *block, uint32_t levels,
                                                                    size_t tree, size_t at, const uint8_t *ranks) {
  const uint8_t *record;
  if (levels <= 8) {
    record = block->ends + (tree * 64 + at) * TALLY_RECORD_BYTES;
  } else {
    const uint8_t *middle = block->middles + (tree * 64 + at) * 8;
    const size_t upper = ranks[middle[0]] > middle[1];
    const size_t lower = ranks[middle[2 + 2 * upper]] > middle[3 + 2 * upper];
    record = block->ends + (tree * 256 + at * 4 + upper * 2 + lower) * TALLY_RECORD_BYTES;
  }
  const size_t upper = ranks[record[0]] > record[1];
  const size_t lower = ranks[record[2 + 2 * upper]] > record[3 + 2 * upper];
  float leaf;
  memcpy(&leaf, record + 16 + 4 * (upper * 2 + lower), sizeof leaf);
  return leaf;
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
      for (uint32_t t = 0; t < trees; t++) margin += tally_leaf_below(block, 8, t, reached[t], ranks);
    } else {
      for (uint32_t t = 0; t < trees; t++) margin += tally_leaf_below(block, 10, t, reached[t], ranks);
    }
    margins[0] = margin;
    return;
  }
  for (uint32_t t = 0; t < trees; t++) {
    margins[groups[t]] += block->levels <= 6
                              ? leaves[t * 64 + reached[t]]
                              : tally_leaf_below(block, block->levels, t, reached[t], ranks);
  }
}
