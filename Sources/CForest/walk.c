// One row at a time, without vectors: eight trees side by side.
#include "walk.h"

#include "leaves.h"

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

void tally_score_row_portable(const tally_forest *forest, const uint8_t *ranks, float *margins) {
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
