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
};

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

  // Criterion at Lambda (k x k blocks, factor by factor); derivatives along `directions` if wanted.
  Evaluation evaluate(const double* lambda, bool reml, const std::vector<Direction>& directions,
                      bool derivatives, bool keep_inverse = false);

  double criterion(const Evaluation& ev, bool reml) const {
    const double m = reml ? n_ - p() : n_;
    return ev.log_det + (reml ? ev.log_det_x : 0) + m * (1 + std::log(2 * M_PI * ev.rss / m));
  }

  // Makes solution() and inverse_diagonal() those at Lambda; nothing to do if the last evaluation
  // with derivatives was there. With `keep_inverse`, M^-1 on all links too (for hat_value).
  bool settle(const double* lambda, bool reml, bool keep_inverse) {
    if (settled_ && settled_reml_ == reml && (!keep_inverse || keep_inverse_) &&
        std::equal(lam_.begin(), lam_.end(), lambda))
      return true;
    return evaluate(lambda, reml, {}, true, keep_inverse).ok;
  }

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
  bool keep_inverse_ = false, settled_ = false, settled_reml_ = false;

  const double* lam(int f) const { return lam_.data() + block_[f]; }
  bool isolated() const { return s_->nbr.empty(); }
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
  void derivatives(Evaluation& out, bool reml);
  void finish(Evaluation& out, bool reml, const Sums& total) const;
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

inline Evaluation Evaluator::evaluate(const double* lambda, bool reml,
                                      const std::vector<Direction>& directions, bool derivatives_wanted,
                                      bool keep_inverse) {
  const Structure& s = *s_;
  const int p1 = s.p1, p = p1 - 1;
  lam_.assign(lambda, lambda + block_.back());
  dirs_ = directions;
  keep_inverse_ = keep_inverse;
  settled_ = false;
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
  if (derivatives_wanted) {
    derivatives(out, reml);
    settled_ = true;
  }
  return out;
}

inline void Evaluator::derivatives(Evaluation& out, bool reml) {
  const Structure& s = *s_;
  const int p1 = s.p1, nd = static_cast<int>(dirs_.size());
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
  if (isolated()) {  // no links: all sweeps on a few nodes at a time, while they are in cache
    over_chunks(false, [&](int begin, int end, Sums& sums, std::vector<double>& scr) {
      for (int at = begin; at < end; at += 128) {
        const int stop = std::min(at + 128, end);
        solve_range(at, stop);
        for (int v = at; v < stop; ++v) {
          product(v, sums.dense, scr);
          moments_of(v, reml, sums, scr);
          if (!nd) continue;
          direction_vectors(v);
          start_information(v, sums, scr);
        }
        if (nd) inform_range(at, stop, sums, scr);
        inverse_range(at, stop, sums, scr);
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
    if (nd) {
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
    if (ld) inverse_trunk(parts_.back(), scratch);
    over_chunks(true, inverse_range);
  }
  Sums total;
  reset(total, nd + 1);
  total.info.assign(idx(nd) * nd, 0.0);
  total.nu.assign(idx(nd) * p1, 0.0);
  sum_parts(total);
  finish(out, reml, total);
}

// Gradient 2 (G - R / s2) and Hessian from the sums (average information plus the exact term of the
// second derivative of V; Gilmour, Thompson & Cullis 1995 without and with that term).
inline void Evaluator::finish(Evaluation& out, bool reml, const Sums& total) const {
  const Structure& s = *s_;
  const std::vector<Direction>& dirs = dirs_;
  const int nd = static_cast<int>(dirs.size()), p1 = s.p1, p = p1 - 1;
  const double m = reml ? n_ - p : n_, s2 = out.rss / m;
  std::vector<double> G = total.G, K(block_.back());
  for (std::size_t f = 0; f < s.factors.size(); ++f) {  // K = G Lambda^-1 by Gaussian elimination
    const int k = s.factors[f].k;
    std::vector<double> lu(lam(f), lam(f) + k * k), x(G.begin() + block_[f], G.begin() + block_[f + 1]);
    std::vector<double> a(k * k), b(k * k);
    for (int i = 0; i < k; ++i)
      for (int j = 0; j < k; ++j) {
        a[i * k + j] = lu[j * k + i];
        b[i * k + j] = x[j * k + i];
      }
    for (int j = 0; j < k; ++j) {
      int piv = j;
      for (int i = j + 1; i < k; ++i)
        if (std::fabs(a[i * k + j]) > std::fabs(a[piv * k + j])) piv = i;
      if (piv != j)
        for (int c = 0; c < k; ++c) {
          std::swap(a[piv * k + c], a[j * k + c]);
          std::swap(b[piv * k + c], b[j * k + c]);
        }
      const double d = a[j * k + j];
      if (d == 0) continue;  // callers keep Lambda nonsingular when they use the Hessian
      for (int i = j + 1; i < k; ++i) {
        const double q = a[i * k + j] / d;
        for (int c = 0; c < k; ++c) {
          a[i * k + c] -= q * a[j * k + c];
          b[i * k + c] -= q * b[j * k + c];
        }
      }
    }
    for (int j = k - 1; j >= 0; --j)
      for (int c = 0; c < k; ++c) {
        double v = b[j * k + c];
        for (int i = j + 1; i < k; ++i) v -= a[j * k + i] * b[i * k + c];
        b[j * k + c] = a[j * k + j] != 0 ? v / a[j * k + j] : 0;
      }
    for (int i = 0; i < k; ++i)
      for (int j = 0; j < k; ++j)
        K[block_[f] + i * k + j] = 0.5 * (b[j * k + i] + b[i * k + j]) -
                                   (reml ? total.NFN[block_[f] + i * k + j] : 0.0);
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
  for (int t = 0; t < nd; ++t)
    for (int r = 0; r <= t; ++r) {
      double v = total.info[t * nd + r];
      for (int a = 0; a < p; ++a)
        for (int b = 0; b < p; ++b)
          v -= total.nu[t * p1 + a] * out.F[a * p + b] * total.nu[r * p1 + b];
      v = v / s2 - q[t] * q[r] / (m * s2 * s2);
      if (dirs[t].factor == dirs[r].factor && dirs[t].col == dirs[r].col) {
        const Direction &a = dirs[t], &b = dirs[r];
        const int k = s.factors[a.factor].k;
        for (std::size_t i = 0; i < a.w.size(); ++i)
          for (std::size_t j = 0; j < b.w.size(); ++j) {
            const idx at = block_[a.factor] + (a.start + i) * k + b.start + j;
            v += 2 * a.w[i] * b.w[j] * (K[at] - total.P[at] / s2);
          }
      }
      out.hessian[t * nd + r] = out.hessian[r * nd + t] = v;
    }
}

}  // namespace ml
