// The dense trunk: Cholesky factor, triangular solves, inverse. Matrices are column-major, lower
// triangle; what is above the diagonal may be overwritten. Small ones by plain loops; medium ones by
// LAPACK, through the function pointers that SciPy exports (the extension links to nothing); large
// ones tile by tile with this package's threads around single-threaded BLAS.
#pragma once
#include <algorithm>
#include <vector>

#include "parallel.hpp"
#include "small.hpp"

namespace ml {

struct Lapack {
  using Potrf = void (*)(char*, int*, double*, int*, int*);
  using Trsm = void (*)(char*, char*, char*, char*, int*, int*, double*, double*, int*, double*, int*);
  using Gemm = void (*)(char*, char*, int*, int*, int*, double*, double*, int*, double*, int*, double*, double*, int*);
  Potrf potrf = nullptr;
  Potrf potri = nullptr;
  Trsm trsm = nullptr;
  Gemm gemm = nullptr;
};

inline Lapack& lapack() {
  static Lapack table;
  return table;
}

// Below this size plain loops beat the call (and SciPy need not be loaded).
constexpr int kSmallDense = 48;
// From this size on the work is cut into tiles.
constexpr int kTiled = 400;
constexpr int kTile = 128;

// C += alpha op(A) op(B) by BLAS.
inline void blas_gemm(bool ta, bool tb, int m, int n, int k, double alpha, const double* A, int lda, const double* B,
                      int ldb, double beta, double* C, int ldc) {
  char a = ta ? 'T' : 'N', b = tb ? 'T' : 'N';
  lapack().gemm(&a, &b, &m, &n, &k, &alpha, const_cast<double*>(A), &lda, const_cast<double*>(B), &ldb, &beta, C, &ldc);
}

inline void blas_trsm(char side, char transpose, int m, int n, const double* L, int ldl, double* B, int ldb) {
  char lo = 'L', non = 'N';
  double one = 1;
  lapack().trsm(&side, &lo, &transpose, &non, &m, &n, &one, const_cast<double*>(L), &ldl, B, &ldb);
}

// Right-looking Cholesky factorisation by tiles.
inline bool tiled_cholesky(double* a, int n, int threads) {
  auto at = [&](int i, int j) { return a + i + idx(j) * n; };
  const int tiles = (n + kTile - 1) / kTile;
  for (int t = 0; t < tiles; ++t) {
    const int j = t * kTile, nb = std::min(kTile, n - j), rest = tiles - t - 1;
    char lo = 'L';
    int size = nb, ld = n, info = 0;
    lapack().potrf(&lo, &size, at(j, j), &ld, &info);
    if (info) return false;
    parallel_for(rest, threads, [&](int r) {
      const int i = (t + 1 + r) * kTile, mb = std::min(kTile, n - i);
      blas_trsm('R', 'T', mb, nb, at(j, j), n, at(i, j), n);
    });
    parallel_for(rest * (rest + 1) / 2, threads, [&](int q) {
      int c = 0;  // column c of the remaining tiles has rest - c tiles
      while (q >= rest - c) q -= rest - c++;
      const int l = (t + 1 + c) * kTile, i = (t + 1 + c + q) * kTile;
      blas_gemm(false, true, std::min(kTile, n - i), std::min(kTile, n - l), nb, -1, at(i, j), n, at(l, j), n, 1,
                at(i, l), n);
    });
  }
  return true;
}

// (L L')^-1 by tiles, in place: first X = L^-1 from the last tile column, then X'X.
inline void tiled_inverse(double* a, int n, int threads) {
  auto at = [&](int i, int j) { return a + i + idx(j) * n; };
  const int tiles = (n + kTile - 1) / kTile;
  std::vector<double> panel(idx(n) * kTile);
  for (int t = tiles - 1; t >= 0; --t) {
    const int j = t * kTile, nb = std::min(kTile, n - j), below = n - j - nb;
    for (int c = 0; c < nb; ++c) std::copy_n(at(j + nb, j + c), below, panel.data() + idx(c) * n);
    std::vector<double> inverse(idx(nb) * nb, 0.0);  // of the diagonal tile
    for (int c = 0; c < nb; ++c) inverse[c + idx(c) * nb] = 1;
    blas_trsm('L', 'N', nb, nb, at(j, j), n, inverse.data(), nb);
    parallel_for(tiles - t - 1, threads, [&](int r) {  // X_ij = -(sum_l X_il L_lj) X_jj
      const int i = (t + 1 + r) * kTile, mb = std::min(kTile, n - i), depth = i + mb - j - nb;
      thread_local std::vector<double> sum;
      sum.assign(idx(mb) * nb, 0.0);
      blas_gemm(false, false, mb, nb, depth, 1, at(i, j + nb), n, panel.data(), n, 0, sum.data(), mb);
      blas_gemm(false, false, mb, nb, nb, -1, sum.data(), mb, inverse.data(), nb, 0, at(i, j), n);
    });
    for (int c = 0; c < nb; ++c)
      for (int r = 0; r < nb; ++r) *at(j + r, j + c) = r >= c ? inverse[r + idx(c) * nb] : 0;
  }
  for (int t = 0; t < tiles; ++t) {
    const int j = t * kTile, nb = std::min(kTile, n - j);
    parallel_for(tiles - t, threads, [&](int r) {  // S_ij = sum_{l >= i} X_li' X_lj
      const int i = (t + r) * kTile, mb = std::min(kTile, n - i);
      blas_gemm(true, false, mb, nb, n - i, 1, at(i, i), n, at(i, j), n, 0, panel.data() + i, n);
    });
    for (int c = 0; c < nb; ++c) std::copy_n(panel.data() + j + idx(c) * n, n - j, at(j, j + c));
  }
}

inline bool dense_cholesky(double* a, int n, int threads) {
  if (n <= kSmallDense) {
    for (int j = 0; j < n; ++j) {
      for (int l = 0; l < j; ++l) {
        const double f = a[j + idx(l) * n];
        for (int i = j; i < n; ++i) a[i + idx(j) * n] -= f * a[i + idx(l) * n];
      }
      double d = a[j + idx(j) * n];
      if (!(d > 0)) return false;
      d = std::sqrt(d);
      const double inv = 1 / d;
      a[j + idx(j) * n] = d;
      for (int i = j + 1; i < n; ++i) a[i + idx(j) * n] *= inv;
    }
    return true;
  }
  if (n >= kTiled) return tiled_cholesky(a, n, threads);
  char lo = 'L';
  int info = 0;
  lapack().potrf(&lo, &n, a, &n, &info);
  return info == 0;
}

// B (n x m, column-major) <- L^-1 B or L^-T B.
inline void dense_solve(const double* L, int n, double* B, int m, bool transpose) {
  if (n <= kSmallDense) {
    for (int c = 0; c < m; ++c) {
      double* b = B + idx(c) * n;
      if (!transpose) {
        for (int j = 0; j < n; ++j) {
          b[j] /= L[j + idx(j) * n];
          for (int i = j + 1; i < n; ++i) b[i] -= b[j] * L[i + idx(j) * n];
        }
      } else {
        for (int j = n - 1; j >= 0; --j) {
          double s = b[j];
          for (int i = j + 1; i < n; ++i) s -= L[i + idx(j) * n] * b[i];
          b[j] = s / L[j + idx(j) * n];
        }
      }
    }
    return;
  }
  blas_trsm('L', transpose ? 'T' : 'N', n, m, L, n, B, n);
}

// Lower triangle of (L L')^-1 in place of L.
inline void dense_inverse(double* a, int n, int threads) {
  if (n <= kSmallDense) {
    for (int j = 0; j < n; ++j) {  // a <- L^-1
      a[j + idx(j) * n] = 1 / a[j + idx(j) * n];
      for (int i = j + 1; i < n; ++i) {
        double s = 0;
        for (int l = j; l < i; ++l) s -= a[i + idx(l) * n] * a[l + idx(j) * n];
        a[i + idx(j) * n] = s / a[i + idx(i) * n];
      }
    }
    for (int j = 0; j < n; ++j)  // a <- L^-T L^-1
      for (int i = j; i < n; ++i) {
        double s = 0;
        for (int l = i; l < n; ++l) s += a[l + idx(i) * n] * a[l + idx(j) * n];
        a[i + idx(j) * n] = s;
      }
    return;
  }
  if (n >= kTiled) return tiled_inverse(a, n, threads);
  char lo = 'L';
  int info = 0;
  lapack().potri(&lo, &n, a, &n, &info);
}

}  // namespace ml
