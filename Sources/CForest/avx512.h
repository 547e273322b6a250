// The kernels for processors with AVX-512 VBMI.
#pragma once
#include "CForest.h"

#if defined(__x86_64__)
void tally_score_row_avx512(const tally_forest *forest, const uint8_t *ranks, float *margins);
void tally_score_rows_avx512(const tally_forest *forest, const uint8_t *ranks, const uint8_t *lanes, size_t count,
                             float *margins);
#endif
