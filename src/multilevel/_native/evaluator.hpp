// The profiled criterion with its exact gradient and average-information Hessian.
//
// Notation: A = Z'Z, M = Lambda'A Lambda + I, V = I + Z Lambda Lambda'Z', P = V^-1 - V^-1 X F X'V^-1,
// F = (X'V^-1 X)^-1, rho = Z'Py, u = Lambda' rho. Everything is in the scaled coordinates of Rows.
// Sweeps: eliminate (forward), solve (backward), residual (E = Z'V^-1 [X y]), information (forward
// with one right-hand side per direction), inverse (M^-1 on the pattern of M, Takahashi et al. 1973).
#pragma once
#include <memory>
#include <mutex>

#include "dense.hpp"
#include "parallel.hpp"
#include "structure.hpp"

namespace ml {

// A direction in which derivatives are taken: dLambda = w e_col' for one factor, where w is nonzero
// in rows start .. start + w.size() - 1 (the term's rows).
struct Direction {
  int factor, col, start;
  std::vector<double> w;
};

struct Evaluation {
  bool ok = false;
  double log_det = 0;       // log |M|
  double log_det_x = 0;     // log |X'V^-1 X|
  double rss = 0;           // y'Py
  std::vector<double> beta, F, gradient, hessian;
  // only for Want::expansion, one entry or row per direction:
  std::vector<double> q;            // rho'W_t rho = -d rss
  std::vector<double> nu;           // X'V^-1 Z W_t rho, p each
  std::vector<double> information;  // rho'W_t Z'PZ W_s rho
  std::vector<double> rss_hessian;  // second derivatives of rss
};

// What an evaluation leaves behind: the criterion; also the solution (modes, fixed effects); also the
// derivatives and M^-1; also the parts of the derivatives.
enum class Want { criterion, solution, gradient, derivatives, expansion };

// Sums of one chunk (or of everything).
struct Sums {
  double log_det = 0;
  bool ok = true;
  std::vector<double> T, G, R, P, NFN, NFB, info, nu, dense;
};

class Evaluator {
 public:
  Evaluator(std::shared_ptr<const Structure> s, std::vector<double> B, std::vector<double> T0,
            double n_rows, int threads)
      : s_(std::move(s)), B_(std::move(B)), T0_(std::move(T0)), n_(n_rows), threads_(threads) {
    idx at = 0;
    for (const Factor& f : s_->factors) {
      block_.push_back(at);
      at += idx(f.k) * f.k;
    }
    block_.push_back(at);
  }

  const Structure& structure() const { return *s_; }
  std::shared_ptr<const Structure> shared_structure() const { return s_; }
  idx lambda_size() const { return block_.back(); }
  const std::vector<double>& B() const { return B_; }
  const std::vector<double>& T0() const { return T0_; }
  double n_rows() const { return n_; }
  int threads() const { return threads_; }
  void set_threads(int t) { threads_ = t; }

  // Criterion at Lambda (k x k blocks, factor by factor), derivatives along `directions`.
  Evaluation evaluate(const double* lambda, bool reml, const std::vector<Direction>& directions, Want want,
                      bool keep_inverse = false);

  double criterion(const Evaluation& ev, bool reml) const {
    const double m = reml ? n_ - p() : n_;
    return ev.log_det + (reml ? ev.log_det_x : 0) + m * (1 + std::log(2 * M_PI * ev.rss / m));
  }

  // Makes solution() that at Lambda and, if wanted, inverse_diagonal(); nothing to do if the last
  // evaluation was there. With `keep_inverse`, M^-1 on all links too (for inverse_entry).
  bool settle(const double* lambda, bool reml, bool inverse, bool keep_inverse) {
    const Want want = inverse ? Want::derivatives : Want::solution;
    if (settled_ >= want && settled_reml_ == reml && (!keep_inverse || keep_inverse_) &&
        std::equal(lam_.begin(), lam_.end(), lambda))
      return true;
    return evaluate(lambda, reml, {}, want, keep_inverse).ok;
  }

  // X'V^-1 Z W_t Z'V^-1 X for every direction of the last evaluation (p x p each).
  std::vector<double> fixed_products() const;
  // Exact Hessian there, from the outcome of that evaluation; for models without links only.
  std::vector<double> exact_hessian(const Evaluation& ev, bool reml) const;
  bool isolated() const { return s_->nbr.empty() && s_->trunk_blocks.empty(); }

  // Per node in its k x p1 / k x k layout: [B u] with B = M^-1 Lambda'Z'X, and blocks of M^-1.
  const std::vector<double>& solution() const { return sol_; }
  const std::vector<double>& inverse_diagonal() const { return Minv_; }
  const std::vector<double>& fixed_covariance() const { return F_; }
  double residual_sum() const { return rss_; }
  const std::vector<double>& fixed_effects() const { return beta_; }
  const double* lambda_block(int f) const { return lam(f); }
  // M^-1 between effect i of node a and effect j of node b, which share a row (keep_inverse).
  double inverse_entry(int a, int i, int b, int j) const {
    const Structure& s = *s_;
    if (a == b) return Minv_[s.diag[a] + i * s.k_of(a) + j];
    if (a > b) return inverse_entry(b, j, a, i);
    if (a < s.m) {
      const idx e = s.find(a, b);
      return Y_[s.panel[a] + idx(s.nbr_col[e] + j) * s.k_of(a) + i];
    }
    const idx r = s.dense_col[b - s.m] + j, c = s.dense_col[a - s.m] + i;
    return r >= c ? S_[r + c * s.dense_dim] : S_[c + r * s.dense_dim];
  }

 private:
  std::shared_ptr<const Structure> s_;
  std::vector<double> B_, T0_;
  double n_;
  int threads_;
  std::vector<idx> block_;  // factor -> offset of its k x k block
  std::vector<double> lam_, L_, H_, h_, S_, hT_, sol_, E_, Minv_, Y_, ra_;
  std::vector<Sums> parts_;
  std::vector<Direction> dirs_;
  std::vector<std::vector<int>> on_;  // factor -> its directions
  std::vector<idx> a_base_;           // factor -> offset of its nodes' direction vectors in a_
  std::vector<double> a_;             // node -> a_t, k x (directions on its factor)
  std::vector<double> beta_, F_;
  double rss_ = 0;
  bool keep_inverse_ = false, settled_reml_ = false;
  Want settled_ = Want::criterion;  // what is there for lam_

  const double* lam(int f) const { return lam_.data() + block_[f]; }
  int p() const { return s_->p1 - 1; }
  double* vectors(int v) {
    const int f = s_->factor[v];
    return a_.data() + a_base_[f] + idx(s_->level[v]) * s_->k_of(v) * on_[f].size();
  }

  std::vector<double> make_scratch() const {
    return std::vector<double>(s_->max_k * (8 * s_->max_k + 4 * s_->p1 + dirs_.size()) + 64);
  }
  template <class Body>
  void over_chunks(bool reverse, Body&& body);
  template <int K>
  void eliminate(int v, Sums& sums, std::vector<double>& scratch);
  void update_later(int v, const double* H, const double* h);
  void scaled_diag(int v, double* out, bool add_identity, std::vector<double>& scratch) const;
  void assemble_trunk();
  std::vector<int> trunk_rows(int v) const;
  void scatter(int first, int last);
  template <int K>
  void solve(int v);
  void product(int v, std::vector<double>& dense, std::vector<double>& scratch);
  void moments_of(int v, bool reml, Sums& sums, std::vector<double>& scratch) const;
  void direction_vectors(int v);
  void add_rhs(int n, int from, const double* x, std::vector<double>& dense);
  void link_information(int v, int n, const double* A, idx w, Sums& sums, double* scratch);
  void start_information(int v, Sums& sums, std::vector<double>& scratch);
  template <int K>
  void information(int v, Sums& sums, std::vector<double>& scratch);
  template <int K>
  void inverse(int v, Sums& sums, std::vector<double>& scratch);
  void gather(int v, const double* Hh, double* Y) const;
  void inverse_trunk(Sums& sums, std::vector<double>& scratch);
  void derivatives(Evaluation& out, bool reml, Want want);
  void finish(Evaluation& out, bool reml, Want want, const Sums& total) const;
  void sum_parts(Sums& total) const;
  void reset(Sums& sums, std::size_t directions) const;
};

#define ML_BY_SIZE(k, call)                 \
  switch (k) {                              \
    case 1: this->template call<1>(ML_ARGS); break; \
    case 2: this->template call<2>(ML_ARGS); break; \
    case 3: this->template call<3>(ML_ARGS); break; \
    case 4: this->template call<4>(ML_ARGS); break; \
    default: this->template call<0>(ML_ARGS);       \
  }

// Sparse nodes chunk by chunk (in parallel), then those above all chunks; or the other way round.
template <class Body>
void Evaluator::over_chunks(bool reverse, Body&& body) {
  const Structure& s = *s_;
  auto range = [&](int begin, int end, Sums& sums) {
    std::vector<double> scratch = make_scratch();
    body(begin, end, sums, scratch);
  };
  const int chunks = static_cast<int>(s.chunks.size());
  if (reverse && s.top < s.m) range(s.top, s.m, parts_.back());
  parallel_for(chunks, threads_, [&](int c) { range(s.chunks[c].begin, s.chunks[c].end, parts_[c]); });
  if (!reverse && s.top < s.m) range(s.top, s.m, parts_.back());
}

inline void Evaluator::reset(Sums& sums, std::size_t nd) const {
  const Structure& s = *s_;
  const std::size_t blocks = block_.back(), p1 = s.p1;
  sums.log_det = 0;
  sums.ok = true;
  sums.T.assign(p1 * p1, 0.0);
  if (nd == 0) return;
  for (auto* v : {&sums.G, &sums.R, &sums.P, &sums.NFN, &sums.NFB}) v->assign(blocks, 0.0);
  sums.info.assign(nd * nd, 0.0);
  sums.nu.assign(nd * p1, 0.0);
}

inline void Evaluator::sum_parts(Sums& total) const {
  auto add = [](std::vector<double>& to, const std::vector<double>& from) {
    for (std::size_t i = 0; i < to.size() && i < from.size(); ++i) to[i] += from[i];
  };
  for (const Sums& part : parts_) {
    total.log_det += part.log_det;
    total.ok &= part.ok;
    add(total.T, part.T);
    add(total.G, part.G);
    add(total.R, part.R);
    add(total.P, part.P);
    add(total.NFN, part.NFN);
    add(total.NFB, part.NFB);
    add(total.info, part.info);
    add(total.nu, part.nu);
  }
}

}  // namespace ml
