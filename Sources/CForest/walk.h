// One row at a time, without vectors.
#pragma once
#include "CForest.h"

// Adds the leaves of all trees for one row of ranks to `margins`, one for each group.
void tally_score_row_portable(const tally_forest *forest, const uint8_t *ranks, float *margins);
