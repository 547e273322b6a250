#include "CForest.h"

// Rows that go down a tree side by side: their ways are independent, so the processor overlaps them.
enum { LANES = 16 };

#define MISSING_RIGHT 0x8000u

static inline uint32_t next(const tally_node *node, const float *row) {
  float value = row[node->feature & ~MISSING_RIGHT & 0xffffu];
  // Comparisons with NaN are false.
  uint32_t right = (uint32_t)(value >= node->condition) | ((uint32_t)(value != value) & (node->feature >> 15));
  return node->step + right;
}

void tally_forest_add(const tally_node *nodes, const float *values, const tally_tree *trees, size_t tree_count,
                      const float *rows, size_t count, size_t stride, float *margins) {
  for (size_t t = 0; t < tree_count; t++) {
    const tally_node *tree = nodes + trees[t].first;
    const float *leaves = values + trees[t].first;
    const uint32_t levels = trees[t].levels;
    size_t row = 0;
    for (; row + LANES <= count; row += LANES) {
      uint32_t at[LANES] = {0};
      const float *base = rows + row * stride;
      for (uint32_t level = 0; level < levels; level++) {
        for (size_t lane = 0; lane < LANES; lane++) at[lane] += next(tree + at[lane], base + lane * stride);
      }
      for (size_t lane = 0; lane < LANES; lane++) margins[row + lane] += leaves[at[lane]];
    }
    for (; row < count; row++) {
      uint32_t at = 0;
      for (uint32_t level = 0; level < levels; level++) at += next(tree + at, rows + row * stride);
      margins[row] += leaves[at];
    }
  }
}
