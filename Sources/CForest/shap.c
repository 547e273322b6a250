// Exact TreeSHAP by quadrature, rows in lanes.
//
// Mathematics. For a row and a set S of known features the tree's value is
//     v(S) = sum over leaves l of w_l * prod_{j on l's path} (j in S ? o_j : r_j),
// where o_j in {0, 1} says whether the row satisfies all of the path's splits on j, and r_j is the product of their
// cover ratios (Lundberg, Erion, Lee 2018, "Consistent individualized feature attribution for tree ensembles"). A
// Shapley value is the expected marginal contribution when every other feature is known with probability t, t uniform
// (Owen 1972, "Multilinear extensions of games"), so with f_j(t) = o_j t + r_j (1 - t)
//     phi_i = sum_l w_l (o_i - r_i) * integral over t in [0, 1] of prod_{j != i} f_j(t) dt.
// The integrand has degree d - 1 for a path of d features: Gauss-Legendre with ceil(d / 2) points is exact, and
// polynomials are kept as values at those points, as in Linear TreeSHAP (Yu, Bifet, Read, Xu 2022), which
// interpolates them instead.
//
// One split on i at a time, without a division at run time. Let (o, r) be i's state above the split ((1, 1) when it
// is new), m whether the row goes to the first child, p that child's ratio, f = o t + r (1 - t), h = t / (t + r (1 -
// t)). The first child's factor divided by f is
//     g = (o m t + r p (1 - t)) / f = p + h c with c = o (m - p), and the second child's is 1 - g.
// Going down, G = quadrature weight * product of the factors: G_first = G g, G_second = G - G_first. Coming up, K =
// sum over the leaves below of w * (factors below): K = K_second + g E, E = K_first - K_second. Putting the two new
// states in the place of i's old one changes phi_i by
//     sum over points of (G / f) [(o m - r p) K_first + (o (1 - m) - r (1 - p)) K_second - (o - r) K]
//       = c * sum over points of a G E with a = r / (t + r (1 - t))^2 (1 when i is new).
// G and K are mixed with weights g in [0, 1], and a <= 1 / (4 t (1 - t)): no factor is divided out, and a repeated
// feature costs a look at the earlier split's c. The first child is the one with the smaller cover, whose share p
// thereby keeps its digits. Above 64 features on one path fewer than ceil(d / 2) points do (see `points_for`).
//
// No contraction to FMA and one order of operations: every level gives the same bits.
#include "shap_model.h"

#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

static float *block_values(void *scratch) { return scratch; }
static float *decided_values(const tally_shap *model, void *scratch) {
  return (float *)scratch + model->used_count * ROWS_PER_FEATURE * LANES;
}
static float *block_phi(const tally_shap *model, void *scratch) { return decided_values(model, scratch) + LANES; }
static float *partial_phi(const tally_shap *model, void *scratch) {
  return block_phi(model, scratch) + model->used_count * LANES;
}
static lanes *block_frames(const tally_shap *model, void *scratch) {
  return (lanes *)(partial_phi(model, scratch) + model->used_count * LANES);
}

static inline int goes_left(const tally_shap *model, float x, float threshold, int32_t set, int default_left) {
  if (x != x) return default_left;
  if (set < 0) return x < threshold;
  // libxgboost's common::Decision: what cannot be a category goes left.
  if (!(x >= 0) || x >= 16777216.0f) return 1;
  const uint32_t category = (uint32_t)x, first = model->set_first[set];
  if (category / 32 >= model->set_first[set + 1] - first) return 1;
  return !((model->set_words[first + category / 32] >> (category % 32)) & 1);
}

__attribute__((noinline)) static void decide(const tally_shap *model, const split *s, const float *values,
                                             float *decided) {
  const int32_t set = s->link & DECIDE_CATEGORY ? (int32_t)s->phi : -1;
  const int default_left = (s->link & DECIDE_DEFAULT_LEFT) != 0;
  for (int lane = 0; lane < LANES; lane++) {
    decided[lane] = goes_left(model, values[s->value + (uint32_t)lane], s->threshold, set, default_left) ? -1 : 1;
  }
}

#define INLINE static inline __attribute__((always_inline))

// Macros: a function that takes or gives vectors would need one ABI at all levels.
#define SPLAT(x) ((lanes)(float)(x))
#define EACH_POINT for (int q = 0; q < points; q++)

// The pieces of the operations. `seen` and `points` are constants at each call; `h` and `a` belong to the split.

INLINE void choose(const int seen, const split *s, const again *more, const float *values, const lanes *frames,
                   lanes *c) {
  *c = *(const lanes *)(values + s->value) < SPLAT(s->threshold) ? SPLAT(s->left) : SPLAT(s->right);
  if (seen) {
    const lanes earlier = frames[more->frame * FRAME_LANES + FRAME_C] * SPLAT(more->side);
    *c = earlier > SPLAT(0) ? *c : SPLAT(0);
  }
}

INLINE void pair(const int points, const int seen, const split *s, const float *h, const float *a, const lanes *c,
                 const lanes *down, lanes *up, float *phi) {
  lanes sum = seen ? SPLAT(a[0]) * down[0] : down[0];
  for (int q = 1; q < points; q++) sum += seen ? SPLAT(a[q]) * down[q] : down[q];
  EACH_POINT up[q] = SPLAT(s->base) + SPLAT(h[q]) * *c;
  *(lanes *)(phi + s->phi) += *c * sum;
}

// Joins the first child's K (`up_first`) and the second one's (`up`).
INLINE void join(const int points, const int seen, const split *s, const float *a, const lanes *c, const lanes *down,
                 const lanes *ratio, const lanes *up_first, lanes *up, float *phi) {
  lanes sum;
  EACH_POINT {
    const lanes difference = up_first[q] - up[q], part = down[q] * difference;
    const lanes scaled = seen ? SPLAT(a[q]) * part : part;
    sum = q == 0 ? scaled : sum + scaled;
    up[q] += ratio[q] * difference;
  }
  *(lanes *)(phi + s->phi) += *c * sum;
}

// A split and the pairs below it.
INLINE void twig(const int points, const int seen, const int leaf, const tally_shap *model, const pass *pass,
                 const split *s,
                 const float *values, const lanes *frames, lanes *frame, const lanes *down, lanes *up, float *phi) {
  const again *more[3];
  const float *h[3], *a[3];
  for (int i = 0; i < (leaf ? 2 : 3); i++) {
    more[i] = seen ? model->agains + s[i].link : NULL;
    h[i] = seen ? more[i]->h : pass->t;
    a[i] = seen ? more[i]->a : NULL;
  }
  lanes c, c_first, c_second, ratio[POINTS], down_first[POINTS], down_second[POINTS], up_first[POINTS];
  choose(seen, s, more[0], values, frames, &c);
  if (seen) frame[FRAME_C] = c;
  EACH_POINT {
    ratio[q] = SPLAT(s->base) + SPLAT(h[0][q]) * c;
    down_first[q] = down[q] * ratio[q];
    down_second[q] = down[q] - down_first[q];
  }
  // A pair's earlier split may be this one, from either side.
  choose(seen, s + 1, more[1], values, frames, &c_first);
  pair(points, seen, s + 1, h[1], a[1], &c_first, leaf == LEAF_FIRST ? down_second : down_first,
       leaf == LEAF_FIRST ? up : up_first, phi);
  if (leaf == LEAF_NOWHERE) {
    choose(seen, s + 2, more[2], values, frames, &c_second);
    pair(points, seen, s + 2, h[2], a[2], &c_second, down_second, up, phi);
  } else {
    EACH_POINT(leaf == LEAF_FIRST ? up_first : up)[q] = SPLAT(s->leaf);
  }
  join(points, seen, s, a[0], &c, down, ratio, up_first, up, phi);
}

INLINE void enter(const int points, const int seen, const int leaf, const split *s, const again *more, const float *h,
                  const float *values, const lanes *frames, lanes *frame, lanes *down) {
  lanes c;
  choose(seen, s, more, values, frames, &c);
  *(const split **)frame = s;
  frame[FRAME_C] = c;
  EACH_POINT {
    const lanes ratio = SPLAT(s->base) + SPLAT(h[q]) * c;
    frame[FRAME_G + q] = down[q];
    frame[FRAME_RATIO + q] = ratio;
    down[q] = leaf == LEAF_FIRST ? down[q] - down[q] * ratio : down[q] * ratio;
  }
}

INLINE void leave(const int points, const int seen, const int leaf, const tally_shap *model, const lanes *frame,
                  lanes *up,
                  float *phi) {
  const split *s = *(const split *const *)frame;
  const float *a = seen ? model->agains[s->link].a : NULL;
  lanes up_first[POINTS];
  EACH_POINT {
    up_first[q] = leaf == LEAF_FIRST ? SPLAT(s->leaf) : leaf == LEAF_SECOND ? up[q] : frame[FRAME_FIRST + q];
    if (leaf == LEAF_SECOND) up[q] = SPLAT(s->leaf);
  }
  join(points, seen, s, a, frame + FRAME_C, frame + FRAME_G, frame + FRAME_RATIO, up_first, up, phi);
}

// An operation's cases in `run`, new and again.
#define TWIG(operation, leaf, splits)                                                         \
  case operation:                                                                             \
    twig(points, 0, leaf, model, pass, s, values, frames, frame, down, up, phi);              \
    s += splits;                                                                              \
    break;                                                                                    \
  case operation##_AGAIN:                                                                     \
    twig(points, 1, leaf, model, pass, s, values, frames, frame, down, up, phi);              \
    s += splits;                                                                              \
    break;
#define ENTER(operation, leaf)                                                                \
  case operation:                                                                             \
    enter(points, 0, leaf, s++, NULL, pass->t, values, frames, frame, down);                  \
    frame += FRAME_LANES;                                                                     \
    break;                                                                                    \
  case operation##_AGAIN:                                                                     \
    more = model->agains + s->link;                                                           \
    enter(points, 1, leaf, s++, more, more->h, values, frames, frame, down);                  \
    frame += FRAME_LANES;                                                                     \
    break;
#define LEAVE(operation, leaf)                                                                \
  case operation: leave(points, 0, leaf, model, frame -= FRAME_LANES, up, phi); break;        \
  case operation##_AGAIN: leave(points, 1, leaf, model, frame -= FRAME_LANES, up, phi); break;

INLINE void run(const int points, const tally_shap *model, const pass *pass, const float *values, float *phi,
                lanes *frames) {
  const uint8_t *operation = model->operations + pass->operation;
  const split *s = model->splits + pass->split;
  const again *more;
  lanes down[POINTS], up[POINTS], c, *frame = frames + FRAME_LANES;
  frames[FRAME_C] = SPLAT(1);
  EACH_POINT {
    down[q] = SPLAT(pass->weight[q]);
    up[q] = SPLAT(0);
  }
  for (;;) {
    switch ((enum operation)*operation++) {
    case OP_END: return;
    case OP_DECIDE: decide(model, s++, values, decided_values(model, (void *)values)); break;
    case OP_PAIR:
      choose(0, s, NULL, values, frames, &c);
      pair(points, 0, s++, pass->t, NULL, &c, down, up, phi);
      break;
    case OP_PAIR_AGAIN:
      more = model->agains + s->link;
      choose(1, s, more, values, frames, &c);
      pair(points, 1, s++, more->h, more->a, &c, down, up, phi);
      break;
      TWIG(OP_QUAD, LEAF_NOWHERE, 3)
      TWIG(OP_TRIO, LEAF_SECOND, 2)
      TWIG(OP_LEAF_TRIO, LEAF_FIRST, 2)
      ENTER(OP_ENTER, LEAF_NOWHERE)
      ENTER(OP_LEAF_ENTER, LEAF_FIRST)
      LEAVE(OP_LEAVE, LEAF_NOWHERE)
      LEAVE(OP_STEM_LEAVE, LEAF_SECOND)
      LEAVE(OP_LEAF_LEAVE, LEAF_FIRST)
    case OP_TURN: {
      lanes *above = frame - FRAME_LANES;
      EACH_POINT {
        const lanes whole = above[FRAME_G + q];
        above[FRAME_FIRST + q] = up[q];
        down[q] = whole - whole * above[FRAME_RATIO + q];
      }
      break;
    }
    }
  }
}

// Passes whose contributions are summed before they are added to the total: keeps rounding errors small.
enum { PASSES_PER_SUM = 16 };

INLINE void run_group(const tally_shap *model, size_t group, void *scratch) {
  const float *values = block_values(scratch);
  float *total = block_phi(model, scratch), *phi = partial_phi(model, scratch);
  lanes *frames = block_frames(model, scratch);
  const size_t features = model->used_count;
  memset(total, 0, features * sizeof(lanes));
  memset(phi, 0, features * sizeof(lanes));
  const pass *begin = model->passes + model->group_pass[group], *end = model->passes + model->group_pass[group + 1];
  for (const pass *pass = begin; pass < end; pass++) {
    switch (pass->points) {
    case 1: run(1, model, pass, values, phi, frames); break;
    case 2: run(2, model, pass, values, phi, frames); break;
    case 3: run(3, model, pass, values, phi, frames); break;
    default: run(4, model, pass, values, phi, frames); break;
    }
    if ((pass - begin) % PASSES_PER_SUM == PASSES_PER_SUM - 1 || pass + 1 == end) {
      for (size_t u = 0; u < features; u++) {
        ((lanes *)total)[u] += ((const lanes *)phi)[u];
        ((lanes *)phi)[u] = SPLAT(0);
      }
    }
  }
}

static void run_portable(const tally_shap *model, size_t group, void *scratch) { run_group(model, group, scratch); }

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void run_avx2(const tally_shap *model, size_t group, void *scratch) {
  run_group(model, group, scratch);
}
__attribute__((target("avx2,avx512f,avx512dq,avx512bw,avx512vl")))
static void run_avx512(const tally_shap *model, size_t group, void *scratch) {
  run_group(model, group, scratch);
}
#endif

int tally_shap_supports(tally_shap_level level) {
  switch (level) {
  case TALLY_SHAP_PORTABLE: return 1;
#if defined(__x86_64__)
  case TALLY_SHAP_AVX2: return __builtin_cpu_supports("avx2") != 0;
  case TALLY_SHAP_AVX512:
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
#endif
  default: return 0;
  }
}

size_t tally_shap_scratch_bytes(const tally_shap *model) { return model->scratch_bytes; }

float tally_shap_expected(const tally_shap *model, size_t group) { return model->expected[group]; }

void tally_shap_load(const tally_shap *model, const float *rows, size_t stride, size_t count, void *scratch) {
  float *values = block_values(scratch);
  for (size_t lane = 0; lane < LANES; lane++) {
    const float *row = rows + (lane < count ? lane : 0) * stride;
    for (size_t u = 0; u < model->used_count; u++) {
      const float x = row[model->used[u]];
      float *at = values + u * ROWS_PER_FEATURE * LANES + lane;
      at[ROW_RIGHT * LANES] = x != x ? INFINITY : x;
      at[ROW_LEFT * LANES] = x != x ? -INFINITY : x;
      at[ROW_RAW * LANES] = x;
    }
  }
}

static void run_level(const tally_shap *model, tally_shap_level level, size_t group, void *scratch) {
  switch (level) {
#if defined(__x86_64__)
  case TALLY_SHAP_AVX512: run_avx512(model, group, scratch); return;
  case TALLY_SHAP_AVX2: run_avx2(model, group, scratch); return;
#endif
  default: run_portable(model, group, scratch); return;
  }
}

// The rows' ways are independent, so the processor overlaps them; a row that has reached its leaf stays there and
// adds 0.
static void walk_group(const tally_shap *model, size_t group, void *scratch) {
  const float *values = block_values(scratch);
  float *phi = block_phi(model, scratch);
  memset(phi, 0, model->used_count * LANES * sizeof(float));
  for (uint32_t i = model->group_root[group]; i < model->group_root[group + 1]; i++) {
    uint32_t at[LANES], moved;
    for (size_t lane = 0; lane < LANES; lane++) at[lane] = model->roots[i];
    do {
      moved = 0;
      for (size_t lane = 0; lane < LANES; lane++) {
        const walk_node *node = model->nodes + at[lane];
        const float x = values[node->value + lane];
        uint32_t left = (uint32_t)(x < node->threshold) | ((uint32_t)(x != x) & node->default_left);
        if (node->set >= 0) left = (uint32_t)goes_left(model, x, 0, node->set, (int)node->default_left);
        const uint32_t next = node->child[!left];
        phi[node->phi + lane] += model->nodes[next].mean - node->mean;
        moved |= next ^ at[lane];
        at[lane] = next;
      }
    } while (moved);
  }
}

// Spreads the used features' contributions to all columns.
static void write_block(const tally_shap *model, size_t group, void *scratch, float *block) {
  const float *phi = block_phi(model, scratch);
  memset(block, 0, model->columns * LANES * sizeof(float));
  for (size_t u = 0; u < model->used_count; u++) {
    memcpy(block + (size_t)model->used[u] * LANES, phi + u * LANES, LANES * sizeof(float));
  }
  for (size_t lane = 0; lane < LANES; lane++) block[model->columns * LANES + lane] = model->expected[group];
}

void tally_shap_group(const tally_shap *model, tally_shap_level level, size_t group, void *scratch, float *block) {
  run_level(model, level, group, scratch);
  write_block(model, group, scratch, block);
}

void tally_saabas_group(const tally_shap *model, size_t group, void *scratch, float *block) {
  walk_group(model, group, scratch);
  write_block(model, group, scratch, block);
}

static void write_rows(const tally_shap *model, size_t group, size_t count, void *scratch, float *contributions) {
  const float *phi = block_phi(model, scratch);
  for (size_t lane = 0; lane < count; lane++) {
    float *row = contributions + (lane * model->groups + group) * (model->columns + 1);
    memset(row, 0, model->columns * sizeof(float));
    for (size_t u = 0; u < model->used_count; u++) row[model->used[u]] = phi[u * LANES + lane];
    row[model->columns] = model->expected[group];
  }
}

void tally_shap_rows(const tally_shap *model, tally_shap_level level, const float *rows, size_t stride, size_t count,
                     void *scratch, float *contributions) {
  for (size_t row = 0; row < count; row += LANES) {
    const size_t some = count - row < LANES ? count - row : LANES;
    tally_shap_load(model, rows + row * stride, stride, some, scratch);
    for (size_t group = 0; group < model->groups; group++) {
      run_level(model, level, group, scratch);
      write_rows(model, group, some, scratch, contributions + row * model->groups * (model->columns + 1));
    }
  }
}

void tally_saabas_rows(const tally_shap *model, const float *rows, size_t stride, size_t count, void *scratch,
                       float *contributions) {
  for (size_t row = 0; row < count; row += LANES) {
    const size_t some = count - row < LANES ? count - row : LANES;
    tally_shap_load(model, rows + row * stride, stride, some, scratch);
    for (size_t group = 0; group < model->groups; group++) {
      walk_group(model, group, scratch);
      write_rows(model, group, some, scratch, contributions + row * model->groups * (model->columns + 1));
    }
  }
}

size_t tally_shap_top(const tally_shap *model, const float *block, size_t lane, size_t k, uint32_t *features,
                      float *values) {
  if (k > model->columns) k = model->columns;
  size_t kept = 0;
  for (size_t column = 0; column < model->columns && k > 0; column++) {
    const float value = block[column * LANES + lane];
    if (kept == k && !(fabsf(value) > fabsf(values[k - 1]))) continue;
    size_t at = kept < k ? kept++ : k - 1;
    for (; at > 0 && fabsf(value) > fabsf(values[at - 1]); at--) {
      values[at] = values[at - 1];
      features[at] = features[at - 1];
    }
    values[at] = value;
    features[at] = (uint32_t)column;
  }
  return kept;
}
