// One row at a time, and forests that do not fit into bytes.
#include "walk.h"

#include "avx512.h"
#include "lanes.h"

static inline uint64_t step(const uint8_t *nodes, uint64_t at, const uint8_t *ranks) {
  return tally_branch(at, ranks[nodes[2 * at]], nodes + 2 * at + 1);
}

enum { SIDE_BY_SIDE = 8 };

// The nodes that a row reaches below the upper levels, one byte a tree.
static inline void descend(const tally_block *block, const uint8_t *ranks, uint32_t levels, uint8_t *reached) {
  const uint8_t *nodes = block->tops;
  uint32_t tree = 0;
  for (; tree + SIDE_BY_SIDE <= block->trees; tree += SIDE_BY_SIDE, nodes += SIDE_BY_SIDE * 128) {
    uint64_t at[SIDE_BY_SIDE];
    for (uint32_t i = 0; i < SIDE_BY_SIDE; i++) at[i] = 1;
    for (uint32_t level = 0; level < levels; level++) {
#pragma clang loop unroll(full)
      for (uint32_t i = 0; i < SIDE_BY_SIDE; i++) at[i] = step(nodes + i * 128, at[i], ranks);
    }
    for (uint32_t i = 0; i < SIDE_BY_SIDE; i++) reached[tree + i] = (uint8_t)(at[i] - (1u << levels));
  }
  for (; tree < block->trees; tree++, nodes += 128) {
    uint64_t at = 1;
    for (uint32_t level = 0; level < levels; level++) at = step(nodes, at, ranks);
    reached[tree] = (uint8_t)(at - (1u << levels));
  }
}

void tally_score_row(const tally_forest *forest, tally_kernel kernel, const uint8_t *ranks, float *margins) {
#if defined(__x86_64__)
  if (kernel == TALLY_KERNEL_AVX512) {
    tally_score_row_avx512(forest, ranks, margins);
    return;
  }
#endif
  (void)kernel;
  uint8_t reached[TALLY_TREES];
  const uint32_t *groups = forest->group_of_tree;
  for (size_t b = 0; b < forest->block_count; b++) {
    const tally_block *block = &forest->blocks[b];
    switch (block->levels) {
      case 0: descend(block, ranks, 0, reached); break;
      case 1: descend(block, ranks, 1, reached); break;
      case 2: descend(block, ranks, 2, reached); break;
      case 3: descend(block, ranks, 3, reached); break;
      case 4: descend(block, ranks, 4, reached); break;
      case 5: descend(block, ranks, 5, reached); break;
      default: descend(block, ranks, 6, reached); break;
    }
    tally_add_leaves(block, ranks, reached, groups ? groups + b * TALLY_TREES : 0, margins);
  }
}

void tally_score_rows(const tally_forest *forest, tally_kernel kernel, const uint8_t *ranks, const uint8_t *lanes,
                      size_t count, float *margins) {
#if defined(__x86_64__)
  if (kernel == TALLY_KERNEL_AVX512) {
    tally_score_rows_avx512(forest, ranks, lanes, count, margins);
    return;
  }
  if (kernel == TALLY_KERNEL_AVX2) {
    tally_score_rows_avx2(forest, ranks, lanes, count, margins);
    return;
  }
#endif
  (void)kernel;
  tally_score_rows_portable(forest, ranks, lanes, count, margins);
}

// ---- Flat forests

static inline uint32_t flat_leaf(const tally_flat *forest, const tally_node *tree, const float *row) {
  uint32_t at = 0;
  while (tree[at].left != 0) {
    const tally_node *node = &tree[at];
    const float value = row[node->feature & 0x7fffffffu];
    uint32_t right;
    if (value != value) {
      right = node->feature >> 31;
    } else if (node->words == 0) {
      right = value >= node->value;
    } else if (!(value >= 0.0f) || value >= 16777216.0f || (uint32_t)value / 32 >= node->words) {
      right = 0;
    } else {
      right = forest->categories[node->first + (uint32_t)value / 32] >> ((uint32_t)value % 32) & 1u;
    }
    at = node->left + right;
  }
  return at;
}

void tally_score_flat(const tally_flat *forest, const float *rows, size_t count, size_t columns, size_t groups,
                      float *margins) {
  for (size_t t = 0; t < forest->tree_count; t++) {
    const tally_node *tree = forest->nodes + forest->roots[t];
    const size_t group = forest->group_of_tree ? forest->group_of_tree[t] : 0;
    for (size_t row = 0; row < count; row++) {
      margins[row * groups + group] += tree[flat_leaf(forest, tree, rows + row * columns)].value;
    }
  }
}
