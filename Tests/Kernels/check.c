// The forest's kernels against naive code, over random blocks, ranks and thresholds: scripts/kernels.sh builds it with
// sanitizers, and for other processors.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CForest.h"

enum { TREES_MAX = TALLY_TREES, GROUPS_MAX = 3, BLOCKS = 300, THRESHOLDS_MAX = 255 };

static uint64_t state = 88172645463325252u;

// xorshift64 (Marsaglia 2003).
static uint32_t draw(uint32_t bound) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 20) % bound;
}

// Zeroed memory of exactly this size, so that a sanitizer sees the first byte behind it.
static void *memory(size_t bytes) {
  void *found = aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (!found) abort();
  return memset(found, 0, bytes);
}

// A block of padded trees, and what it was made of.
typedef struct trees {
  tally_block block;
  uint8_t *slots, *cuts;  // [tree][1 << levels], node 1 is the root
  float *leaves;          // [tree][1 << levels]
  void *parts[5];
} trees;

static void put(const trees *t, uint32_t tree, uint32_t node, uint8_t *to) {
  to[0] = t->slots[(tree << t->block.levels) + node];
  to[1] = t->cuts[(tree << t->block.levels) + node];
}

static void put_three(const trees *t, uint32_t tree, uint32_t node, uint8_t *to) {
  put(t, tree, node, to);
  put(t, tree, 2 * node, to + 2);
  put(t, tree, 2 * node + 1, to + 4);
}

static trees make_trees(tally_kernel kernel, uint32_t slot_count) {
  static const uint32_t choices[] = {0, 1, 2, 3, 4, 5, 6, 8, 10};
  const uint32_t levels = choices[draw(9)], upper = levels > 6 ? 6 : levels, count = 1 + draw(TREES_MAX);
  const uint32_t records = levels > 6 ? 1u << (levels - 2) : 0;
  const size_t nodes = (size_t)count << levels;
  trees t = {.slots = memory(nodes), .cuts = memory(nodes), .leaves = memory(nodes * 4)};
  for (size_t i = 0; i < nodes; i++) {
    t.slots[i] = (uint8_t)draw(slot_count);
    t.cuts[i] = (uint8_t)draw(256);
    t.leaves[i] = (float)((int)draw(20001) - 10000) / 777;
  }
  uint8_t *tops = memory((size_t)count * 128), *across = memory(((1u << upper) - (upper > 0)) * 128);
  uint8_t *middles = memory((size_t)count * 64 * 8), *ends = memory((size_t)count * (records ? records * 32 : 256));
  tally_step *steps = memory((size_t)count * 64 * sizeof(tally_step));
  t.block = (tally_block){tops, across, steps, middles, ends, count, levels};
  for (uint32_t node = 1; node < 1u << upper; node++) memset(across + (node - 1) * 128 + 64, 255, 64);
  for (uint32_t tree = 0; tree < count; tree++) {
    for (uint32_t node = 1; node < 1u << upper; node++) {
      uint8_t *top = tops + tree * 128 + 2 * node;
      put(&t, tree, node, top);
      across[(node - 1) * 128 + tree] = top[0];
      across[(node - 1) * 128 + 64 + tree] = top[1];
      const uint8_t cut = kernel == TALLY_KERNEL_AVX512 ? top[1] : top[1] ^ 0x80;
      steps[tree * 64 + node] = (tally_step){top[0] * (uint32_t)TALLY_ROWS, cut * 0x01010101u};
    }
    for (uint32_t at = 0; levels == 10 && at < 64; at++) put_three(&t, tree, 64 + at, middles + (tree * 64 + at) * 8);
    const float *leaves = t.leaves + ((size_t)tree << levels);
    if (!records) memcpy(ends + tree * 256, leaves, sizeof(float) << levels);
    for (uint32_t record = 0; record < records; record++) {
      uint8_t *to = ends + (tree * records + record) * 32;
      put_three(&t, tree, records + record, to);
      memcpy(to + 16, leaves + 4 * record, 16);
    }
  }
  memcpy(t.parts, (void *[]){tops, across, steps, middles, ends}, sizeof t.parts);
  return t;
}

static void free_trees(trees *t) {
  for (int i = 0; i < 5; i++) free(t->parts[i]);
  free(t->slots);
  free(t->cuts);
  free(t->leaves);
}

// Margins that differ between a kernel and a walk node by node.
static int check_block(tally_kernel kernel) {
  const uint32_t slot_count = 1 + draw(250), groups = 1 + draw(GROUPS_MAX), count = 1 + draw(TALLY_ROWS);
  trees t = make_trees(kernel, slot_count);
  uint32_t group_of_tree[TREES_MAX];
  for (uint32_t tree = 0; tree < TREES_MAX; tree++) group_of_tree[tree] = draw(groups);
  const tally_forest forest = {&t.block, 1, groups == 1 ? NULL : group_of_tree, slot_count};
  uint8_t *ranks = memory(TALLY_ROWS * TALLY_SLOTS_MAX), *lanes = memory(TALLY_SLOTS_MAX * TALLY_ROWS);
  float *margins = memory(groups * TALLY_ROWS * sizeof(float));
  for (uint32_t row = 0; row < TALLY_ROWS; row++) {
    for (uint32_t slot = 0; slot < slot_count; slot++) {
      const uint8_t rank = (uint8_t)draw(256);
      ranks[row * TALLY_SLOTS_MAX + slot] = rank;
      lanes[slot * TALLY_ROWS + row] = kernel == TALLY_KERNEL_AVX512 ? rank : rank ^ 0x80;
    }
  }
  for (uint32_t i = 0; i < groups * TALLY_ROWS; i++) margins[i] = 0.5f;
  tally_score_rows(&forest, kernel, ranks, lanes, count, margins);
  int different = 0;
  for (uint32_t row = 0; row < count; row++) {
    const uint8_t *own = ranks + row * TALLY_SLOTS_MAX;
    float expected[GROUPS_MAX] = {0.5f, 0.5f, 0.5f}, single[GROUPS_MAX] = {0.5f, 0.5f, 0.5f};
    for (uint32_t tree = 0; tree < t.block.trees; tree++) {
      const size_t first = (size_t)tree << t.block.levels;
      uint32_t at = 1;
      for (uint32_t level = 0; level < t.block.levels; level++) at = 2 * at + (own[t.slots[first + at]] > t.cuts[first + at]);
      expected[groups == 1 ? 0 : group_of_tree[tree]] += t.leaves[first + at - (1u << t.block.levels)];
    }
    tally_score_row(&forest, kernel, own, single);
    for (uint32_t group = 0; group < groups; group++) {
      different += memcmp(&expected[group], &margins[group * TALLY_ROWS + row], sizeof(float)) != 0;
      different += memcmp(&expected[group], &single[group], sizeof(float)) != 0;
    }
  }
  free(ranks);
  free(lanes);
  free(margins);
  free_trees(&t);
  return different;
}

// Ranks that differ between a kernel and counting.
static int check_ranks(tally_kernel kernel) {
  const uint32_t count = 1 + draw(THRESHOLDS_MAX), padded = 16 + count / 16 * 16 + 16;
  float *table = memory(padded * sizeof(float)), values[TALLY_ROWS];
  for (uint32_t i = 0; i < padded; i++) table[i] = NAN;
  for (uint32_t i = 0; i < count; i++) table[16 + i] = ((int)i - 100) * 0.37f;
  for (uint32_t i = 0; (i + 1) * 16 <= count; i++) table[i] = table[16 + i * 16 + 15];
  for (uint32_t i = 0; i < TALLY_ROWS; i++) {
    const float edge = table[16 + draw(count)];
    const float choices[] = {edge, nextafterf(edge, -1e9f), nextafterf(edge, 1e9f), NAN};
    values[i] = choices[draw(4)];
  }
  const tally_axis axis = {0, 0, (uint16_t)count, 0, 1};
  const tally_quantiser quantiser = {&axis, 1, NULL, 0, table, NULL, 2};
  uint8_t *rows = memory(TALLY_ROWS * TALLY_SLOTS_MAX), *lanes = memory(TALLY_SLOTS_MAX * TALLY_ROWS);
  uint8_t *single = memory(TALLY_SLOTS_MAX);
  tally_quantise_rows(&quantiser, kernel, values, TALLY_ROWS, 1, lanes, rows);
  int different = 0;
  for (uint32_t row = 0; row < TALLY_ROWS; row++) {
    uint32_t rank = 0;
    for (uint32_t i = 0; i < count; i++) rank += table[16 + i] <= values[row];
    const uint8_t left = isnan(values[row]) ? 0 : (uint8_t)rank, right = isnan(values[row]) ? 255 : (uint8_t)rank;
    tally_quantise_row(&quantiser, kernel, values + row, single);
    const uint8_t *own = rows + row * TALLY_SLOTS_MAX;
    different += single[0] != left || single[1] != right || own[0] != left || own[1] != right;
  }
  free(table);
  free(rows);
  free(lanes);
  free(single);
  return different;
}

int main(void) {
  static const char *const names[] = {"portable", "avx2", "avx512"};
  int failed = 0;
  for (int kernel = TALLY_KERNEL_PORTABLE; kernel <= TALLY_KERNEL_AVX512; kernel++) {
    if (!tally_kernel_is_available((tally_kernel)kernel)) continue;
    int different = 0;
    for (int i = 0; i < BLOCKS; i++) different += check_block((tally_kernel)kernel) + check_ranks((tally_kernel)kernel);
    printf("%s: %d blocks, %d differences\n", names[kernel], BLOCKS, different);
    failed |= different != 0;
  }
  return failed;
}
