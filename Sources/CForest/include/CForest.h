// Evaluates forests of regression trees, bit for bit as libxgboost does: kernels only; the layouts are made in Swift.
//
// A row is quantised first: each number becomes its rank among the thresholds of its feature, a byte, so that a split is
// a comparison of bytes. `value < threshold[k]` is `rank <= k`, where rank = number of thresholds <= value: exact.
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

// One feature with its thresholds, and the slots that its rank goes to. With more than 255 thresholds there are several
// slots, each with a stretch of them; one more for each direction in which missing values go.
typedef struct tally_axis {
  uint32_t feature;     // column of a row
  uint32_t count;       // thresholds; 0: categories
  uint32_t first;       // index of the first one in `thresholds`, a multiple of 16; padded with NaN to such a multiple
  uint32_t separators;  // index in `thresholds` of every 16th one, 16 in all; only if count < 256
  uint32_t slot;        // its first slot
  uint32_t slots;       // number of its slots
} tally_axis;

typedef struct tally_slot {
  uint32_t start;     // thresholds before its stretch; for categories the index of the first word in `categories`
  uint32_t count;     // thresholds of its stretch, at most 255; for categories the number of words
  uint8_t missing;    // rank of a missing value: 0 goes left everywhere, 255 right
} tally_slot;

typedef struct tally_quantiser {
  const tally_axis *axes;
  size_t axis_count;
  const tally_slot *slots;
  size_t slot_count;
  const float *thresholds;    // 64-byte aligned; ascending for each axis
  const uint32_t *categories;  // sets of bits, lowest first: a category that is set goes right
} tally_quantiser;

// Ranks of `count` rows of `columns` floats (NaN: missing) into rows of TALLY_SLOTS_MAX bytes, 64-byte aligned. The bytes
// behind the last slot, up to 8 of them, may be written as well.
void tally_quantise(const tally_quantiser *quantiser, tally_kernel kernel, const float *rows, size_t count,
                    size_t columns, uint8_t *ranks);

// The same ranks by slot: `lanes` is [slot][TALLY_ROWS], for up to TALLY_ROWS rows. Kernels other than AVX-512 take
// them with the highest bit flipped.
void tally_transpose(const uint8_t *ranks, size_t count, size_t slot_count, tally_kernel kernel, uint8_t *lanes);

// ---- Packed forests

// A split as the kernels for many rows read it.
typedef struct tally_step {
  uint32_t offset;  // slot * TALLY_ROWS
  uint32_t cut;     // the cut four times, its highest bit flipped unless the kernel is AVX-512
} tally_step;

// Up to 64 trees, one after the other, padded to the same number of levels: 0 to 6, 8 or 10. Node 1 is the root, 2k and
// 2k+1 are node k's children. A split is a slot and a cut: right when rank > cut. Where a tree ends earlier, splits that
// never go right (cut 255) follow and every leaf below is that leaf.
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

// The same for `count` <= TALLY_ROWS rows: `margins` is [group][TALLY_ROWS], 64-byte aligned.
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
