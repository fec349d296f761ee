// Damped Newton for the relative covariance factors.
//
// Each term's Lambda is kept as U diag(s) (left singular vectors and singular values, descending):
// only Lambda Lambda' matters, and steps are taken in the lower triangle of the basis U. In that
// basis a variance that vanishes is one coordinate that goes to zero; in the basis of the data it can
// be the end of a curved valley. The Hessian is the average information plus the exact
// second-derivative term of V. Directions of negative curvature are taken by its absolute value, so
// saddle points repel; damping (Levenberg) is raised only after a step that did not lower the
// criterion. Where the average information is a poor guide (few groups) and convergence becomes slow,
// the exact Hessian takes over.
#pragma once
#include <functional>
#include <limits>

#include "evaluate.hpp"
#include "spectral.hpp"

namespace ml {

// One term's place in its factor's block of Lambda.
struct TermBlock {
  int factor, start, k;
  bool independent;
};

struct NewtonResult {
  std::vector<double> lambda, log;
  double criterion = std::numeric_limits<double>::infinity(), decrement = 0;
  bool converged = false, ok = false;
};

class Newton {
 public:
  Newton(Evaluator& e, std::vector<TermBlock> terms, bool reml, double tolerance, int max_evaluations,
         std::function<void(double)> observe)
      : e_(e), terms_(std::move(terms)), reml_(reml), tol_(tolerance), max_(max_evaluations),
        observe_(std::move(observe)) {
    for (const TermBlock& t : terms_) n_ += t.independent ? t.k : t.k * (t.k + 1) / 2;
  }

  NewtonResult run(const std::vector<double>& start) {
    Point here = evaluate(start);
    if (here.ok) {
      result_.ok = true;
      result_.converged = descend(here);
      result_.lambda = here.lambda;
      result_.criterion = here.criterion;
    }
    return std::move(result_);
  }

 private:
  // A point in singular form with its derivatives.
  struct Point {
    bool ok = false;
    double criterion = std::numeric_limits<double>::infinity();
    std::vector<double> lambda, gradient, hessian;
    std::vector<Direction> directions;
  };
  // Curvatures and slopes along the eigenvectors of the Hessian.
  struct Model {
    std::vector<double> w, U, slope;
    double top = 0;
    double curvature(std::size_t i) const { return std::max(std::fabs(w[i]), 1e-8 * top); }
  };

  Evaluator& e_;
  std::vector<TermBlock> terms_;
  bool reml_;
  double tol_;
  int max_, n_ = 0;
  std::function<void(double)> observe_;
  NewtonResult result_;

  static constexpr int kSlow = 3;         // slow steps after which the exact Hessian is used
  static constexpr double kHair = 1e-8;  // singular values stay this far from zero (see K in finish)

  idx block(int factor) const {
    idx at = 0;
    for (int f = 0; f < factor; ++f) at += idx(e_.structure().factors[f].k) * e_.structure().factors[f].k;
    return at;
  }

  Point evaluate(const std::vector<double>& lambda) {
    Point p;
    p.lambda = lambda;
    canonical(p);
    at(p);
    return p;
  }

  // Brings p.lambda to singular form and sets the directions of its basis.
  void canonical(Point& p) const {
    for (const TermBlock& t : terms_) {
      const int ld = e_.structure().factors[t.factor].k;
      double* L = &p.lambda[block(t.factor) + idx(t.start) * ld + t.start];
      if (t.independent) {
        for (int j = 0; j < t.k; ++j) {
          double& x = L[j * ld + j];
          if (std::fabs(x) < kHair) x = kHair;
          p.directions.push_back({t.factor, t.start + j, t.start + j, {1.0}});
        }
        continue;
      }
      std::vector<double> a(idx(t.k) * t.k), U;
      for (int i = 0; i < t.k; ++i)
        for (int j = 0; j < t.k; ++j) a[i * t.k + j] = L[i * ld + j];
      singular_form(a, t.k, U);
      for (int j = 0; j < t.k; ++j) {
        double s = 0;
        for (int i = 0; i < t.k; ++i) s += a[i * t.k + j] * U[i * t.k + j];
        s = std::max(s, kHair);
        for (int i = 0; i < t.k; ++i) L[i * ld + j] = s * U[i * t.k + j];
        for (int i = j; i < t.k; ++i) {
          Direction d{t.factor, t.start + j, t.start, {}};
          for (int r = 0; r < t.k; ++r) d.w.push_back(U[r * t.k + i]);
          p.directions.push_back(std::move(d));
        }
      }
    }
  }

  // Criterion and derivatives at p.lambda along p.directions.
  void at(Point& p) {
    Evaluation ev = e_.evaluate(p.lambda.data(), reml_, p.directions, Want::derivatives);
    if (ev.ok) p.criterion = e_.criterion(ev, reml_);
    p.ok = ev.ok && std::isfinite(p.criterion);
    if (!p.ok) p.criterion = std::numeric_limits<double>::infinity();
    p.gradient = std::move(ev.gradient);
    p.hessian = std::move(ev.hessian);
    result_.log.push_back(p.criterion);
    if (observe_) observe_(p.criterion);
  }

  // Replaces the Hessian of p by differences of the exact gradient.
  void sharpen(Point& p) {
    std::vector<double> hessian(idx(n_) * n_), step(n_, 0.0);
    for (int t = 0; t < n_; ++t) {
      const Direction& d = p.directions[t];
      const int ld = e_.structure().factors[d.factor].k;
      double size = 0;  // of the column that moves
      for (int i = 0; i < ld; ++i) size = std::max(size, std::fabs(p.lambda[block(d.factor) + i * ld + d.col]));
      step[t] = 1e-4 * (0.1 + size);
      Point q;
      q.lambda = moved(p, step);
      q.directions = p.directions;
      at(q);
      if (!q.ok) return;
      for (int r = 0; r < n_; ++r) hessian[t * n_ + r] = (q.gradient[r] - p.gradient[r]) / step[t];
      step[t] = 0;
    }
    for (int t = 0; t < n_; ++t)
      for (int r = 0; r < n_; ++r) p.hessian[t * n_ + r] = 0.5 * (hessian[t * n_ + r] + hessian[r * n_ + t]);
  }

  Model model(const Point& p) const {
    Model m;
    symmetric_eigen(p.hessian, n_, m.w, m.U);
    m.slope.assign(n_, 0.0);
    for (int i = 0; i < n_; ++i) {
      m.top = std::max(m.top, std::fabs(m.w[i]));
      for (int j = 0; j < n_; ++j) m.slope[i] += m.U[j * n_ + i] * p.gradient[j];
    }
    return m;
  }

  std::vector<double> moved(const Point& p, const std::vector<double>& step) const {
    std::vector<double> lambda = p.lambda;
    for (int t = 0; t < n_; ++t) {
      const Direction& d = p.directions[t];
      const int ld = e_.structure().factors[d.factor].k;
      for (std::size_t i = 0; i < d.w.size(); ++i)
        lambda[block(d.factor) + (d.start + i) * ld + d.col] += step[t] * d.w[i];
    }
    return lambda;
  }

  double noise(double criterion) const { return 1e-13 * (std::fabs(criterion) + e_.n_rows()); }

  // Newton steps from `here` until the decrement is below the tolerance; whether it got there.
  bool descend(Point& here) {
    double mu = 0;
    int idle = 0;  // accepted steps in a row that gained nothing beyond rounding
    int slow = 0;  // steps in a row that shrank the decrement by less than a factor of five
    double last = std::numeric_limits<double>::infinity();
    std::vector<double> step(n_);
    while (true) {
      if (slow >= kSlow) sharpen(here);
      const Model m = model(here);
      result_.decrement = 0;
      for (int i = 0; i < n_; ++i) result_.decrement += m.slope[i] * m.slope[i] / std::max(m.curvature(i), 1e-300);
      const double rate = std::min(1.0, result_.decrement / last);
      if (slow < kSlow) slow = result_.decrement < 1 && result_.decrement > 0.2 * last ? slow + 1 : 0;
      last = result_.decrement;
      if (m.top == 0) return true;
      // good enough when the last step, at the present rate, leaves nothing
      if (result_.decrement < tol_ && result_.decrement * rate < 1e-3 * tol_) {
        if (!leave_saddle(here, m)) {
          last_step(here, m);
          return true;
        }
        mu = 0;
        continue;
      }
      bool accepted = false;
      for (int attempt = 0; attempt < 25 && !accepted; ++attempt) {
        if (static_cast<int>(result_.log.size()) >= max_) return false;
        double length = 0, size = 0, predicted = 0;
        std::fill(step.begin(), step.end(), 0.0);
        for (int i = 0; i < n_; ++i) {
          const double c = -m.slope[i] / (m.curvature(i) + mu);
          for (int j = 0; j < n_; ++j) step[j] += c * m.U[j * n_ + i];
        }
        for (int t = 0; t < n_; ++t) length = std::max(length, std::fabs(step[t]));
        for (double x : here.lambda) size = std::max(size, std::fabs(x));
        const double shrink = std::min(1.0, (1 + 2 * size) / length);
        for (double& x : step) x *= shrink;
        for (int i = 0; i < n_; ++i) {
          double c = 0;
          for (int j = 0; j < n_; ++j) c += m.U[j * n_ + i] * step[j];
          predicted -= c * m.slope[i] + 0.5 * m.w[i] * c * c;
        }
        Point next = evaluate(moved(here, step));
        if (next.ok && next.criterion <= here.criterion + noise(here.criterion)) {
          accepted = true;
          const double gain = here.criterion - next.criterion;
          idle = gain > noise(here.criterion) ? 0 : idle + 1;
          mu = gain < 0.1 * predicted && predicted > 1e-6 ? std::max(4 * mu, 0.02 * m.top)
               : mu > 1e-3 * m.top                        ? mu / 8
                                                          : 0;
          here = std::move(next);
        } else {
          mu = std::max(4 * mu, 0.05 * m.top);
        }
      }
      // the criterion cannot be lowered any more: rounding, or a failure
      if (!accepted || idle == 2) return result_.decrement < 1e-6;
    }
  }

  // The Newton step from a point that is good enough: convergence is fast there, so that the step
  // squares the error for the price of a solution.
  void last_step(Point& here, const Model& m) {
    std::vector<double> step(n_, 0.0);
    for (int i = 0; i < n_; ++i)
      for (int j = 0; j < n_; ++j) step[j] -= m.slope[i] / m.curvature(i) * m.U[j * n_ + i];
    Point next;
    next.lambda = moved(here, step);
    canonical(next);
    const Evaluation ev = e_.evaluate(next.lambda.data(), reml_, {}, Want::solution);
    if (!ev.ok) return;
    next.criterion = e_.criterion(ev, reml_);
    result_.log.push_back(next.criterion);
    if (observe_) observe_(next.criterion);
    if (next.criterion <= here.criterion + noise(here.criterion)) here = std::move(next);
  }

  // At a stationary point: a step along the most negative curvature, if that lowers the criterion.
  bool leave_saddle(Point& here, const Model& m) {
    const int i = static_cast<int>(std::min_element(m.w.begin(), m.w.end()) - m.w.begin());
    if (m.w[i] > -1e-5 * m.top) return false;
    std::vector<double> step(n_);
    for (double length : {0.3, 0.05, -0.05}) {
      if (static_cast<int>(result_.log.size()) >= max_) return false;
      for (int j = 0; j < n_; ++j) step[j] = (m.slope[i] > 0 ? -length : length) * m.U[j * n_ + i];
      Point next = evaluate(moved(here, step));
      if (next.ok && next.criterion < here.criterion - 1e-9) {
        here = std::move(next);
        return true;
      }
    }
    return false;
  }
};

// Starting values (diagonal Lambda) by the method of moments: the variance of each random-effect column
// from its between-group sum of squares, one column at a time; the residual variance from separate
// regressions in the groups of each factor, where they leave degrees of freedom.
inline std::vector<double> moment_start(const Evaluator& e) {
  const Structure& s = e.structure();
  const int p1 = s.p1, p = p1 - 1;
  const double n = e.n_rows(), yy = e.T0()[p * p1 + p];
  std::vector<double> share, M, b;
  double explained = 0, residual = yy / n;
  for (const Factor& f : s.factors) {
    std::vector<double> own(f.k, 0.0);
    double between = 0, used = 0;
    for (int v : f.node) {
      const double* A = &s.A_diag[s.diag[v]];
      M.assign(A, A + f.k * f.k);
      b.resize(f.k);
      for (int j = 0; j < f.k; ++j) {
        b[j] = e.B()[s.rhs[v] + j * p1 + p];
        if (A[j * f.k + j] > 0) own[j] += b[j] * b[j] / A[j * f.k + j];
        M[j * f.k + j] += 1e-9 * (1 + A[j * f.k + j]);
      }
      double det = 1;
      if (!cholesky<0>(M.data(), f.k, det)) continue;
      solve_lower<0>(M.data(), f.k, b.data(), 1);
      for (double x : b) between += x * x;
      used += f.k;
    }
    if (n - used > 0.1 * n) residual = std::min(residual, (yy - between) / (n - used));
    const double chance = f.levels / n;
    for (double& x : own) {
      x = std::min(std::max((x / yy - chance) / std::max(1 - chance, 0.05), 0.02), 0.9);
      explained += x;
    }
    share.insert(share.end(), own.begin(), own.end());
  }
  residual = std::max(std::min(residual, std::max(1 - explained, 0.1) * yy / n), 1e-5 * yy / n);
  std::vector<double> lambda;
  std::size_t at = 0;
  for (const Factor& f : s.factors)
    for (int i = 0; i < f.k; ++i, ++at)
      for (int j = 0; j < f.k; ++j) lambda.push_back(i == j ? std::sqrt(share[at] * yy / n / residual) : 0.0);
  return lambda;
}

}  // namespace ml
