// Changes of basis of tall columns and of small blocks.
#pragma once
#include "small.hpp"

namespace ml {

// Classical Gram-Schmidt, every column twice (Giraud, Langou & Rozloznik 2005, Comput. Math. Appl. 50),
// of the first p columns of W (n rows, stride ld), in place; R (p x p) is upper triangular. A column
// that depends on those before it ends as rounding noise of length one.
inline void gram_schmidt(double* W, idx n, int p, idx ld, double* R) {
  std::vector<double> s(p);
  std::fill_n(R, p * p, 0.0);
  for (int j = 0; j < p; ++j) {
    for (int twice = 0; twice < 2 && j > 0; ++twice) {
      std::fill(s.begin(), s.end(), 0.0);
      for (idx i = 0; i < n; ++i) {
        const double* w = W + i * ld;
        const double x = w[j];
        for (int l = 0; l < j; ++l) s[l] += w[l] * x;
      }
      for (idx i = 0; i < n; ++i) {
        double* w = W + i * ld;
        double x = 0;
        for (int l = 0; l < j; ++l) x += w[l] * s[l];
        w[j] -= x;
      }
      for (int l = 0; l < j; ++l) R[l * p + j] += s[l];
    }
    double norm = 0;
    for (idx i = 0; i < n; ++i) norm += W[i * ld + j] * W[i * ld + j];
    norm = std::sqrt(norm);
    R[j * p + j] = norm;
    const double inverse = norm > 0 ? 1 / norm : 0;
    for (idx i = 0; i < n; ++i) W[i * ld + j] *= inverse;
  }
}

// Inverse of an upper-triangular k x k matrix.
inline void invert_upper(const double* R, int k, double* X) {
  std::fill_n(X, k * k, 0.0);
  for (int j = 0; j < k; ++j) {
    X[j * k + j] = 1 / R[j * k + j];
    for (int i = j - 1; i >= 0; --i) {
      double s = 0;
      for (int l = i + 1; l <= j; ++l) s -= R[i * k + l] * X[l * k + j];
      X[i * k + j] = s / R[i * k + i];
    }
  }
}

// M (k x k) <- the lower-triangular L with nonnegative diagonal and L L' = M M', by rotations of
// columns: singular matrices lose no accuracy.
inline void lower_triangular(double* M, int k) {
  for (int i = 0; i < k; ++i) {
    for (int j = i + 1; j < k; ++j) {
      const double b = M[i * k + j];
      if (b == 0) continue;
      const double a = M[i * k + i], h = std::hypot(a, b), c = a / h, s = b / h;
      for (int r = i; r < k; ++r) {
        const double x = M[r * k + i], y = M[r * k + j];
        M[r * k + i] = c * x + s * y;
        M[r * k + j] = c * y - s * x;
      }
      M[i * k + j] = 0;
    }
    if (M[i * k + i] < 0)
      for (int r = i; r < k; ++r) M[r * k + i] = -M[r * k + i];
  }
}

}  // namespace ml
