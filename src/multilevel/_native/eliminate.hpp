// Forward sweep: block Cholesky of the sparse nodes, assembly of the trunk's Schur complement.
#pragma once
#include "evaluator.hpp"

namespace ml {

// Lambda'A_vv Lambda (+ I).
inline void Evaluator::scaled_diag(int v, double* out, bool identity, std::vector<double>& scratch) const {
  const int k = s_->k_of(v);
  const double *A = &s_->A_diag[s_->diag[v]], *l = lam(s_->factor[v]);
  double* AL = scratch.data();
  for (int i = 0; i < k * k; ++i) AL[i] = 0;
  gemm(1, A, k, l, k, AL, k, k, k, k);
  gemm_tn(1, l, k, AL, k, out, k, k, k, k);
  if (identity)
    for (int i = 0; i < k; ++i) out[i * k + i] += 1;
}

template <int K>
void Evaluator::eliminate(int v, Sums& sums, std::vector<double>& scratch) {
  const Structure& s = *s_;
  const int f = s.factor[v], k = K ? K : s.k_of(v), p1 = s.p1, w = s.width[v];
  const double* l = lam(f);
  double *L = &L_[s.diag[v]], *H = H_.data() + s.panel[v], *h = &h_[s.rhs[v]];
  if (!s.merges[v]) {
    std::fill_n(L, k * k, 0.0);
    std::fill_n(h, k * p1, 0.0);
  }
  if constexpr (K == 1) {
    L[0] += l[0] * l[0] * s.A_diag[s.diag[v]] + 1;
    for (int c = 0; c < p1; ++c) h[c] += l[0] * B_[s.rhs[v] + c];
  } else {
    scaled_diag(v, L, true, scratch);
    lambda_t_times<K>(l, k, &B_[s.rhs[v]], p1, h, p1, p1, true);
  }
  for (idx e = s.ptr[v]; e < s.ptr[v + 1]; ++e) {  // panel: Lambda_v' A_vn Lambda_n
    const int n = s.nbr[e], kn = s.k_of(n), col = s.nbr_col[e];
    const double *ln = lam(s.factor[n]), *A = &s.A_panel[s.panel[v] + col];
    if (k == 1 && kn == 1) {
      const double c = l[0] * ln[0] * A[0];
      H[col] = s.merges[v] ? H[col] + c : c;
      continue;
    }
    double* LA = scratch.data();
    lambda_t_times<K>(l, k, A, w, LA, kn, kn, false);
    if (!s.merges[v])
      for (int i = 0; i < k; ++i) std::fill_n(H + idx(i) * w + col, kn, 0.0);
    gemm(1, LA, kn, ln, kn, H + col, w, k, kn, kn);
  }
  double det = 1;
  if (!cholesky<K>(L, k, det)) {
    sums.ok = false;
    return;
  }
  sums.log_det += 2 * std::log(det);
  if (w) solve_lower<K>(L, k, H, w);
  solve_lower<K>(L, k, h, p1);
  for (int i = 0; i < k; ++i)
    for (int a = 0; a < p1; ++a) {
      const double x = h[i * p1 + a];
      for (int b = 0; b <= a; ++b) sums.T[a * p1 + b] -= x * h[i * p1 + b];
    }
  if (w) update_later(v, H, h);
}

// Schur updates of sparse neighbours (the trunk is assembled afterwards).
inline void Evaluator::update_later(int v, const double* H, const double* h) {
  const Structure& s = *s_;
  const int k = s.k_of(v), p1 = s.p1, w = s.width[v];
  for (idx e = s.ptr[v]; e < s.ptr[v + 1] && s.nbr[e] < s.m; ++e) {
    const int n = s.nbr[e], kn = s.k_of(n);
    const double* Hn = H + s.nbr_col[e];
    gemm_tn(-1, Hn, w, Hn, w, &L_[s.diag[n]], kn, kn, k, kn);
    gemm_tn(-1, Hn, w, h, p1, &h_[s.rhs[n]], p1, kn, k, p1);
    idx at = s.ptr[n];
    double* target = H_.data() + s.panel[n];
    for (idx g = e + 1; g < s.ptr[v + 1]; ++g) {
      while (s.nbr[at] != s.nbr[g]) ++at;
      gemm_tn(-1, Hn, w, H + s.nbr_col[g], w, target + s.nbr_col[at], s.width[n], kn, k,
              s.k_of(s.nbr[g]));
    }
  }
}

// Updates of trunk columns that belong to trunk nodes first..last-1.
inline void Evaluator::scatter(int first, int last) {
  const Structure& s = *s_;
  const idx ld = s.dense_dim;
  const int p1 = s.p1;
  const bool scalar = s.dense_dim == s.nodes - s.m;
  for (int v = 0; v < s.m; ++v) {
    const idx begin = s.ptr[v], end = s.ptr[v + 1];
    if (begin == end || s.nbr[end - 1] < first) continue;
    const int k = s.k_of(v), w = s.width[v];
    const double *H = H_.data() + s.panel[v], *h = &h_[s.rhs[v]];
    idx e = std::lower_bound(s.nbr.begin() + begin, s.nbr.begin() + end, first) - s.nbr.begin();
    std::vector<int> row_of;
    for (; e < end && s.nbr[e] < last; ++e) {
      const int ca = s.dense_col[s.nbr[e] - s.m], ka = s.k_of(s.nbr[e]);
      if (k == 1 && scalar) {
        const double* Hv = H + (s.nbr_col[e] - e);
        const double x = Hv[e];
        double* column = S_.data() + ca * ld;
        const int* row = s.nbr.data();
        for (idx g = e; g < end; ++g) column[row[g] - s.m] -= x * Hv[g];
        for (int c = 0; c < p1; ++c) hT_[ca + c * ld] -= x * h[c];
        continue;
      }
      const int from = s.nbr_col[e];
      if (row_of.empty()) row_of = trunk_rows(v);
      for (int a = 0; a < ka; ++a) {
        double* column = S_.data() + (ca + a) * ld;
        for (int i = 0; i < k; ++i) {
          const double* Hi = H + idx(i) * w;
          const double x = Hi[from + a];
          for (int c = from; c < w; ++c) column[row_of[c]] -= x * Hi[c];
          for (int c = 0; c < p1; ++c) hT_[ca + a + c * ld] -= x * h[i * p1 + c];
        }
      }
    }
  }
}

// Trunk row of every column of v's panel (-1 for columns of sparse neighbours).
inline std::vector<int> Evaluator::trunk_rows(int v) const {
  const Structure& s = *s_;
  std::vector<int> rows(s.width[v], -1);
  for (idx e = s.ptr[v]; e < s.ptr[v + 1]; ++e)
    if (s.nbr[e] >= s.m)
      for (int j = 0; j < s.k_of(s.nbr[e]); ++j) rows[s.nbr_col[e] + j] = s.dense_col[s.nbr[e] - s.m] + j;
  return rows;
}

inline void Evaluator::assemble_trunk() {
  const Structure& s = *s_;
  const idx ld = s.dense_dim;
  S_.resize(ld * ld);
  hT_.assign(ld * s.p1, 0.0);
  const int trunk = s.nodes - s.m;
  // ranges of trunk nodes with similar work
  std::vector<int> cut{0};
  idx total = ld * ld / 8, done = 0;
  for (idx wk : s.column_work) total += wk;
  const int tasks = total < 40000 ? 1 : 16;
  for (int t = 0; t < trunk; ++t) {
    done += s.column_work[t] + ld / 8;
    if (t + 1 == trunk || done * tasks >= total * idx(cut.size())) cut.push_back(t + 1);
  }
  parallel_for(static_cast<int>(cut.size()) - 1, threads_, [&](int c) {
    std::vector<double> scratch(4 * s.max_k * s.max_k);
    for (int t = cut[c]; t < cut[c + 1]; ++t) {
      const int v = s.m + t, k = s.k_of(v), col = s.dense_col[t];
      std::fill(S_.begin() + col * ld, S_.begin() + (col + k) * ld, 0.0);
      double* D = scratch.data() + 2 * s.max_k * s.max_k;
      std::fill_n(D, k * k, 0.0);
      scaled_diag(v, D, true, scratch);
      for (int i = 0; i < k; ++i) {
        for (int j = 0; j <= i; ++j) S_[(col + i) + (col + j) * ld] = D[i * k + j];
        for (int l = 0; l < k; ++l)
          for (int c1 = 0; c1 < s.p1; ++c1)
            hT_[col + i + c1 * ld] += lam(s.factor[v])[l * k + i] * B_[s.rhs[v] + l * s.p1 + c1];
      }
    }
    for (const TrunkBlock& b : s.trunk_blocks) {
      if (b.a < s.m + cut[c] || b.a >= s.m + cut[c + 1]) continue;
      const int ka = s.k_of(b.a), kb = s.k_of(b.b);
      double *LA = scratch.data(), *LAL = scratch.data() + s.max_k * s.max_k;
      lambda_t_times<0>(lam(s.factor[b.a]), ka, &s.A_trunk[b.offset], kb, LA, kb, kb, false);
      std::fill_n(LAL, ka * kb, 0.0);
      gemm(1, LA, kb, lam(s.factor[b.b]), kb, LAL, kb, ka, kb, kb);
      for (int i = 0; i < ka; ++i)
        for (int j = 0; j < kb; ++j)
          S_[s.dense_col[b.b - s.m] + j + (s.dense_col[b.a - s.m] + i) * ld] = LAL[i * kb + j];
    }
    scatter(s.m + cut[c], s.m + cut[c + 1]);
  });
}

}  // namespace ml
