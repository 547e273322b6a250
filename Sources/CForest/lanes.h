// Many rows at once, one a lane, for vectors of 16 and 32 bytes.
#pragma once
#include "CForest.h"

void tally_score_rows_portable(const tally_forest *forest, const uint8_t *ranks, const uint8_t *lanes, size_t count,
                               float *margins);
#if defined(__x86_64__)
void tally_score_rows_avx2(const tally_forest *forest, const uint8_t *ranks, const uint8_t *lanes, size_t count,
                           float *margins);
#endif
