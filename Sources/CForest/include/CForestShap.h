// Explains margins of a forest of regression trees: exact path-dependent TreeSHAP and Saabas' approximation.
//
// Compile once, evaluate from any thread: a compiled model never changes. Evaluation allocates nothing, takes rows in
// blocks of 16 (a row a lane) and gives the same bits at every level and in every lane.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Rows of one block.
#define TALLY_SHAP_LANES 16

// An immutable compiled model: one aligned allocation.
typedef struct tally_shap tally_shap;

typedef enum tally_shap_status {
  TALLY_SHAP_OK = 0,
  TALLY_SHAP_MEMORY = 1,   // no memory
  TALLY_SHAP_INVALID = 2,  // a child, feature, group or set out of range; a node reached twice; a leaf that is not
                           // finite, a cover < 0
  TALLY_SHAP_COVER = 3,    // the children's covers do not add up to their parent's (to a thousandth)
  TALLY_SHAP_SIZE = 4,     // more than 67 million compiled splits, or as many columns, groups or trees as 32-bit
                           // offsets forbid
} tally_shap_status;

// Instructions that the kernels may use. All give the same bits.
typedef enum tally_shap_level {
  TALLY_SHAP_PORTABLE = 0,
  TALLY_SHAP_AVX2 = 1,
  TALLY_SHAP_AVX512 = 2,
} tally_shap_level;

// Whether this machine can run `level`. Evaluation with another one is undefined.
int tally_shap_supports(tally_shap_level level);

// Compiles trees.
//
// Trees: tree `t` has the nodes `tree_first[t] ..< tree_first[t + 1]` of the flat arrays (tree_count + 1 offsets, the
// first one 0) and adds to output `tree_group[t]` < groups. Its node 0 is the root; children count from the tree's
// first node. Nodes: `left` (-1: a leaf), `right`, `feature` < columns, `value` (threshold; a leaf's value, DART's
// weight included), `default_left` (where NaN goes), `cover` (sum of hessians), `category_set` (-1: numerical, x <
// value goes left). A categorical value that is in set `s`, the words `set_first[s] ..< set_first[s + 1]` of
// `set_words` (set_count + 1 offsets), goes right. Leaves may hold anything in the arrays that they do not use. All
// arrays are only read here. `*model` is NULL unless OK.
tally_shap_status tally_shap_compile(size_t columns, size_t groups, size_t tree_count, const uint32_t *tree_first,
                                     const uint32_t *tree_group, const int32_t *left, const int32_t *right,
                                     const int32_t *feature, const float *value, const uint8_t *default_left,
                                     const float *cover, const int32_t *category_set, size_t set_count,
                                     const uint32_t *set_first, const uint32_t *set_words, tally_shap **model);

void tally_shap_free(tally_shap *model);

// Bytes of scratch, a multiple of 64. Scratch is the caller's, aligned to 64, for one thread at a time.
size_t tally_shap_scratch_bytes(const tally_shap *model);

// Expected margin of `group` without the base score: what contributions hold in their last column.
float tally_shap_expected(const tally_shap *model, size_t group);

// Contributions of `count` rows of `columns` floats that lie `stride` floats apart (NaN: missing), as
// [count][groups][columns + 1]; the last column is the expected margin. They add up to the margin, without the base
// score.
void tally_shap_rows(const tally_shap *model, tally_shap_level level, const float *rows, size_t stride, size_t count,
                     void *scratch, float *contributions);

// As `tally_shap_rows`, but a cheap approximation (Saabas 2014, libxgboost's approx_contribs): the change of the
// node's mean along the row's own way. Adds up to the margin too.
void tally_saabas_rows(const tally_shap *model, const float *rows, size_t stride, size_t count, void *scratch,
                       float *contributions);

// One block in pieces, for callers that keep only the largest: first `tally_shap_load` with 1 to 16 rows, then any
// number of groups from that scratch. `block` is [columns + 1][16] floats, a column's 16 rows side by side, of any
// alignment; lanes beyond `count` repeat row 0.
void tally_shap_load(const tally_shap *model, const float *rows, size_t stride, size_t count, void *scratch);
void tally_shap_group(const tally_shap *model, tally_shap_level level, size_t group, void *scratch, float *block);
void tally_saabas_group(const tally_shap *model, size_t group, void *scratch, float *block);

// The `k` columns of largest absolute contribution of one lane of a block, largest first, the lower column first
// among equals: writes min(k, columns) of `features` and `values` and returns that number. The expected margin takes
// no part.
size_t tally_shap_top(const tally_shap *model, const float *block, size_t lane, size_t k, uint32_t *features,
                      float *values);
