// Dense operations on blocks of a few rows, row-major. K is the block size when it is known at
// compile time (loops unroll: about four times faster than run-time sizes) and 0 otherwise.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace ml {

using idx = std::int64_t;

// Cholesky factor (lower, in place) of a symmetric k x k block; returns the determinant's square
// root accumulated in `det`, or false if a pivot is not positive.
template <int K>
inline bool cholesky(double* a, int kd, double& det) {
  const int k = K ? K : kd;
  for (int j = 0; j < k; ++j) {
    double d = a[j * k + j];
    for (int l = 0; l < j; ++l) d -= a[j * k + l] * a[j * k + l];
    if (!(d > 0)) return false;
    d = std::sqrt(d);
    det *= d;
    a[j * k + j] = d;
    const double inv = 1 / d;
    for (int i = j + 1; i < k; ++i) {
      double s = a[i * k + j];
      for (int l = 0; l < j; ++l) s -= a[i * k + l] * a[j * k + l];
      a[i * k + j] = s * inv;
    }
  }
  return true;
}

// B <- L^-1 B for B of shape k x w.
template <int K>
inline void solve_lower(const double* L, int kd, double* B, idx w) {
  const int k = K ? K : kd;
  for (int i = 0; i < k; ++i) {
    double* bi = B + i * w;
    for (int l = 0; l < i; ++l) {
      const double f = L[i * k + l];
      const double* bl = B + l * w;
      for (idx c = 0; c < w; ++c) bi[c] -= f * bl[c];
    }
    const double inv = 1 / L[i * k + i];
    for (idx c = 0; c < w; ++c) bi[c] *= inv;
  }
}

// B <- L^-T B for B of shape k x w.
template <int K>
inline void solve_lower_t(const double* L, int kd, double* B, idx w) {
  const int k = K ? K : kd;
  for (int i = k - 1; i >= 0; --i) {
    double* bi = B + i * w;
    for (int l = i + 1; l < k; ++l) {
      const double f = L[l * k + i];
      const double* bl = B + l * w;
      for (idx c = 0; c < w; ++c) bi[c] -= f * bl[c];
    }
    const double inv = 1 / L[i * k + i];
    for (idx c = 0; c < w; ++c) bi[c] *= inv;
  }
}

// out (k x w, row stride ldo) (+)= Lambda' B for B (k x w, row stride ldb).
template <int K>
inline void lambda_t_times(const double* lam, int kd, const double* B, idx ldb, double* out, idx ldo,
                           idx w, bool add) {
  const int k = K ? K : kd;
  for (int i = 0; i < k; ++i) {
    double* o = out + i * ldo;
    if (!add)
      for (idx c = 0; c < w; ++c) o[c] = 0;
    for (int l = 0; l < k; ++l) {
      const double f = lam[l * k + i];
      if (f == 0) continue;
      const double* b = B + l * ldb;
      for (idx c = 0; c < w; ++c) o[c] += f * b[c];
    }
  }
}

// C (m x n, row stride ldc) += alpha * A B for A (m x r, stride lda), B (r x n, stride ldb).
inline void gemm(double alpha, const double* A, idx lda, const double* B, idx ldb, double* C, idx ldc,
                 idx m, idx r, idx n) {
  for (idx i = 0; i < m; ++i)
    for (idx l = 0; l < r; ++l) {
      const double f = alpha * A[i * lda + l];
      if (f == 0) continue;
      const double* b = B + l * ldb;
      double* c = C + i * ldc;
      for (idx j = 0; j < n; ++j) c[j] += f * b[j];
    }
}

// C (m x n) += alpha * A' B for A (r x m, stride lda), B (r x n, stride ldb).
inline void gemm_tn(double alpha, const double* A, idx lda, const double* B, idx ldb, double* C,
                    idx ldc, idx m, idx r, idx n) {
  for (idx l = 0; l < r; ++l)
    for (idx i = 0; i < m; ++i) {
      const double f = alpha * A[l * lda + i];
      if (f == 0) continue;
      const double* b = B + l * ldb;
      double* c = C + i * ldc;
      for (idx j = 0; j < n; ++j) c[j] += f * b[j];
    }
}

// C (m x n) += alpha * A B' for A (m x r, stride lda), B (n x r, stride ldb).
inline void gemm_nt(double alpha, const double* A, idx lda, const double* B, idx ldb, double* C,
                    idx ldc, idx m, idx r, idx n) {
  for (idx i = 0; i < m; ++i)
    for (idx j = 0; j < n; ++j) {
      double s = 0;
      for (idx l = 0; l < r; ++l) s += A[i * lda + l] * B[j * ldb + l];
      C[i * ldc + j] += alpha * s;
    }
}

// X <- X B^-1 for k x k blocks, by Gaussian elimination on B' with row pivoting. A zero pivot leaves
// zeros: B is singular then, and the caller does not use the result.
inline void solve_right(const double* B, int k, double* X) {
  std::vector<double> a(idx(k) * k), x(idx(k) * k);
  for (int i = 0; i < k; ++i)
    for (int j = 0; j < k; ++j) {
      a[i * k + j] = B[j * k + i];
      x[i * k + j] = X[j * k + i];
    }
  for (int j = 0; j < k; ++j) {
    int pivot = j;
    for (int i = j + 1; i < k; ++i)
      if (std::fabs(a[i * k + j]) > std::fabs(a[pivot * k + j])) pivot = i;
    std::swap_ranges(&a[j * k], &a[j * k] + k, &a[pivot * k]);
    std::swap_ranges(&x[j * k], &x[j * k] + k, &x[pivot * k]);
    if (a[j * k + j] == 0) continue;
    for (int i = j + 1; i < k; ++i) {
      const double q = a[i * k + j] / a[j * k + j];
      for (int c = 0; c < k; ++c) {
        a[i * k + c] -= q * a[j * k + c];
        x[i * k + c] -= q * x[j * k + c];
      }
    }
  }
  for (int j = k - 1; j >= 0; --j)
    for (int c = 0; c < k; ++c) {
      double v = x[j * k + c];
      for (int i = j + 1; i < k; ++i) v -= a[j * k + i] * x[i * k + c];
      x[j * k + c] = a[j * k + j] != 0 ? v / a[j * k + j] : 0;
      X[c * k + j] = x[j * k + c];
    }
}

}  // namespace ml
