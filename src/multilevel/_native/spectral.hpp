// Eigenvalues and singular values of small matrices, by Jacobi rotations.
#pragma once
#include "small.hpp"

namespace ml {

// Eigenvalues and vectors (columns of U) of a symmetric matrix, by cyclic Jacobi rotations.
inline void symmetric_eigen(std::vector<double> a, int n, std::vector<double>& w, std::vector<double>& U) {
  U.assign(idx(n) * n, 0.0);
  for (int i = 0; i < n; ++i) U[i * n + i] = 1;
  for (int sweep = 0; sweep < 60; ++sweep) {
    double off = 0, on = 0;
    for (int i = 0; i < n; ++i) {
      on += a[i * n + i] * a[i * n + i];
      for (int j = 0; j < i; ++j) off += a[i * n + j] * a[i * n + j];
    }
    if (off <= 1e-32 * on || off == 0) break;
    for (int p = 0; p < n; ++p)
      for (int q = p + 1; q < n; ++q) {
        if (a[p * n + q] == 0) continue;
        const double h = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
        const double t = (h >= 0 ? 1 : -1) / (std::fabs(h) + std::sqrt(h * h + 1));
        const double c = 1 / std::sqrt(t * t + 1), s = t * c;
        for (int i = 0; i < n; ++i) {
          const double x = a[i * n + p], y = a[i * n + q];
          a[i * n + p] = c * x - s * y;
          a[i * n + q] = s * x + c * y;
        }
        for (int i = 0; i < n; ++i) {
          const double x = a[p * n + i], y = a[q * n + i];
          a[p * n + i] = c * x - s * y;
          a[q * n + i] = s * x + c * y;
        }
        for (int i = 0; i < n; ++i) {
          const double x = U[i * n + p], y = U[i * n + q];
          U[i * n + p] = c * x - s * y;
          U[i * n + q] = s * x + c * y;
        }
      }
  }
  w.resize(n);
  for (int i = 0; i < n; ++i) w[i] = a[i * n + i];
}

// Lambda V = U diag(s) by one-sided Jacobi rotations: singular values to full relative accuracy.
// On return the columns of `a` (k x k) are U diag(s), descending, and U is orthogonal.
inline void singular_form(std::vector<double>& a, int k, std::vector<double>& U) {
  for (int sweep = 0; sweep < 60; ++sweep) {
    bool rotated = false;
    for (int p = 0; p < k; ++p)
      for (int q = p + 1; q < k; ++q) {
        double pp = 0, qq = 0, pq = 0;
        for (int i = 0; i < k; ++i) {
          pp += a[i * k + p] * a[i * k + p];
          qq += a[i * k + q] * a[i * k + q];
          pq += a[i * k + p] * a[i * k + q];
        }
        if (std::fabs(pq) <= 1e-15 * std::sqrt(pp * qq) && pp >= qq) continue;
        rotated = true;
        double c = 0, sn = 1;  // a swap, if the columns are orthogonal already
        if (std::fabs(pq) > 1e-15 * std::sqrt(pp * qq)) {
          const double h = (qq - pp) / (2 * pq);
          const double t = (h >= 0 ? 1 : -1) / (std::fabs(h) + std::sqrt(h * h + 1));
          c = 1 / std::sqrt(t * t + 1);
          sn = t * c;
        }
        for (int i = 0; i < k; ++i) {
          const double x = a[i * k + p], y = a[i * k + q];
          a[i * k + p] = c * x - sn * y;
          a[i * k + q] = sn * x + c * y;
        }
      }
    if (!rotated) break;
  }
  // normalise; complete the basis where a column vanished (Gram-Schmidt on unit vectors)
  U.assign(idx(k) * k, 0.0);
  for (int j = 0; j < k; ++j) {
    auto column_norm = [&](const std::vector<double>& m) {
      double t = 0;
      for (int i = 0; i < k; ++i) t += m[i * k + j] * m[i * k + j];
      return std::sqrt(t);
    };
    const double norm = column_norm(a);
    bool done = norm > 1e-150;
    if (done)
      for (int i = 0; i < k; ++i) U[i * k + j] = a[i * k + j] / norm;
    for (int e = 0; e < k && !done; ++e) {
      for (int i = 0; i < k; ++i) U[i * k + j] = i == e;
      for (int twice = 0; twice < 2; ++twice)
        for (int l = 0; l < j; ++l) {
          double dot = 0;
          for (int i = 0; i < k; ++i) dot += U[i * k + l] * U[i * k + j];
          for (int i = 0; i < k; ++i) U[i * k + j] -= dot * U[i * k + l];
        }
      const double left = column_norm(U);
      done = left > 0.5 / k;
      if (done)
        for (int i = 0; i < k; ++i) U[i * k + j] /= left;
    }
  }
}

}  // namespace ml
