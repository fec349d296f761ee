// The criterion and its derivatives: the sweeps in order.
#pragma once
#include "eliminate.hpp"
#include "selected_inverse.hpp"
#include "sweeps.hpp"

namespace ml {

inline Evaluation Evaluator::evaluate(const double* lambda, bool reml,
                                      const std::vector<Direction>& directions, Want want,
                                      bool keep_inverse) {
  const Structure& s = *s_;
  const int p1 = s.p1, p = p1 - 1;
  lam_.assign(lambda, lambda + block_.back());
  dirs_ = directions;
  keep_inverse_ = keep_inverse;
  settled_ = Want::criterion;
  settled_reml_ = reml;
  parts_.resize(s.chunks.size() + 1);
  for (Sums& part : parts_) reset(part, 0);
  L_.resize(s.diag[s.nodes]);
  H_.resize(s.A_panel.size());
  h_.resize(s.rhs[s.nodes]);
  for (int v = 0; v < s.m; ++v)
    if (s.merges[v]) {
      const int k = s.k_of(v);
      std::fill_n(&L_[s.diag[v]], k * k, 0.0);
      std::fill_n(&h_[s.rhs[v]], k * p1, 0.0);
      std::fill_n(H_.data() + s.panel[v], s.panel[v + 1] - s.panel[v], 0.0);
    }
  over_chunks(false, [&](int begin, int end, Sums& sums, std::vector<double>& scratch) {
#define ML_ARGS v, sums, scratch
    for (int v = begin; v < end && sums.ok; ++v) ML_BY_SIZE(s.k_of(v), eliminate)
#undef ML_ARGS
  });
  Sums total;
  reset(total, 0);
  total.T = T0_;
  sum_parts(total);
  Evaluation out;
  if (!total.ok) return out;
  if (s.dense_dim) {
    assemble_trunk();
    if (!dense_cholesky(S_.data(), s.dense_dim, threads_)) return out;
    const idx ld = s.dense_dim;
    for (idx i = 0; i < ld; ++i) total.log_det += 2 * std::log(S_[i + i * ld]);
    dense_solve(S_.data(), s.dense_dim, hT_.data(), p1, false);
    for (int a = 0; a < p1; ++a)
      for (int b = 0; b <= a; ++b)
        for (idx i = 0; i < ld; ++i) total.T[a * p1 + b] -= hT_[i + a * ld] * hT_[i + b * ld];
  }
  out.log_det = total.log_det;
  std::vector<double>& T = total.T;  // Cholesky of [X y]'V^-1[X y]
  double det = 1;
  const double yy = T[p * p1 + p];
  T[p * p1 + p] = 1e300;
  if (!cholesky<0>(T.data(), p1, det)) return out;
  out.rss = yy;
  for (int c = 0; c < p; ++c) {
    out.rss -= T[p * p1 + c] * T[p * p1 + c];
    out.log_det_x += 2 * std::log(T[c * p1 + c]);
  }
  if (!(out.rss > 0)) return out;
  out.beta.assign(p, 0.0);
  for (int i = p - 1; i >= 0; --i) {
    double x = T[p * p1 + i];
    for (int j = i + 1; j < p; ++j) x -= T[j * p1 + i] * out.beta[j];
    out.beta[i] = x / T[i * p1 + i];
  }
  out.F.assign(idx(p) * p, 0.0);
  std::vector<double> Ti(idx(p) * p), Li(idx(p) * p);
  for (int i = 0; i < p; ++i)
    for (int j = 0; j <= i; ++j) Li[i * p + j] = T[i * p1 + j];
  for (int i = 0; i < p; ++i) out.F[i * p + i] = 1;
  solve_lower<0>(Li.data(), p, out.F.data(), p);
  solve_lower_t<0>(Li.data(), p, out.F.data(), p);
  out.ok = true;
  rss_ = out.rss;
  beta_ = out.beta;
  F_ = out.F;
  if (want != Want::criterion) derivatives(out, reml, want);
  settled_ = want;
  return out;
}

inline void Evaluator::derivatives(Evaluation& out, bool reml, Want want) {
  const Structure& s = *s_;
  const int p1 = s.p1, nd = static_cast<int>(dirs_.size());
  const bool informs = nd && want != Want::gradient;
  const idx ld = s.dense_dim, dense_rhs = s.rhs[s.nodes] - s.rhs[s.m];
  const idx dense_effects = s.effect[s.nodes] - s.effect[s.m];
  for (Sums& part : parts_) {
    reset(part, nd + 1);
    part.info.assign(idx(nd) * nd, 0.0);
    part.nu.assign(idx(nd) * p1, 0.0);
    part.dense.assign(dense_rhs, 0.0);
  }
  sol_.resize(s.rhs[s.nodes]);
  E_ = B_;
  Minv_.resize(s.diag[s.nodes]);
  ra_.assign(s.effects * nd, 0.0);
  on_.assign(s.factors.size(), {});
  for (int t = 0; t < nd; ++t) on_[dirs_[t].factor].push_back(t);
  a_base_.assign(s.factors.size() + 1, 0);
  for (std::size_t f = 0; f < s.factors.size(); ++f)
    a_base_[f + 1] = a_base_[f] + idx(s.factors[f].levels) * s.factors[f].k * on_[f].size();
  a_.resize(a_base_.back());
  if (keep_inverse_ || std::find(s.merges.begin(), s.merges.end(), 1) != s.merges.end())
    Y_.resize(s.A_panel.size());
  std::vector<double> scratch = make_scratch();

  // solutions M^-1 Lambda'Z'[X y]
  std::vector<double> xT = hT_;
  if (ld) dense_solve(S_.data(), s.dense_dim, xT.data(), p1, true);
  for (int v = s.m; v < s.nodes; ++v)
    for (int i = 0; i < s.k_of(v); ++i)
      for (int c = 0; c < p1; ++c)
        sol_[s.rhs[v] + i * p1 + c] = xT[s.dense_col[v - s.m] + i + c * ld];
#define ML_ARGS v
  auto solve_range = [&](int begin, int end) {
    for (int v = end - 1; v >= begin; --v) ML_BY_SIZE(s.k_of(v), solve)
  };
#undef ML_ARGS
#define ML_ARGS v, sums, scr
  auto inform_range = [&](int begin, int end, Sums& sums, std::vector<double>& scr) {
    for (int v = begin; v < end; ++v) ML_BY_SIZE(s.k_of(v), information)
  };
  auto inverse_range = [&](int begin, int end, Sums& sums, std::vector<double>& scr) {
    for (int v = end - 1; v >= begin; --v) ML_BY_SIZE(s.k_of(v), inverse)
  };
#undef ML_ARGS
  if (s.nbr.empty()) {  // no links: all sweeps on a few nodes at a time, while they are in cache
    over_chunks(false, [&](int begin, int end, Sums& sums, std::vector<double>& scr) {
      for (int at = begin; at < end; at += 128) {
        const int stop = std::min(at + 128, end);
        solve_range(at, stop);
        for (int v = at; v < stop; ++v) {
          product(v, sums.dense, scr);
          moments_of(v, reml, sums, scr);
          if (!informs) continue;
          direction_vectors(v);
          start_information(v, sums, scr);
        }
        if (informs) inform_range(at, stop, sums, scr);
        if (want >= Want::gradient) inverse_range(at, stop, sums, scr);
      }
    });
  } else {
    over_chunks(true, [&](int begin, int end, Sums&, std::vector<double>&) { solve_range(begin, end); });
    over_chunks(false, [&](int begin, int end, Sums& sums, std::vector<double>& scr) {
      for (int v = begin; v < end; ++v) product(v, sums.dense, scr);
    });
    std::vector<double> none;
    for (int v = s.m; v < s.nodes; ++v) product(v, none, scratch);
    for (const Sums& part : parts_)
      for (idx i = 0; i < dense_rhs; ++i) E_[s.rhs[s.m] + i] += part.dense[i];
    for (const TrunkBlock& b : s.trunk_blocks) {
      const int ka = s.k_of(b.a), kb = s.k_of(b.b);
      const double* A = &s.A_trunk[b.offset];
      double* t = scratch.data();
      std::fill_n(t, kb * p1, 0.0);
      gemm(1, lam(s.factor[b.b]), kb, &sol_[s.rhs[b.b]], p1, t, p1, kb, kb, p1);
      gemm(-1, A, kb, t, p1, &E_[s.rhs[b.a]], p1, ka, kb, p1);
      std::fill_n(t, ka * p1, 0.0);
      gemm(1, lam(s.factor[b.a]), ka, &sol_[s.rhs[b.a]], p1, t, p1, ka, ka, p1);
      gemm_tn(-1, A, kb, t, p1, &E_[s.rhs[b.b]], p1, kb, ka, p1);
    }
    over_chunks(false, [&](int begin, int end, Sums& sums, std::vector<double>& scr) {
      for (int v = begin; v < end; ++v) moments_of(v, reml, sums, scr);
    });
    for (int v = s.m; v < s.nodes; ++v) moments_of(v, reml, parts_.back(), scratch);
    if (informs) {
      for (Sums& part : parts_) part.dense.assign(dense_effects * nd, 0.0);
      over_chunks(false, [&](int begin, int end, Sums&, std::vector<double>&) {
        for (int v = begin; v < end; ++v) direction_vectors(v);
      });
      for (int v = s.m; v < s.nodes; ++v) direction_vectors(v);
      over_chunks(false, [&](int begin, int end, Sums& sums, std::vector<double>& scr) {
        for (int v = begin; v < end; ++v) start_information(v, sums, scr);
      });
      over_chunks(false, inform_range);
      Sums& last = parts_.back();
      for (int v = s.m; v < s.nodes; ++v) start_information(v, last, scratch);
      for (const TrunkBlock& b : s.trunk_blocks)
        link_information(b.a, b.b, &s.A_trunk[b.offset], s.k_of(b.b), last, scratch.data());
      std::vector<double> g(ld * nd, 0.0);  // column-major for the dense solve
      for (const Sums& part : parts_)
        for (int v = s.m; v < s.nodes; ++v)
          for (int i = 0; i < s.k_of(v); ++i)
            for (int t = 0; t < nd; ++t)
              g[s.dense_col[v - s.m] + i + t * ld] +=
                  part.dense[(s.effect[v] - s.effect[s.m] + i) * nd + t];
      if (ld) dense_solve(S_.data(), s.dense_dim, g.data(), nd, false);
      for (int t = 0; t < nd; ++t)
        for (int r = 0; r <= t; ++r)
          for (idx i = 0; i < ld; ++i) last.info[t * nd + r] -= g[i + t * ld] * g[i + r * ld];
    }
    if (want >= Want::gradient) {
      if (ld) inverse_trunk(parts_.back(), scratch);
      over_chunks(true, inverse_range);
    }
  }
  if (want < Want::gradient) return;
  Sums total;
  reset(total, nd + 1);
  total.info.assign(idx(nd) * nd, 0.0);
  total.nu.assign(idx(nd) * p1, 0.0);
  sum_parts(total);
  finish(out, reml, want, total);
}

// Gradient 2 (G - R / s2) and Hessian from the sums (average information plus the exact term of the
// second derivative of V; Gilmour, Thompson & Cullis 1995 without and with that term).
inline void Evaluator::finish(Evaluation& out, bool reml, Want want, const Sums& total) const {
  const Structure& s = *s_;
  const std::vector<Direction>& dirs = dirs_;
  const int nd = static_cast<int>(dirs.size()), p1 = s.p1, p = p1 - 1;
  const double m = reml ? n_ - p : n_, s2 = out.rss / m;
  std::vector<double> G = total.G, K = total.G;
  for (std::size_t f = 0; f < s.factors.size(); ++f) {  // K = G Lambda^-1 - N F N', symmetric
    const int k = s.factors[f].k;
    double* Kf = &K[block_[f]];
    solve_right(lam(static_cast<int>(f)), k, Kf);
    for (int i = 0; i < k; ++i)
      for (int j = 0; j <= i; ++j) {
        Kf[i * k + j] = Kf[j * k + i] = 0.5 * (Kf[i * k + j] + Kf[j * k + i]);
        if (reml) Kf[i * k + j] -= total.NFN[block_[f] + i * k + j];
        if (reml && i != j) Kf[j * k + i] -= total.NFN[block_[f] + j * k + i];
      }
  }
  if (reml)
    for (idx i = 0; i < block_.back(); ++i) G[i] -= total.NFB[i];
  out.gradient.assign(nd, 0.0);
  out.hessian.assign(idx(nd) * nd, 0.0);
  std::vector<double> q(nd);
  for (int t = 0; t < nd; ++t) {
    const Direction& d = dirs[t];
    const int k = s.factors[d.factor].k;
    for (std::size_t i = 0; i < d.w.size(); ++i) {
      const idx at = block_[d.factor] + (d.start + i) * k + d.col;
      q[t] += 2 * d.w[i] * total.R[at];
      out.gradient[t] += 2 * d.w[i] * G[at];
    }
    out.gradient[t] -= q[t] / s2;
  }
  if (want == Want::expansion) {
    out.q = q;
    out.information.assign(idx(nd) * nd, 0.0);
    out.rss_hessian.assign(idx(nd) * nd, 0.0);
    for (int t = 0; t < nd; ++t) out.nu.insert(out.nu.end(), &total.nu[t * p1], &total.nu[t * p1] + p);
  }
  for (int t = 0; t < nd; ++t)
    for (int r = 0; r <= t; ++r) {
      double v = total.info[t * nd + r];
      for (int a = 0; a < p; ++a)
        for (int b = 0; b < p; ++b)
          v -= total.nu[t * p1 + a] * out.F[a * p + b] * total.nu[r * p1 + b];
      double bend = 2 * v;
      if (want == Want::expansion) out.information[t * nd + r] = out.information[r * nd + t] = v;
      v = v / s2 - q[t] * q[r] / (m * s2 * s2);
      if (dirs[t].factor == dirs[r].factor && dirs[t].col == dirs[r].col) {
        const Direction &a = dirs[t], &b = dirs[r];
        const int k = s.factors[a.factor].k;
        for (std::size_t i = 0; i < a.w.size(); ++i)
          for (std::size_t j = 0; j < b.w.size(); ++j) {
            const idx at = block_[a.factor] + (a.start + i) * k + b.start + j;
            v += 2 * a.w[i] * b.w[j] * (K[at] - total.P[at] / s2);
            bend -= 2 * a.w[i] * b.w[j] * total.P[at];
          }
      }
      out.hessian[t * nd + r] = out.hessian[r * nd + t] = v;
      if (want == Want::expansion) out.rss_hessian[t * nd + r] = out.rss_hessian[r * nd + t] = bend;
    }
}

}  // namespace ml
