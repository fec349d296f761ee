// Damped Newton on the free entries of Lambda, unconstrained (signs are fixed afterwards).
//
// The Hessian is the average information plus the exact second-derivative term of V; directions of
// negative or vanishing curvature are taken by the absolute value of the curvature, so saddle points
// repel. Damping (Levenberg) is raised only after a step that did not lower the criterion.
#pragma once
#include <functional>

#include "evaluate.hpp"

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

struct NewtonResult {
  std::vector<double> theta, log;
  double criterion = 0, decrement = 0;
  int derivatives = 0;  // evaluations with derivatives
  bool converged = false, ok = false;
};

class Newton {
 public:
  Newton(Evaluator& e, std::vector<Direction> entries, bool reml, double tolerance, int max_evaluations,
         std::function<void(double)> observe)
      : e_(e), entries_(std::move(entries)), reml_(reml), tol_(tolerance), max_(max_evaluations),
        observe_(std::move(observe)) {}

  double criterion(const Evaluation& ev) const {
    const double m = reml_ ? e_.n_rows() - (e_.structure().p1 - 1) : e_.n_rows();
    return ev.log_det + (reml_ ? ev.log_det_x : 0) + m * (1 + std::log(2 * M_PI * ev.rss / m));
  }

  NewtonResult run(std::vector<double> theta) {
    const int nt = static_cast<int>(theta.size());
    NewtonResult r;
    r.theta = theta;
    Evaluation ev = at(r.theta, r);
    if (!ev.ok) return r;
    r.ok = true;
    r.criterion = r.log.back();
    double mu = 0;
    std::vector<double> w, U, step(nt), trial(nt);
    while (true) {
      symmetric_eigen(ev.hessian, nt, w, U);
      double top = 0;
      for (double x : w) top = std::max(top, std::fabs(x));
      std::vector<double> slope(nt, 0.0);
      for (int i = 0; i < nt; ++i)
        for (int j = 0; j < nt; ++j) slope[i] += U[j * nt + i] * ev.gradient[j];
      r.decrement = 0;
      bool saddle = false;
      for (int i = 0; i < nt; ++i) {
        const double curvature = std::max(std::fabs(w[i]), 1e-7 * top);
        if (curvature > 0) r.decrement += slope[i] * slope[i] / curvature;
        saddle |= w[i] < -1e-6 * top && slope[i] * slope[i] > 1e-3 * tol_ * -w[i];
      }
      if (top == 0 || (r.decrement < tol_ && !saddle)) {
        r.converged = true;
        return r;
      }
      bool accepted = false;
      for (int attempt = 0; attempt < 25 && !accepted; ++attempt) {
        if (static_cast<int>(r.log.size()) >= max_) return r;
        double predicted = 0, length = 0;
        std::fill(step.begin(), step.end(), 0.0);
        for (int i = 0; i < nt; ++i) {
          const double c = -slope[i] / (std::max(std::fabs(w[i]), 1e-7 * top) + mu);
          predicted += c * slope[i] + 0.5 * w[i] * c * c;
          for (int j = 0; j < nt; ++j) step[j] += c * U[j * nt + i];
        }
        double size = 0;
        for (int j = 0; j < nt; ++j) {
          length = std::max(length, std::fabs(step[j]));
          size = std::max(size, std::fabs(r.theta[j]));
        }
        const double shrink = std::min(1.0, (1 + 2 * size) / std::max(length, 1e-300));
        for (int j = 0; j < nt; ++j) trial[j] = off_zero(j, r.theta[j] + shrink * step[j]);
        Evaluation next = at(trial, r);
        const double noise = 1e-13 * (std::fabs(r.criterion) + e_.n_rows());
        if (next.ok && r.log.back() <= r.criterion + noise) {
          const double gain = r.criterion - r.log.back();
          accepted = true;
          if (gain < 0.1 * -predicted && -predicted > 1e-6) mu = std::max(4 * mu, 0.02 * top);
          else mu = mu > 1e-3 * top ? mu / 8 : 0;
          r.theta = trial;
          r.criterion = r.log.back();
          ev = std::move(next);
        } else {
          mu = std::max(4 * mu, 0.05 * top);
        }
      }
      if (!accepted) {  // the criterion cannot be lowered any more: rounding, or a failure
        r.converged = r.decrement < 1e-6;
        return r;
      }
    }
  }

 private:
  Evaluator& e_;
  std::vector<Direction> entries_;
  bool reml_;
  double tol_;
  int max_;
  std::function<void(double)> observe_;

  // The Hessian needs a nonsingular Lambda: diagonal entries keep a hair's distance from zero.
  double off_zero(int t, double x) const {
    constexpr double kHair = 1e-7;
    if (entries_[t].row != entries_[t].col || std::fabs(x) >= kHair) return x;
    return x < 0 ? -kHair : kHair;
  }

  Evaluation at(const std::vector<double>& theta, NewtonResult& r) {
    std::vector<double> lambda(e_.lambda_size(), 0.0);
    fill(theta, lambda);
    Evaluation ev = e_.evaluate(lambda.data(), reml_, entries_, true);
    const double value = ev.ok ? criterion(ev) : std::numeric_limits<double>::infinity();
    ev.ok = ev.ok && std::isfinite(value);
    r.log.push_back(value);
    ++r.derivatives;
    if (observe_) observe_(value);
    return ev;
  }

  void fill(const std::vector<double>& theta, std::vector<double>& lambda) const {
    const Structure& s = e_.structure();
    std::vector<idx> block(s.factors.size() + 1, 0);
    for (std::size_t f = 0; f < s.factors.size(); ++f) block[f + 1] = block[f] + idx(s.factors[f].k) * s.factors[f].k;
    for (std::size_t t = 0; t < theta.size(); ++t)
      lambda[block[entries_[t].factor] + entries_[t].row * s.factors[entries_[t].factor].k + entries_[t].col] = theta[t];
  }
};

// Starting values: variance of each random-effect column by the method of moments, one at a time.
inline std::vector<double> moment_start(const Evaluator& e, const std::vector<Direction>& entries) {
  const Structure& s = e.structure();
  const int p1 = s.p1, p = p1 - 1;
  const double yy = e.T0()[p * p1 + p], n = e.n_rows();
  std::vector<std::vector<double>> share(s.factors.size());
  double explained = 0;
  for (std::size_t f = 0; f < s.factors.size(); ++f) {
    const int k = s.factors[f].k;
    share[f].assign(k, 0.0);
    for (int v : s.factors[f].node)
      for (int j = 0; j < k; ++j) {
        const double a = s.A_diag[s.diag[v] + j * k + j], b = e.B()[s.rhs[v] + j * p1 + p];
        if (a > 0) share[f][j] += b * b / a;
      }
    const double chance = s.factors[f].levels / n;
    for (double& x : share[f]) {
      x = std::min(std::max((x / yy - chance) / std::max(1 - chance, 0.05), 0.02), 0.9);
      explained += x;
    }
  }
  std::vector<double> theta;
  for (const Direction& d : entries)
    theta.push_back(d.row != d.col ? 0.0
                                   : std::sqrt(share[d.factor][d.row] / std::max(1 - explained, 0.1)));
  return theta;
}

}  // namespace ml
