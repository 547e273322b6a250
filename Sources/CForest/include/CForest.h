// Evaluates a forest of regression trees over rows of floats; portable C, no allocation.
//
// A tree's nodes lie one after the other, children behind their parent and side by side, so that a node needs one offset.
// A leaf leads to itself: every row goes through as many levels as the tree has, without a branch on where it ends.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct tally_node {
  float condition;   // goes right when value >= condition
  uint16_t step;     // nodes to the left child; the right one is behind it; 0: a leaf
  uint16_t feature;  // column; highest bit: a missing value goes right
} tally_node;

typedef struct tally_tree {
  uint32_t first;   // its first node
  uint32_t levels;  // splits on its longest way
} tally_tree;

// Adds every tree's leaf value to `margins`, in the order of the trees, as libxgboost does.
//
// `rows`: `count` rows of `stride` floats; column `stride - 1` is 0 and serves leaves. `values`: leaf values by node.
void tally_forest_add(const tally_node *nodes, const float *values, const tally_tree *trees, size_t tree_count,
                      const float *rows, size_t count, size_t stride, float *margins);
