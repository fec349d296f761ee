// LAPACK and BLAS for the dense trunk, by the function pointers that SciPy exports: the extension
// links to nothing. Matrices are column-major, lower triangle.
#pragma once
#include <stdexcept>

#include "small.hpp"

namespace ml {

struct Lapack {
  using Potrf = void (*)(char*, int*, double*, int*, int*);
  using Trsm = void (*)(char*, char*, char*, char*, int*, int*, double*, double*, int*, double*, int*);
  Potrf potrf = nullptr;
  Potrf potri = nullptr;
  Trsm trsm = nullptr;
};

inline Lapack& lapack() {
  static Lapack table;
  return table;
}

// Below this size plain loops beat the call (and SciPy need not be loaded).
constexpr int kSmallDense = 48;

inline bool dense_cholesky(double* a, int n) {
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
  char left = 'L', lo = 'L', tr = transpose ? 'T' : 'N', non = 'N';
  double one = 1;
  lapack().trsm(&left, &lo, &tr, &non, &n, &m, &one, const_cast<double*>(L), &n, B, &n);
}

// Lower triangle of (L L')^-1 in place of L.
inline void dense_inverse(double* a, int n) {
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
  char lo = 'L';
  int info = 0;
  lapack().potri(&lo, &n, a, &n, &info);
}

}  // namespace ml
