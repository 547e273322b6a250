// Evaluates forests of regression trees, bit for bit as libxgboost does: kernels only; the layouts are made in Swift.
//
// A row is quantised first: each number becomes its rank among the thresholds of its feature, a byte, so that a split
// is a comparison of bytes. `value < threshold[k]` is `rank <= k`, where rank = number of thresholds <= value: exact.
// A packed forest then takes ranks; a flat one, for what does not fit into bytes, takes the numbers themselves.
// Nothing here allocates, and nothing that is built is written again: any number of threads may use it.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "CForestShap.h"

// Which instructions are used. Portable is plain C with 16-byte vectors: SSE2 on x86-64, NEON on arm64.
typedef enum tally_kernel { TALLY_KERNEL_PORTABLE = 0, TALLY_KERNEL_AVX2 = 1, TALLY_KERNEL_AVX512 = 2 } tally_kernel;

// Whether this processor (and its system) can run a kernel. AVX-512 needs F, BW, DQ, VL and VBMI.
int tally_kernel_is_available(tally_kernel kernel);

// Rows that the kernels for many rows take at once.
enum { TALLY_ROWS = 64 };
// Most slots, and so bytes between the ranks of two rows.
enum { TALLY_SLOTS_MAX = 256 };
// Trees of a block.
enum { TALLY_TREES = 64 };
// Bytes of a record: three splits and their four leaves.
enum { TALLY_RECORD_BYTES = 32 };

// ---- Quantising

// The slot that nobody reads: where ranks go that no split compares.
enum { TALLY_NO_SLOT = TALLY_SLOTS_MAX - 1 };

// Up to 255 thresholds of a feature (one with more has several axes) and the slots that a value's rank among them
// goes to: one for splits whose missing values go left (rank 0), one for right (rank 255).
typedef struct tally_axis {
  uint32_t feature;  // column of a row
  uint32_t first;    // index in `thresholds`, a multiple of 16: every 16th threshold, 16 in all, then all of them; both
                     // ascending and padded with NaN, the latter to a multiple of 16 that is greater than their number
  uint16_t count;    // thresholds
  uint16_t left;     // slot, or TALLY_NO_SLOT
  uint16_t right;    // slot, or TALLY_NO_SLOT
} tally_axis;

// A set of categories; a rank is 1 for those in it.
typedef struct tally_membership {
  uint32_t feature;  // column of a row
  uint32_t first;    // index of its first word in `categories`
  uint32_t words;    // number of its words
  uint16_t slot;
  uint8_t missing;   // rank of a missing value
} tally_membership;

typedef struct tally_quantiser {
  const tally_axis *axes;
  size_t axis_count;
  const tally_membership *memberships;
  size_t membership_count;
  const float *thresholds;     // 64-byte aligned
  const uint32_t *categories;  // sets of bits, lowest first
  size_t slot_count;           // at most TALLY_NO_SLOT
} tally_quantiser;

// Ranks of one row of floats (NaN: missing): TALLY_SLOTS_MAX bytes, 64-byte aligned.
void tally_quantise_row(const tally_quantiser *quantiser, tally_kernel kernel, const float *row, uint8_t *ranks);

// Ranks of `count` <= TALLY_ROWS rows of `columns` floats as `lanes`, [slot][TALLY_ROWS] with the highest bit flipped
// but for AVX-512, and, unless `ranks` is NULL, as rows of TALLY_SLOTS_MAX bytes. Both are 64-byte aligned.
void tally_quantise_rows(const tally_quantiser *quantiser, tally_kernel kernel, const float *rows, size_t count,
                         size_t columns, uint8_t *lanes, uint8_t *ranks);

// ---- Packed forests

// A split as the kernels for many rows read it.
typedef struct tally_step {
  uint32_t offset;  // slot * TALLY_ROWS
  uint32_t cut;     // the cut four times, its highest bit flipped unless the kernel is AVX-512
} tally_step;

// Up to 64 trees, one after the other, padded to the same number of levels: 0 to 6, 8 or 10. Node 1 is the root, 2k and
// 2k+1 are node k's children. A split is a slot and a cut: right when rank > cut. Where a tree ends earlier, splits
// that never go right (cut 255) follow and every leaf below is that leaf.
typedef struct tally_block {
  const uint8_t *tops;      // [tree][64 nodes]{slot, cut}: the upper 6 levels
  const uint8_t *across;    // the same, one tree a lane: [node - 1]{slots[64], cuts[64]}; AVX-512 only
  const tally_step *steps;  // the same, [tree][64 nodes]; kernels for many rows
  const uint8_t *middles;   // 10 levels: [tree][64]{slot, cut} * 4, three used: levels 7 and 8
  const uint8_t *ends;      // up to 6 levels: float [tree][64]; else [tree][64 or 256] records: {slot, cut} * 3 at byte
                            // 0, four leaves at byte 16
  uint32_t trees;
  uint32_t levels;
} tally_block;

typedef struct tally_forest {
  const tally_block *blocks;
  size_t block_count;
  const uint32_t *group_of_tree;  // NULL: one group
  size_t slot_count;
} tally_forest;

// Adds the leaves of one row to `margins` (one for each group), in the order of the trees. `ranks`: of one row.
void tally_score_row(const tally_forest *forest, tally_kernel kernel, const uint8_t *ranks, float *margins);

// The same for `count` <= TALLY_ROWS rows: `margins` is [group][TALLY_ROWS], 64-byte aligned. `ranks` is read only when
// blocks have more than 6 levels.
void tally_score_rows(const tally_forest *forest, tally_kernel kernel, const uint8_t *ranks, const uint8_t *lanes,
                      size_t count, float *margins);

// ---- Flat forests: any depth, any number of thresholds and features

typedef struct tally_node {
  float value;       // goes right when value >= this; a leaf's value
  uint32_t left;     // left child, the right one is behind it; 0: a leaf
  uint32_t feature;  // column; highest bit: a missing value goes right
  uint32_t words;    // categories: words of the set; 0: a numerical split
  uint32_t first;    // categories: the first word's index
} tally_node;

typedef struct tally_flat {
  const tally_node *nodes;
  const uint32_t *roots;  // first node of each tree; children are counted from there
  size_t tree_count;
  const uint32_t *group_of_tree;  // NULL: one group
  const uint32_t *categories;
} tally_flat;

// Adds the leaves of `count` rows of `columns` floats to `margins`, [row][groups].
void tally_score_flat(const tally_flat *forest, const float *rows, size_t count, size_t columns, size_t groups,
                      float *margins);
