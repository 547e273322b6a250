// Which kernel scores.
#include "avx512.h"
#include "lanes.h"
#include "walk.h"

void tally_score_row(const tally_forest *forest, tally_kernel kernel, const uint8_t *ranks, float *margins) {
#if defined(__x86_64__)
  if (kernel == TALLY_KERNEL_AVX512) {
    tally_score_row_avx512(forest, ranks, margins);
    return;
  }
#endif
  (void)kernel;
  tally_score_row_portable(forest, ranks, margins);
}

void tally_score_rows(const tally_forest *forest, tally_kernel kernel, const uint8_t *ranks, const uint8_t *lanes,
                      size_t count, float *margins) {
#if defined(__x86_64__)
  if (kernel == TALLY_KERNEL_AVX512) {
    tally_score_rows_avx512(forest, ranks, lanes, count, margins);
    return;
  }
  if (kernel == TALLY_KERNEL_AVX2) {
    tally_score_rows_avx2(forest, ranks, lanes, count, margins);
    return;
  }
#endif
  (void)kernel;
  tally_score_rows_portable(forest, ranks, lanes, count, margins);
}
