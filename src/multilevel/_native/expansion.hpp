// What inference needs beyond gradient and average information: how F moves, and the exact Hessian.
#pragma once
#include "evaluate.hpp"

namespace ml {

namespace detail {

// Work on all nodes in a fixed number of ranges, each with its own sums; the total of the sums.
template <class Body>
std::vector<double> sum_over_nodes(int nodes, std::size_t size, int threads, Body&& body) {
  const int ranges = std::min(nodes / 64 + 1, 32);
  std::vector<std::vector<double>> parts(ranges);
  parallel_for(ranges, threads, [&](int r) {
    parts[r].assign(size, 0.0);
    body(static_cast<int>(idx(nodes) * r / ranges), static_cast<int>(idx(nodes) * (r + 1) / ranges), parts[r]);
  });
  for (int r = 1; r < ranges; ++r)
    for (std::size_t i = 0; i < size; ++i) parts[0][i] += parts[r][i];
  return std::move(parts[0]);
}

}  // namespace detail

// W_t = w l' + l w' with l the direction's column of Lambda, so that N'W_t N = (N'w)(N'l)' + transpose.
inline std::vector<double> Evaluator::fixed_products() const {
  const Structure& s = *s_;
  const int p1 = s.p1, p = p1 - 1, nd = static_cast<int>(dirs_.size());
  const std::size_t pp = idx(p) * p;
  std::vector<double> J = detail::sum_over_nodes(s.nodes, nd * pp, threads_, [&](int begin, int end, auto& sums) {
    std::vector<double> x(p), y(p);
    for (int v = begin; v < end; ++v) {
      const int k = s.k_of(v);
      const double *N = &E_[s.rhs[v]], *l = lam(s.factor[v]);
      for (int t : on_[s.factor[v]]) {
        const Direction& d = dirs_[t];
        std::fill(x.begin(), x.end(), 0.0);
        std::fill(y.begin(), y.end(), 0.0);
        for (std::size_t i = 0; i < d.w.size(); ++i)
          for (int c = 0; c < p; ++c) x[c] += d.w[i] * N[(d.start + i) * p1 + c];
        for (int i = 0; i < k; ++i)
          for (int c = 0; c < p; ++c) y[c] += l[i * k + d.col] * N[i * p1 + c];
        for (int a = 0; a < p; ++a)
          for (int b = 0; b < p; ++b) sums[t * pp + idx(a) * p + b] += x[a] * y[b];
      }
    }
  });
  for (int t = 0; t < nd; ++t)
    for (int a = 0; a < p; ++a)
      for (int b = 0; b <= a; ++b) {
        double &lower = J[t * pp + idx(a) * p + b], &upper = J[t * pp + idx(b) * p + a];
        lower = upper = lower + upper;
      }
  return J;
}

// Without links Z'PZ has blocks K_g - N_g F N_g' on the diagonal and -N_g F N_h' elsewhere, so
// tr(Z'PZ W_t Z'PZ W_s) is a sum over nodes and, by REML, tr(J_t F J_s F) with J = fixed_products().
inline std::vector<double> Evaluator::exact_hessian(const Evaluation& ev, bool reml) const {
  const Structure& s = *s_;
  const int p1 = s.p1, p = p1 - 1, nd = static_cast<int>(dirs_.size());
  const double m = reml ? n_ - p : n_, s2 = ev.rss / m;
  auto add_traces = [&](const double* Q, int k, const std::vector<int>& on, double sign, std::vector<double>& C,
                        std::vector<double>& G, auto& sums) {
    const int c = 2 * static_cast<int>(on.size());  // columns of C: all w, then all l
    std::vector<double> QC(idx(k) * c, 0.0);
    gemm(1, Q, k, C.data(), c, QC.data(), c, k, k, c);
    std::fill_n(G.begin(), idx(c) * c, 0.0);
    gemm_tn(1, C.data(), c, QC.data(), c, G.data(), c, c, k, c);
    const int h = c / 2;
    for (int t = 0; t < h; ++t)
      for (int r = 0; r <= t; ++r)
        sums[on[t] * nd + on[r]] += 2 * sign * (G[(h + t) * c + r] * G[t * c + h + r] +
                                                G[(h + t) * c + h + r] * G[t * c + r]);
  };
  std::vector<double> T = detail::sum_over_nodes(s.nodes, idx(nd) * nd, threads_, [&](int begin, int end, auto& sums) {
    std::vector<double> C, G, AL, MLA, K, NF, R;
    for (int v = begin; v < end; ++v) {
      const int k = s.k_of(v), f = s.factor[v];
      const std::vector<int>& on = on_[f];
      const int c = 2 * static_cast<int>(on.size()), h = c / 2;
      if (!h) continue;
      const double *A = &s.A_diag[s.diag[v]], *l = lam(f), *N = &E_[s.rhs[v]];
      C.assign(idx(k) * c, 0.0);
      G.resize(idx(c) * c);
      for (int t = 0; t < h; ++t) {
        const Direction& d = dirs_[on[t]];
        for (std::size_t i = 0; i < d.w.size(); ++i) C[(d.start + i) * c + t] = d.w[i];
        for (int i = 0; i < k; ++i) C[i * c + h + t] = l[i * k + d.col];
      }
      AL.assign(idx(k) * k, 0.0);
      gemm(1, A, k, l, k, AL.data(), k, k, k, k);
      MLA.assign(idx(k) * k, 0.0);
      gemm_nt(1, &Minv_[s.diag[v]], k, AL.data(), k, MLA.data(), k, k, k, k);
      K.assign(A, A + k * k);  // Z'V^-1 Z = A - A Lambda M^-1 Lambda'A
      gemm(-1, AL.data(), k, MLA.data(), k, K.data(), k, k, k, k);
      if (reml && p) {
        NF.assign(idx(k) * p, 0.0);
        R.assign(idx(k) * k, 0.0);
        gemm(1, N, p1, F_.data(), p, NF.data(), p, k, p, p);
        gemm_nt(1, NF.data(), p, N, p1, R.data(), k, k, p, k);
        add_traces(R.data(), k, on, -1, C, G, sums);
        for (int i = 0; i < k * k; ++i) K[i] -= R[i];
      }
      add_traces(K.data(), k, on, 1, C, G, sums);
    }
  });
  if (reml && p) {
    const std::vector<double> J = fixed_products();
    std::vector<double> JF(idx(nd) * p * p, 0.0);
    for (int t = 0; t < nd; ++t) gemm(1, &J[idx(t) * p * p], p, F_.data(), p, &JF[idx(t) * p * p], p, p, p, p);
    for (int t = 0; t < nd; ++t)
      for (int r = 0; r <= t; ++r)
        for (int a = 0; a < p; ++a)
          for (int b = 0; b < p; ++b)
            T[t * nd + r] += JF[(idx(t) * p + a) * p + b] * JF[(idx(r) * p + b) * p + a];
  }
  std::vector<double> H = ev.hessian;
  for (int t = 0; t < nd; ++t)
    for (int r = 0; r <= t; ++r) {
      H[t * nd + r] += ev.information[t * nd + r] / s2 - T[t * nd + r];
      H[r * nd + t] = H[t * nd + r];
    }
  return H;
}

// Everything at lambda, where the evaluator is left. The Hessian is exact without links; with them it
// is by central differences of the gradient if `curvature` is wanted, else average information.
inline Evaluation expand(Evaluator& e, const std::vector<double>& lambda, bool reml,
                         const std::vector<Direction>& directions, bool curvature) {
  constexpr double kStep = 2e-4;  // relative error of the differences about 1e-8
  const int nd = static_cast<int>(directions.size());
  std::vector<double> H;
  if (curvature && !e.isolated()) {
    H.assign(idx(nd) * nd, 0.0);
    for (int t = 0; t < nd; ++t) {
      const Direction& d = directions[t];
      const int ld = e.structure().factors[d.factor].k;
      idx at = 0;
      for (int f = 0; f < d.factor; ++f) at += idx(e.structure().factors[f].k) * e.structure().factors[f].k;
      double size = 0;
      for (int i = 0; i < ld; ++i) size = std::max(size, std::fabs(lambda[at + i * ld + d.col]));
      const double step = kStep * (0.2 + size);
      for (double sign : {1.0, -1.0}) {
        std::vector<double> there = lambda;
        for (std::size_t i = 0; i < d.w.size(); ++i) there[at + (d.start + i) * ld + d.col] += sign * step * d.w[i];
        const Evaluation ev = e.evaluate(there.data(), reml, directions, Want::gradient);
        if (!ev.ok) return ev;
        for (int r = 0; r < nd; ++r) H[t * nd + r] += sign * ev.gradient[r] / (2 * step);
      }
    }
    for (int t = 0; t < nd; ++t)
      for (int r = 0; r < t; ++r) H[t * nd + r] = H[r * nd + t] = 0.5 * (H[t * nd + r] + H[r * nd + t]);
  }
  Evaluation out = e.evaluate(lambda.data(), reml, directions, Want::expansion);
  if (out.ok && e.isolated()) out.hessian = e.exact_hessian(out, reml);
  else if (curvature) out.hessian = H;
  return out;
}

}  // namespace ml
