// Forests that do not fit into bytes: each tree is walked as it is, one row after the other.
#include "CForest.h"

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
