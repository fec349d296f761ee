// Backward substitution, E = Z'V^-1 [X y], and the right-hand sides of the average information.
#pragma once
#include "evaluator.hpp"

namespace ml {

template <int K>
void Evaluator::solve(int v) {
  const Structure& s = *s_;
  const int k = K ? K : s.k_of(v), p1 = s.p1, w = s.width[v];
  double* x = &sol_[s.rhs[v]];
  std::copy_n(&h_[s.rhs[v]], k * p1, x);
  const double* H = H_.data() + s.panel[v];
  for (idx e = s.ptr[v]; e < s.ptr[v + 1]; ++e)
    gemm(-1, H + s.nbr_col[e], w, &sol_[s.rhs[s.nbr[e]]], p1, x, p1, k, s.k_of(s.nbr[e]), p1);
  solve_lower_t<K>(&L_[s.diag[v]], k, x, p1);
}

// E -= A Lambda sol, for the diagonal block of v and its links.
inline void Evaluator::product(int v, std::vector<double>& dense, std::vector<double>& scratch) {
  const Structure& s = *s_;
  const int k = s.k_of(v), p1 = s.p1;
  double *t = scratch.data(), *tn = t + s.max_k * p1;
  std::fill_n(t, k * p1, 0.0);
  gemm(1, lam(s.factor[v]), k, &sol_[s.rhs[v]], p1, t, p1, k, k, p1);
  gemm(-1, &s.A_diag[s.diag[v]], k, t, p1, &E_[s.rhs[v]], p1, k, k, p1);
  if (v >= s.m) return;
  const double* A = s.A_panel.data() + s.panel[v];
  const int w = s.width[v];
  for (idx e = s.ptr[v]; e < s.ptr[v + 1]; ++e) {
    const int n = s.nbr[e], kn = s.k_of(n);
    const double* An = A + s.nbr_col[e];
    double* target = n < s.m ? &E_[s.rhs[n]] : &dense[s.rhs[n] - s.rhs[s.m]];
    if (k == 1 && kn == 1) {
      const double a = An[0], al = a * lam(s.factor[n])[0];
      const double* xn = &sol_[s.rhs[n]];
      double* own = &E_[s.rhs[v]];
      for (int c = 0; c < p1; ++c) {
        own[c] -= al * xn[c];
        target[c] -= a * t[c];
      }
      continue;
    }
    std::fill_n(tn, kn * p1, 0.0);
    gemm(1, lam(s.factor[n]), kn, &sol_[s.rhs[n]], p1, tn, p1, kn, kn, p1);
    gemm(-1, An, w, tn, p1, &E_[s.rhs[v]], p1, k, kn, p1);
    gemm_tn(-1, An, w, t, p1, target, p1, kn, k, p1);
  }
}

// Turns sol and E of v into [B u] and [N rho] (last column from y to y - X beta) and adds the sums
// R = rho u', P = rho rho', NFN' and N F B' of its factor.
inline void Evaluator::moments_of(int v, bool reml, Sums& sums, std::vector<double>& scratch) const {
  const Structure& s = *s_;
  const int k = s.k_of(v), p1 = s.p1, p = p1 - 1;
  double* x = const_cast<double*>(&sol_[s.rhs[v]]);
  double* e = const_cast<double*>(&E_[s.rhs[v]]);
  for (int i = 0; i < k; ++i)
    for (int c = 0; c < p; ++c) {
      x[i * p1 + p] -= x[i * p1 + c] * beta_[c];
      e[i * p1 + p] -= e[i * p1 + c] * beta_[c];
    }
  const idx b = block_[s.factor[v]];
  for (int i = 0; i < k; ++i)
    for (int j = 0; j < k; ++j) {
      sums.R[b + i * k + j] += e[i * p1 + p] * x[j * p1 + p];
      sums.P[b + i * k + j] += e[i * p1 + p] * e[j * p1 + p];
    }
  if (!reml || p == 0) return;
  double* NF = scratch.data();
  std::fill_n(NF, k * p, 0.0);
  gemm(1, e, p1, F_.data(), p, NF, p, k, p, p);
  gemm_nt(1, NF, p, e, p1, &sums.NFN[b], k, k, p, k);
  gemm_nt(1, NF, p, x, p1, &sums.NFB[b], k, k, p, k);
}

// a_t at node v: (dLambda Lambda' + Lambda dLambda') rho = w u_col + Lambda e_col (w'rho).
inline void Evaluator::direction_vectors(int v) {
  const Structure& s = *s_;
  const int k = s.k_of(v), p1 = s.p1, p = p1 - 1, f = s.factor[v];
  const std::vector<int>& on = on_[f];
  const int nt = static_cast<int>(on.size());
  const double *u = &sol_[s.rhs[v]], *rho = &E_[s.rhs[v]], *l = lam(f);
  double* out = vectors(v);
  for (int j = 0; j < nt; ++j) {
    const Direction& d = dirs_[on[j]];
    double wr = 0;
    for (std::size_t i = 0; i < d.w.size(); ++i) wr += d.w[i] * rho[(d.start + i) * p1 + p];
    for (int i = 0; i < k; ++i) out[i * nt + j] = l[i * k + d.col] * wr;
    for (std::size_t i = 0; i < d.w.size(); ++i) out[(d.start + i) * nt + j] += d.w[i] * u[d.col * p1 + p];
  }
}

// ra_n += Lambda_n' X, where the columns of X belong to the directions on factor `from` (trunk nodes
// go into `dense`).
inline void Evaluator::add_rhs(int n, int from, const double* x, std::vector<double>& dense) {
  const Structure& s = *s_;
  const int k = s.k_of(n), nd = static_cast<int>(dirs_.size());
  const std::vector<int>& on = on_[from];
  const int nt = static_cast<int>(on.size());
  const double* l = lam(s.factor[n]);
  double* out = n < s.m ? &ra_[s.effect[n] * nd] : &dense[(s.effect[n] - s.effect[s.m]) * nd];
  for (int i = 0; i < k; ++i)
    for (int j = 0; j < k; ++j) {
      const double c = l[i * k + j];
      if (c == 0) continue;
      for (int t = 0; t < nt; ++t) out[idx(j) * nd + on[t]] += c * x[i * nt + t];
    }
}

// What the link A_vn (stride w) adds to the right-hand sides and to a_t'A a_r.
inline void Evaluator::link_information(int v, int n, const double* A, idx w, Sums& sums, double* scratch) {
  const Structure& s = *s_;
  const int nd = static_cast<int>(dirs_.size()), k = s.k_of(v), kn = s.k_of(n);
  const std::vector<int>&on = on_[s.factor[v]], &other = on_[s.factor[n]];
  const int nt = static_cast<int>(on.size()), no = static_cast<int>(other.size());
  const double *a = vectors(v), *b = vectors(n);
  double* x = scratch;
  std::fill_n(x, kn * nt, 0.0);  // A_vn' a goes to n
  gemm_tn(1, A, w, a, nt, x, nt, kn, k, nt);
  add_rhs(n, s.factor[v], x, sums.dense);
  for (int i = 0; i < kn; ++i)
    for (int r = 0; r < no; ++r) {
      const double c = b[i * no + r];
      for (int t = 0; t < nt; ++t)
        sums.info[std::max(other[r], on[t]) * nd + std::min(other[r], on[t])] += c * x[i * nt + t];
    }
  std::fill_n(x, k * no, 0.0);  // A_vn b goes to v
  gemm(1, A, w, b, no, x, no, k, kn, no);
  add_rhs(v, s.factor[n], x, sums.dense);
}

// Right-hand sides Lambda'A a_t (into ra_), a_t'A a_r and N'a_t for node v.
inline void Evaluator::start_information(int v, Sums& sums, std::vector<double>& scratch) {
  const Structure& s = *s_;
  const int nd = static_cast<int>(dirs_.size()), k = s.k_of(v), p1 = s.p1;
  const std::vector<int>& on = on_[s.factor[v]];
  const int nt = static_cast<int>(on.size());
  const double *a = vectors(v), *N = &E_[s.rhs[v]];
  double* Aa = scratch.data();
  std::fill_n(Aa, k * nt, 0.0);
  gemm(1, &s.A_diag[s.diag[v]], k, a, nt, Aa, nt, k, k, nt);
  add_rhs(v, s.factor[v], Aa, sums.dense);
  for (int i = 0; i < k; ++i)
    for (int t = 0; t < nt; ++t) {
      const double c = a[i * nt + t];
      for (int r = 0; r <= t; ++r) sums.info[on[t] * nd + on[r]] += c * Aa[i * nt + r];
      for (int col = 0; col + 1 < p1; ++col) sums.nu[on[t] * p1 + col] += c * N[i * p1 + col];
    }
  if (v >= s.m) return;
  for (idx e = s.ptr[v]; e < s.ptr[v + 1]; ++e)
    link_information(v, s.nbr[e], s.A_panel.data() + s.panel[v] + s.nbr_col[e], s.width[v], sums,
                     scratch.data());
}

// Forward substitution of the directions' right-hand sides and their Gram matrix.
template <int K>
void Evaluator::information(int v, Sums& sums, std::vector<double>&) {
  const Structure& s = *s_;
  const int nd = static_cast<int>(dirs_.size()), k = K ? K : s.k_of(v), w = s.width[v];
  double* g = &ra_[s.effect[v] * nd];
  solve_lower<K>(&L_[s.diag[v]], k, g, nd);
  for (int i = 0; i < k; ++i)
    for (int t = 0; t < nd; ++t)
      for (int r = 0; r <= t; ++r) sums.info[t * nd + r] -= g[i * nd + t] * g[i * nd + r];
  const double* H = H_.data() + s.panel[v];
  for (idx e = s.ptr[v]; e < s.ptr[v + 1]; ++e) {
    const int n = s.nbr[e];
    double* target = n < s.m ? &ra_[s.effect[n] * nd] : &sums.dense[(s.effect[n] - s.effect[s.m]) * nd];
    gemm_tn(-1, H + s.nbr_col[e], w, g, nd, target, nd, s.k_of(n), k, nd);
  }
}

}  // namespace ml
