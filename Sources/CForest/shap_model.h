// A compiled model, as shap_compile.c makes it and shap.c runs it.
#pragma once
#include "CForestShap.h"

enum { LANES = TALLY_SHAP_LANES, POINTS = 4 };

typedef float lanes __attribute__((ext_vector_type(TALLY_SHAP_LANES)));

// A tree is walked as a list of operations, depth first. `AGAIN`: one of its splits is on a feature that is split on
// above it.
enum operation {
  OP_END,
  OP_DECIDE,       // a decision that is no plain comparison: its result becomes the value of the next operation
  OP_PAIR,         // a split whose children are leaves
  OP_PAIR_AGAIN,
  OP_QUAD,         // a split whose children are pairs
  OP_QUAD_AGAIN,
  OP_TRIO,         // a split whose first child is a pair and whose second one is a leaf
  OP_TRIO_AGAIN,
  OP_LEAF_TRIO,    // the first one a leaf, the second one a pair
  OP_LEAF_TRIO_AGAIN,
  OP_ENTER,        // any other split: down to its first child
  OP_ENTER_AGAIN,
  OP_LEAF_ENTER,   // past its first child, a leaf, down to its second one
  OP_LEAF_ENTER_AGAIN,
  OP_TURN,         // to its second child
  OP_LEAVE,        // up, both children done
  OP_LEAVE_AGAIN,
  OP_STEM_LEAVE,   // up, when the second child is a leaf
  OP_STEM_LEAVE_AGAIN,
  OP_LEAF_LEAVE,   // up, when the first one is
  OP_LEAF_LEAVE_AGAIN,
};

// Where a split that is no pair has a leaf.
enum { LEAF_NOWHERE, LEAF_SECOND, LEAF_FIRST };

typedef struct split {
  float threshold;
  uint32_t value;    // offset of the feature's 16 values in the block
  uint32_t phi;      // offset of its 16 contributions
  float base;        // p; of a pair: the mean
  float left;        // c when the row goes left; of a pair: leaf - mean
  float right;       // c when it goes right
  float leaf;        // the value of the child that is a leaf, when one is
  uint32_t link;     // offset of the coefficients; of a decision: flags
} split;

enum { DECIDE_DEFAULT_LEFT = 1, DECIDE_CATEGORY = 2 };

// Coefficients of a split of an AGAIN operation: the frame of the earlier split, which side of it, h and a at the
// pass's points. Frame 0 is always on side 1: it stands above splits of new features.
typedef struct again {
  uint32_t frame;
  float side;  // 1: below the first child, -1: below the second
  float h[POINTS], a[POINTS];
} again;

// Up to four points of one tree.
typedef struct pass {
  uint32_t points, operation, split;
  float t[POINTS], weight[POINTS];
} pass;

// A node as the row's own way sees it (Saabas).
typedef struct walk_node {
  float threshold, mean;
  uint32_t child[2];     // left, right; a leaf's are itself
  uint32_t value;        // offset of the feature's raw values
  uint32_t phi;
  int32_t set;
  uint32_t default_left;
} walk_node;

struct tally_shap {
  size_t columns, groups, used_count, frames;
  size_t scratch_bytes;
  const uint32_t *used;        // columns that splits use
  const float *expected;       // by group
  const uint32_t *group_pass;  // groups + 1
  const uint32_t *group_root;  // groups + 1
  const uint32_t *roots;
  const pass *passes;
  const split *splits;
  const uint8_t *operations;
  const again *agains;
  const walk_node *nodes;
  const uint32_t *set_first, *set_words;
};

// Scratch begins with the block's values, three times: missing as +inf (goes right), as -inf (goes left), as it came.
// Then one row for decisions, contributions twice (total, latest passes), frames.
enum { ROW_RIGHT = 0, ROW_LEFT = 1, ROW_RAW = 2, ROWS_PER_FEATURE = 3 };

// Lanes of a frame: the split's address, c, then G, g and the first child's K at each point.
enum {
  FRAME_SPLIT = 0,
  FRAME_C = 1,
  FRAME_G = 2,
  FRAME_RATIO = FRAME_G + POINTS,
  FRAME_FIRST = FRAME_RATIO + POINTS,
  FRAME_LANES = FRAME_FIRST + POINTS,
};
