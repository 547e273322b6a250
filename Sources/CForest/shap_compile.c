// Checks trees and writes them down as lists of operations; the mathematics stands in shap.c.
//
// Nothing recurses: a tree may be as deep as it has nodes.
#include "shap_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

// Stands for the offset of decisions' results, which is known at the end.
#define DECIDED UINT32_MAX

// An array that grows; `status` of the compiler tells when it could not.
typedef struct buffer {
  char *bytes;
  size_t count, capacity;
} buffer;

typedef struct source {
  const int32_t *left, *right, *feature, *category_set;
  const float *value, *cover;
  const uint8_t *default_left;
} source;

// A node's turn in the depth-first order.
typedef struct event {
  uint32_t node;
  uint32_t turn;  // 0 enter, 1 to the second child, 2 leave
} event;

// What a path knows of a feature.
typedef struct state {
  double ratio;    // r
  uint32_t frame;  // of its last split, plus 1; 0: none
  float side;
} state;

typedef struct compiler {
  tally_shap_status status;
  size_t columns;
  uint32_t *slot;  // by column: its place among the used ones, plus 1
  state *states;   // by column
  // By node of the largest tree.
  event *events;
  uint32_t *stack;
  double *means, *ratios;  // mean below; the first child's share of the cover
  uint8_t *seen;
  state *saved;
  size_t event_count, frames;
  buffer used, passes, splits, operations, agains, nodes, roots;
} compiler;

static void *append(compiler *c, buffer *b, const void *item, size_t size, size_t count) {
  if (c->status) return NULL;
  if (b->count + count > UINT32_MAX / 64) {
    c->status = TALLY_SHAP_SIZE;
    return NULL;
  }
  if (b->count + count > b->capacity) {
    size_t capacity = b->capacity ? b->capacity * 2 : 256;
    while (capacity < b->count + count) capacity *= 2;
    char *bytes = realloc(b->bytes, capacity * size);
    if (!bytes) {
      c->status = TALLY_SHAP_MEMORY;
      return NULL;
    }
    b->bytes = bytes;
    b->capacity = capacity;
  }
  void *at = b->bytes + b->count * size;
  memcpy(at, item, size * count);
  b->count += count;
  return at;
}

static uint32_t slot_of(compiler *c, int32_t column) {
  if (!c->slot[column]) {
    const uint32_t value = (uint32_t)column;
    append(c, &c->used, &value, sizeof value, 1);
    c->slot[column] = (uint32_t)c->used.count;
  }
  return c->slot[column] - 1;
}

static int is_leaf(const source *s, uint32_t node) { return s->left[node] < 0; }

// The child that p and c count from: the one with the smaller cover, because what is computed as 1 - p is exact only to
// a rounding of 1, and a rare leaf's value may be as large as its share of the cover is small.
static uint32_t first_child(const source *s, uint32_t node) {
  const uint32_t left = (uint32_t)s->left[node], right = (uint32_t)s->right[node];
  return s->cover[right] < s->cover[left] ? right : left;
}
static uint32_t second_child(const source *s, uint32_t node) {
  return first_child(s, node) == (uint32_t)s->left[node] ? (uint32_t)s->right[node] : (uint32_t)s->left[node];
}

// Points that integrate a path of `features` features: exact up to 64. Beyond, the integrand is a sum of Bernstein
// polynomials of degree features - 1 with weights in [0, 1]; their bumps are about 1 / sqrt(features) wide, and
// narrower only at the ends, where the points lie densest. With this many points the errors of all of them together
// stay below 1e-9 (computed up to 10,000 features).
static uint32_t points_for(uint32_t features) {
  const uint32_t exact = (features + 1) / 2;
  if (features <= 64) return exact;
  uint64_t more = 24;  // 3 * sqrt(features - 64) rounded up, at least 24
  while (more * more < 9 * ((uint64_t)features - 64)) more++;
  return 32 + more < exact ? 32 + (uint32_t)more : exact;
}

// cos(pi * turn) for turn in [0, 1]: libm's differ between machines.
static double cosine_of_half_turns(double turn) {
  const double x = 3.14159265358979323846 * (0.5 - turn);  // its sine
  double term = x, sum = x;
  for (int k = 2; k < 24; k += 2) {
    term *= -x * x / (k * (k + 1.0));
    sum += term;
  }
  return sum;
}

// Zeros and weights of the Legendre polynomial of degree n, moved to [0, 1], by Newton's iteration from Tricomi's
// guess.
static void gauss_legendre(uint32_t n, double *t, double *weight) {
  for (uint32_t i = 0; i < n; i++) {
    double x = cosine_of_half_turns((i + 0.75) / (n + 0.5)), slope = 1;
    for (int step = 0; step < 8; step++) {
      double before = 1, now = x;
      for (uint32_t k = 2; k <= n; k++) {
        const double after = ((2.0 * k - 1) * x * now - (k - 1.0) * before) / k;
        before = now;
        now = after;
      }
      slope = n * (x * now - before) / (x * x - 1);
      x -= now / slope;
    }
    t[i] = 0.5 + 0.5 * x;
    weight[i] = 1 / ((1 - x * x) * slope * slope);
  }
}

// Fills `events`, depth first, and checks the tree. Children must be inside it and have one parent each.
static void order(compiler *c, const source *s, uint32_t count, size_t set_count) {
  memset(c->seen, 0, count);
  size_t height = 0;
  c->event_count = 0;
  c->stack[height++] = 0;
  c->seen[0] = 1;
  // The stack holds node * 4 + turn; a node's later turns lie below its children.
  while (height) {
    const uint32_t node = c->stack[height - 1] / 4, turn = c->stack[height - 1] % 4;
    height--;
    if (turn == 0 && is_leaf(s, node)) {
      if (!isfinite(s->value[node]) || !isfinite(s->cover[node]) || s->cover[node] < 0) c->status = TALLY_SHAP_INVALID;
      if (c->status) return;
      continue;
    }
    if (turn == 0) {
      const int32_t left = s->left[node], right = s->right[node];
      if (right < 0 || (uint32_t)left >= count || (uint32_t)right >= count || left == right || c->seen[left] ||
          c->seen[right] ||
          s->feature[node] < 0 || (size_t)s->feature[node] >= c->columns || s->category_set[node] < -1 ||
          (s->category_set[node] >= 0 && (size_t)s->category_set[node] >= set_count) || !isfinite(s->cover[node]) ||
          s->cover[node] < 0) {
        c->status = TALLY_SHAP_INVALID;
        return;
      }
      c->seen[left] = c->seen[right] = 1;
    }
    c->events[c->event_count++] = (event){node, turn};
    if (turn < 2) {
      c->stack[height++] = node * 4 + turn + 1;
      c->stack[height++] = (turn == 0 ? first_child(s, node) : second_child(s, node)) * 4;
    }
  }
}

// Means and ratios from the bottom; checks the covers. Returns the root's mean.
static double weigh(compiler *c, const source *s) {
  if (c->event_count == 0) return c->means[0] = s->value[0];
  for (size_t i = 0; i < c->event_count; i++) {
    if (c->events[i].turn != 2) continue;
    const uint32_t node = c->events[i].node, first = first_child(s, node), second = second_child(s, node);
    if (is_leaf(s, first)) c->means[first] = s->value[first];
    if (is_leaf(s, second)) c->means[second] = s->value[second];
    const double cover = s->cover[node], below = (double)s->cover[first] + s->cover[second];
    if (below - cover > 1e-3 * below || cover - below > 1e-3 * cover) c->status = TALLY_SHAP_COVER;
    // At most a half; kept off 0, so that c's sign tells the way.
    const double ratio = below > 0 ? s->cover[first] / below : 0.5;
    c->ratios[node] = (float)(ratio > 0x1p-60 ? ratio : 0x1p-60);
    c->means[node] = c->ratios[node] * c->means[first] + (1 - c->ratios[node]) * c->means[second];
  }
  return c->means[0];
}

// Most features on one path, and most frames.
static uint32_t widest_path(compiler *c, const source *s) {
  uint32_t features = 0, widest = 0;
  size_t level = 0;
  for (size_t i = 0; i < c->event_count; i++) {
    state *state = c->states + s->feature[c->events[i].node];
    if (c->events[i].turn == 0) {
      c->saved[level++] = *state;
      if (!state->frame) features++;
      state->frame = (uint32_t)level;
      if (features > widest) widest = features;
      if (level > c->frames) c->frames = level;
    } else if (c->events[i].turn == 2) {
      *state = c->saved[--level];
      if (!state->frame) features--;
    }
  }
  return widest;
}

static void emit_operation(compiler *c, int operation) {
  append(c, &c->operations, &(uint8_t){(uint8_t)operation}, 1, 1);
}

// Also a threshold that the missing values' infinities do not lie on the right side of.
static int is_special(const source *s, uint32_t node) {
  return s->category_set[node] >= 0 || !(s->value[node] > -INFINITY);
}

static int is_pair(const source *s, uint32_t node) {
  return !is_leaf(s, node) && is_leaf(s, (uint32_t)s->left[node]) && is_leaf(s, (uint32_t)s->right[node]);
}

// A split that is done together with the pairs below it.
static int is_twig(const source *s, uint32_t node) {
  if (is_special(s, node) || is_pair(s, node)) return 0;
  for (int i = 0; i < 2; i++) {
    const uint32_t child = (uint32_t)(i == 0 ? s->left[node] : s->right[node]);
    if (!is_leaf(s, child) && (!is_pair(s, child) || is_special(s, child))) return 0;
  }
  return 1;
}

static void emit_decision(compiler *c, const source *s, uint32_t node) {
  const int category = s->category_set[node] >= 0;
  const split decision = {.threshold = s->value[node],
                          .value = (slot_of(c, s->feature[node]) * ROWS_PER_FEATURE + ROW_RAW) * LANES,
                          .phi = category ? (uint32_t)s->category_set[node] : 0,
                          .link = (s->default_left[node] ? DECIDE_DEFAULT_LEFT : 0) | (category ? DECIDE_CATEGORY : 0)};
  append(c, &c->splits, &decision, sizeof decision, 1);
  emit_operation(c, OP_DECIDE);
}

static void emit_again(compiler *c, const pass *p, const state *above) {
  again more = {.frame = above->frame, .side = above->frame ? above->side : 1};
  for (uint32_t q = 0; q < p->points; q++) {
    const double t = p->t[q], r = above->frame ? above->ratio : 1, f = t + r * (1 - t);
    more.h[q] = (float)(t / f);
    more.a[q] = (float)(r / (f * f));
  }
  append(c, &c->agains, &more, sizeof more, 1);
}

// `fresh`: offset of the coefficients of a new feature.
static void emit_split(compiler *c, const source *s, const pass *p, uint32_t fresh, uint32_t node) {
  const state *above = c->states + s->feature[node];
  const uint32_t slot = slot_of(c, s->feature[node]), first = first_child(s, node), second = second_child(s, node);
  const int swapped = first != (uint32_t)s->left[node];
  const double ratio = c->ratios[node], mean = c->means[node];
  split out = {.threshold = s->value[node],
               .value = (slot * ROWS_PER_FEATURE + (s->default_left[node] ? ROW_LEFT : ROW_RIGHT)) * LANES,
               .phi = slot * LANES,
               .link = fresh};
  if (is_special(s, node)) {
    emit_decision(c, s, node);
    out.threshold = 0;
    out.value = DECIDED;
  }
  if (is_pair(s, node)) {
    out.base = (float)mean;
    out.left = (float)(s->value[s->left[node]] - mean);
    out.right = (float)(s->value[s->right[node]] - mean);
  } else {
    out.base = (float)ratio;
    out.left = (float)(swapped ? -ratio : 1 - ratio);
    out.right = (float)(swapped ? 1 - ratio : -ratio);
    out.leaf = is_leaf(s, first) ? s->value[first] : is_leaf(s, second) ? s->value[second] : 0;
  }
  if (above->frame) {
    out.link = (uint32_t)c->agains.count;
    emit_again(c, p, above);
  }
  append(c, &c->splits, &out, sizeof out, 1);
}

// The operations of one pass.
static void emit_pass(compiler *c, const source *s, pass *p) {
  p->operation = (uint32_t)c->operations.count;
  p->split = (uint32_t)c->splits.count;
  const uint32_t fresh = (uint32_t)c->agains.count;
  emit_again(c, p, &(state){0});
  size_t level = 0;
  uint32_t inside = UINT32_MAX;  // the twig whose operation is being put together
  int seen = 0;
  for (size_t i = 0; i < c->event_count && !c->status; i++) {
    const uint32_t node = c->events[i].node;
    state *state = c->states + s->feature[node];
    // The feature's state above this split.
    const struct state *before = c->events[i].turn == 0 ? state : &c->saved[level - 1];
    const double above = before->frame ? before->ratio : 1;
    const int pair = is_pair(s, node);
    const int leaf = is_leaf(s, first_child(s, node))    ? LEAF_FIRST
                     : is_leaf(s, second_child(s, node)) ? LEAF_SECOND
                                                         : LEAF_NOWHERE;
    switch (c->events[i].turn) {
    case 0:
      seen |= state->frame != 0;
      if (inside == UINT32_MAX) {
        seen = state->frame != 0;
        if (is_twig(s, node)) inside = node;
      }
      emit_split(c, s, p, fresh, node);
      if (inside == UINT32_MAX) {
        emit_operation(c, (pair ? OP_PAIR : leaf == LEAF_FIRST ? OP_LEAF_ENTER : OP_ENTER) + seen);
      }
      c->saved[level++] = *state;
      *state = (struct state){above * c->ratios[node], (uint32_t)level, 1};
      break;
    case 1:
      *state = (struct state){above * (1 - c->ratios[node]), (uint32_t)level, -1};
      if (inside == UINT32_MAX && !pair && leaf == LEAF_NOWHERE) emit_operation(c, OP_TURN);
      break;
    default:
      *state = c->saved[--level];
      if (inside == node) {
        emit_operation(c, (leaf == LEAF_NOWHERE ? OP_QUAD : leaf == LEAF_SECOND ? OP_TRIO : OP_LEAF_TRIO) + seen);
        inside = UINT32_MAX;
      } else if (inside == UINT32_MAX && !pair) {
        const int operation = leaf == LEAF_NOWHERE ? OP_LEAVE : leaf == LEAF_SECOND ? OP_STEM_LEAVE : OP_LEAF_LEAVE;
        emit_operation(c, operation + (state->frame != 0));
      }
    }
  }
  emit_operation(c, OP_END);
  append(c, &c->passes, p, sizeof *p, 1);
}

// Splits the points over passes of at most four.
static void emit_passes(compiler *c, const source *s) {
  const uint32_t points = points_for(widest_path(c, s)), passes = (points + POINTS - 1) / POINTS;
  double *t = malloc(2 * sizeof(double) * points);
  if (!t) {
    c->status = TALLY_SHAP_MEMORY;
    return;
  }
  gauss_legendre(points, t, t + points);
  for (uint32_t i = 0; i < passes && !c->status; i++) {
    const uint32_t begin = points * i / passes, end = points * (i + 1) / passes;
    pass p = {.points = end - begin};
    for (uint32_t q = begin; q < end; q++) {
      p.t[q - begin] = (float)t[q];
      p.weight[q - begin] = (float)t[points + q];
    }
    emit_pass(c, s, &p);
  }
  free(t);
}

static void emit_walk(compiler *c, const source *s, uint32_t count) {
  const uint32_t root = (uint32_t)c->nodes.count;
  append(c, &c->roots, &root, sizeof root, 1);
  for (uint32_t node = 0; node < count && !c->status; node++) {
    walk_node out = {.mean = c->seen[node] ? (float)c->means[node] : 0, .child = {root + node, root + node}, .set = -1};
    if (c->seen[node] && !is_leaf(s, node)) {
      const uint32_t slot = slot_of(c, s->feature[node]);
      out.threshold = s->value[node];
      out.child[0] = root + (uint32_t)s->left[node];
      out.child[1] = root + (uint32_t)s->right[node];
      out.value = (slot * ROWS_PER_FEATURE + ROW_RAW) * LANES;
      out.phi = slot * LANES;
      out.set = s->category_set[node];
      out.default_left = s->default_left[node] != 0;
    }
    append(c, &c->nodes, &out, sizeof out, 1);
  }
}

static size_t aligned(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

// Moves everything into one allocation.
static tally_shap *assemble(compiler *c, size_t groups, const double *expected, const uint32_t *group_pass,
                            const uint32_t *group_root, size_t set_count, const uint32_t *set_first,
                            const uint32_t *set_words) {
  const size_t words = set_count ? set_first[set_count] : 0;
  const struct part {
    const void *bytes;
    size_t size;
  } parts[] = {
      {c->used.bytes, c->used.count * sizeof(uint32_t)},
      {NULL, groups * sizeof(float)},
      {group_pass, (groups + 1) * sizeof(uint32_t)},
      {group_root, (groups + 1) * sizeof(uint32_t)},
      {c->roots.bytes, c->roots.count * sizeof(uint32_t)},
      {c->passes.bytes, c->passes.count * sizeof(pass)},
      {c->splits.bytes, c->splits.count * sizeof(split)},
      {c->operations.bytes, c->operations.count},
      {c->agains.bytes, c->agains.count * sizeof(again)},
      {c->nodes.bytes, c->nodes.count * sizeof(walk_node)},
      {set_first, set_count ? (set_count + 1) * sizeof(uint32_t) : 0},
      {set_words, words * sizeof(uint32_t)},
  };
  enum { PARTS = sizeof parts / sizeof parts[0] };
  size_t total = aligned(sizeof(tally_shap));
  for (int i = 0; i < PARTS; i++) total += aligned(parts[i].size);
  char *memory = aligned_alloc(64, total);
  if (!memory) return NULL;
  const char *at[PARTS];
  size_t offset = aligned(sizeof(tally_shap));
  for (int i = 0; i < PARTS; i++) {
    at[i] = memory + offset;
    if (parts[i].bytes && parts[i].size) memcpy(memory + offset, parts[i].bytes, parts[i].size);
    offset += aligned(parts[i].size);
  }
  for (size_t g = 0; g < groups; g++) ((float *)at[1])[g] = (float)expected[g];
  const size_t decided = c->used.count * ROWS_PER_FEATURE * LANES;
  split *splits = (split *)at[6];
  for (size_t i = 0; i < c->splits.count; i++) {
    if (splits[i].value == DECIDED) splits[i].value = (uint32_t)decided;
  }
  tally_shap *model = (tally_shap *)memory;
  *model = (tally_shap){
      .columns = c->columns,
      .groups = groups,
      .used_count = c->used.count,
      .frames = c->frames,
      .scratch_bytes = (decided + LANES + 2 * c->used.count * LANES) * sizeof(float) +
                       (c->frames + 1) * FRAME_LANES * sizeof(lanes),
      .used = (const uint32_t *)at[0],
      .expected = (const float *)at[1],
      .group_pass = (const uint32_t *)at[2],
      .group_root = (const uint32_t *)at[3],
      .roots = (const uint32_t *)at[4],
      .passes = (const pass *)at[5],
      .splits = splits,
      .operations = (const uint8_t *)at[7],
      .agains = (const again *)at[8],
      .nodes = (const walk_node *)at[9],
      .set_first = (const uint32_t *)at[10],
      .set_words = (const uint32_t *)at[11],
  };
  return model;
}

tally_shap_status tally_shap_compile(size_t columns, size_t groups, size_t tree_count, const uint32_t *tree_first,
                                     const uint32_t *tree_group, const int32_t *left, const int32_t *right,
                                     const int32_t *feature, const float *value, const uint8_t *default_left,
                                     const float *cover, const int32_t *category_set, size_t set_count,
                                     const uint32_t *set_first, const uint32_t *set_words, tally_shap **model) {
  *model = NULL;
  if (columns > UINT32_MAX / 256 || groups > UINT32_MAX / 256 || tree_count > UINT32_MAX / 256) return TALLY_SHAP_SIZE;
  size_t largest = 1;
  for (size_t t = 0; t < tree_count; t++) {
    if (tree_first[t + 1] <= tree_first[t] || tree_group[t] >= groups) return TALLY_SHAP_INVALID;
    const size_t count = tree_first[t + 1] - tree_first[t];
    if (count > UINT32_MAX / 64) return TALLY_SHAP_SIZE;
    if (count > largest) largest = count;
  }
  if (tree_count && tree_first[0] != 0) return TALLY_SHAP_INVALID;
  if (set_count > UINT32_MAX / 64) return TALLY_SHAP_SIZE;
  for (size_t i = 0; i < set_count; i++) {
    if (set_first[i + 1] < set_first[i]) return TALLY_SHAP_INVALID;
  }
  compiler c = {.columns = columns};
  c.slot = calloc(columns + 1, sizeof *c.slot);
  c.states = calloc(columns + 1, sizeof *c.states);
  c.events = malloc(3 * largest * sizeof *c.events);
  c.stack = malloc(2 * (largest + 1) * sizeof *c.stack);
  c.means = malloc(largest * sizeof *c.means);
  c.ratios = malloc(largest * sizeof *c.ratios);
  c.seen = malloc(largest);
  c.saved = malloc(largest * sizeof *c.saved);
  double *expected = calloc(groups + 1, sizeof *expected);
  uint32_t *group_pass = calloc(groups + 1, sizeof *group_pass), *group_root = calloc(groups + 1, sizeof *group_root);
  uint32_t *by_group = malloc((tree_count + 1) * sizeof *by_group), *placed = calloc(groups + 1, sizeof *placed);
  if (!c.slot || !c.states || !c.events || !c.stack || !c.means || !c.ratios || !c.seen || !c.saved || !expected ||
      !group_pass || !group_root || !by_group || !placed) {
    c.status = TALLY_SHAP_MEMORY;
  }
  // Trees by group, in their order.
  for (size_t t = 0; t < tree_count && !c.status; t++) group_root[tree_group[t] + 1]++;
  for (size_t g = 0; g < groups && !c.status; g++) group_root[g + 1] += group_root[g];
  for (size_t t = 0; t < tree_count && !c.status; t++) {
    const size_t g = tree_group[t];
    by_group[group_root[g] + placed[g]++] = (uint32_t)t;
  }
  for (size_t i = 0; i < tree_count && !c.status; i++) {
    const size_t t = by_group[i], at = tree_first[t], g = tree_group[t];
    const uint32_t count = tree_first[t + 1] - tree_first[t];
    const source s = {.left = left + at,
                      .right = right + at,
                      .feature = feature + at,
                      .category_set = category_set + at,
                      .value = value + at,
                      .cover = cover + at,
                      .default_left = default_left + at};
    order(&c, &s, count, set_count);
    if (!c.status) expected[g] += weigh(&c, &s);
    if (!c.status && c.event_count) emit_passes(&c, &s);
    if (!c.status) emit_walk(&c, &s, count);
    group_pass[g + 1] = (uint32_t)c.passes.count;
  }
  // Groups without trees.
  for (size_t g = 0; g < groups && !c.status; g++) {
    if (group_pass[g + 1] < group_pass[g]) group_pass[g + 1] = group_pass[g];
  }
  if (!c.status) {
    *model = assemble(&c, groups, expected, group_pass, group_root, set_count, set_first, set_words);
    if (!*model) c.status = TALLY_SHAP_MEMORY;
  }
  void *const owned[] = {c.slot,         c.states,       c.events,           c.stack,        c.means,       c.ratios,
                         c.seen,         c.saved,        expected,           group_pass,     group_root,    by_group,
                         placed,         c.used.bytes,   c.passes.bytes,     c.splits.bytes, c.agains.bytes,
                         c.operations.bytes, c.nodes.bytes, c.roots.bytes};
  for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) free(owned[i]);
  return c.status;
}

void tally_shap_free(tally_shap *model) { free(model); }
