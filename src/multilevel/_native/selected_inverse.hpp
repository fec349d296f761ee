// M^-1 on the pattern of M, and with it the traces that the gradient needs.
#pragma once
#include "evaluator.hpp"

namespace ml {

// Y -= (M^-1 among the neighbours of v) Hh', Y of shape width x k.
inline void Evaluator::gather(int v, const double* Hh, double* Y) const {
  const Structure& s = *s_;
  const idx ld = s.dense_dim;
  const int k = s.k_of(v), w = s.width[v];
  const bool scalar = k == 1 && s.dense_dim == s.nodes - s.m;
  if (!scalar && s.nbr[s.ptr[v]] >= s.m) {  // trunk only: a dense block
    const std::vector<int> row = trunk_rows(v);
    thread_local std::vector<double> block, product;
    block.resize(idx(w) * w);
    for (int i = 0; i < w; ++i) {
      const double* column = S_.data() + row[i] * ld;
      for (int j = i; j < w; ++j) block[idx(i) * w + j] = block[idx(j) * w + i] = column[row[j]];
    }
    product.assign(idx(k) * w, 0.0);
    gemm(1, Hh, w, block.data(), w, product.data(), w, k, w, w);
    for (int i = 0; i < w; ++i)
      for (int a = 0; a < k; ++a) Y[idx(i) * k + a] -= product[idx(a) * w + i];
    return;
  }
  for (idx e = s.ptr[v]; e < s.ptr[v + 1]; ++e) {
    const int n = s.nbr[e], kn = s.k_of(n), col = s.nbr_col[e];
    if (scalar && n >= s.m) {
      const double* column = S_.data() + idx(n - s.m) * ld;
      const idx shift = col - e;
      const double x = Hh[col];
      double sum = column[n - s.m] * x;
      for (idx g = e + 1; g < s.ptr[v + 1]; ++g) {
        const double c = column[s.nbr[g] - s.m];
        sum += c * Hh[g + shift];
        Y[g + shift] -= c * x;
      }
      Y[col] -= sum;
      continue;
    }
    idx at = n < s.m ? s.ptr[n] : 0;
    for (idx g = e; g < s.ptr[v + 1]; ++g) {
      const int o = s.nbr[g], ko = s.k_of(o), co = s.nbr_col[g];
      if (n < s.m && g > e)
        while (s.nbr[at] != o) ++at;
      for (int i = 0; i < kn; ++i)
        for (int j = 0; j < ko; ++j) {
          double c;  // M^-1 between effect i of n and effect j of o
          if (n >= s.m) {
            const idx r1 = s.dense_col[n - s.m] + i, r2 = s.dense_col[o - s.m] + j;
            c = r2 >= r1 ? S_[r2 + r1 * ld] : S_[r1 + r2 * ld];
          } else if (g == e) {
            c = Minv_[s.diag[n] + i * kn + j];
          } else {
            c = Y_[s.panel[n] + idx(s.nbr_col[at] + j) * kn + i];
          }
          for (int a = 0; a < k; ++a) {
            Y[idx(col + i) * k + a] -= c * Hh[idx(a) * w + co + j];
            if (g > e) Y[idx(co + j) * k + a] -= c * Hh[idx(a) * w + col + i];
          }
        }
    }
  }
}

template <int K>
void Evaluator::inverse(int v, Sums& sums, std::vector<double>& scratch) {
  const Structure& s = *s_;
  const int f = s.factor[v], k = K ? K : s.k_of(v), w = s.width[v];
  const double *L = &L_[s.diag[v]], *l = lam(f), *A = &s.A_diag[s.diag[v]];
  double *Mi = &Minv_[s.diag[v]], *AL = scratch.data(), *blk = AL + s.max_k * s.max_k;
  std::fill_n(Mi, k * k, 0.0);
  for (int i = 0; i < k; ++i) Mi[i * k + i] = 1;
  solve_lower<K>(L, k, Mi, k);
  solve_lower_t<K>(L, k, Mi, k);
  double* G = &sums.G[block_[f]];
  if (w) {
    const double* H = H_.data() + s.panel[v];
    thread_local std::vector<double> Hh, own;
    Hh.assign(H, H + idx(k) * w);
    solve_lower_t<K>(L, k, Hh.data(), w);
    double* Y;
    if (s.merges[v] || keep_inverse_) {
      Y = Y_.data() + s.panel[v];
      std::fill_n(Y, idx(w) * k, 0.0);
    } else {
      own.assign(idx(w) * k, 0.0);
      Y = own.data();
    }
    gather(v, Hh.data(), Y);
    gemm(-1, Hh.data(), w, Y, k, Mi, k, k, w, k);
    const double* Ap = s.A_panel.data() + s.panel[v];
    for (idx e = s.ptr[v]; e < s.ptr[v + 1]; ++e) {
      const int n = s.nbr[e], kn = s.k_of(n), col = s.nbr_col[e], fn = s.factor[n];
      const double *ln = lam(fn), *Yn = Y + idx(col) * k;
      if (k == 1 && kn == 1) {
        const double ay = Ap[col] * Yn[0];
        G[0] += ln[0] * ay;
        sums.G[block_[fn]] += l[0] * ay;
        continue;
      }
      std::fill_n(blk, kn * k, 0.0);  // Lambda_n Y_n
      gemm(1, ln, kn, Yn, k, blk, k, kn, kn, k);
      gemm(1, Ap + col, w, blk, k, G, k, k, kn, k);
      std::fill_n(blk, k * kn, 0.0);  // Lambda_v Y_n'
      gemm_nt(1, l, k, Yn, k, blk, kn, k, k, kn);
      gemm_tn(1, Ap + col, w, blk, kn, &sums.G[block_[fn]], kn, kn, k, kn);
    }
  }
  std::fill_n(AL, k * k, 0.0);
  gemm(1, A, k, l, k, AL, k, k, k, k);
  gemm(1, AL, k, Mi, k, G, k, k, k, k);
}

inline void Evaluator::inverse_trunk(Sums& sums, std::vector<double>& scratch) {
  const Structure& s = *s_;
  const idx ld = s.dense_dim;
  dense_inverse(S_.data(), s.dense_dim, threads_);
  auto entry = [&](idx r, idx c) { return r >= c ? S_[r + c * ld] : S_[c + r * ld]; };
  double *AL = scratch.data(), *blk = AL + s.max_k * s.max_k;
  for (int v = s.m; v < s.nodes; ++v) {
    const int k = s.k_of(v), col = s.dense_col[v - s.m], f = s.factor[v];
    double* Mi = &Minv_[s.diag[v]];
    for (int i = 0; i < k; ++i)
      for (int j = 0; j < k; ++j) Mi[i * k + j] = entry(col + i, col + j);
    std::fill_n(AL, k * k, 0.0);
    gemm(1, &s.A_diag[s.diag[v]], k, lam(f), k, AL, k, k, k, k);
    gemm(1, AL, k, Mi, k, &sums.G[block_[f]], k, k, k, k);
  }
  for (const TrunkBlock& b : s.trunk_blocks) {  // G_a += A Lambda_b Minv_ba, G_b += A' Lambda_a Minv_ab
    const int ka = s.k_of(b.a), kb = s.k_of(b.b), fa = s.factor[b.a], fb = s.factor[b.b];
    const int ca = s.dense_col[b.a - s.m], cb = s.dense_col[b.b - s.m];
    double* Mba = AL;
    for (int j = 0; j < kb; ++j)
      for (int i = 0; i < ka; ++i) Mba[j * ka + i] = entry(cb + j, ca + i);
    std::fill_n(blk, kb * ka, 0.0);
    gemm(1, lam(fb), kb, Mba, ka, blk, ka, kb, kb, ka);
    gemm(1, &s.A_trunk[b.offset], kb, blk, ka, &sums.G[block_[fa]], ka, ka, kb, ka);
    std::fill_n(blk, ka * kb, 0.0);
    gemm_nt(1, lam(fa), ka, Mba, ka, blk, kb, ka, ka, kb);
    gemm_tn(1, &s.A_trunk[b.offset], kb, blk, kb, &sums.G[block_[fb]], kb, kb, ka, kb);
  }
}

}  // namespace ml
