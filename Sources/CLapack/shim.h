// What Tally calls of LAPACK and BLAS, by their Fortran names: lapack.h has the same among a thousand others, some of complex numbers,
// which Swift cannot import. Whole numbers are 32 bits; the lengths of texts come last, as gfortran passes them.
#include <stddef.h>

// Eigenvalues, ascending, and eigenvectors (in a) of a symmetric matrix. https://netlib.org/lapack/explore-html, dsyevd
void dsyevd_(
    const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
    const int *lwork, int *iwork, const int *liwork, int *info, size_t jobz_length, size_t uplo_length);

// c = alpha a aᵀ + beta c, one triangle of it.
void dsyrk_(
    const char *uplo, const char *trans, const int *n, const int *k, const double *alpha, const double *a,
    const int *lda, const double *beta, double *c, const int *ldc, size_t uplo_length, size_t trans_length);
