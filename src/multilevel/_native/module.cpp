// Bindings. Arrays come as C-contiguous float64 / int32; the caller (multilevel.solver) checks them.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "analyse.hpp"
#include "basis.hpp"
#include "evaluate.hpp"
#include "expansion.hpp"
#include "newton.hpp"
#include "rows.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using ml::idx;
using Vec = nb::ndarray<const double, nb::c_contig, nb::device::cpu>;
using Codes = nb::ndarray<const std::int32_t, nb::c_contig, nb::device::cpu>;
using Out = nb::ndarray<nb::numpy, double>;

Out array(std::vector<double> values, std::vector<std::size_t> shape) {
  auto* data = new std::vector<double>(std::move(values));
  nb::capsule owner(data, [](void* p) noexcept { delete static_cast<std::vector<double>*>(p); });
  return Out(data->data(), shape.size(), shape.data(), owner);
}

// One grouping factor as the caller gives it: codes, z (n x k, or None for an intercept), the k x k
// transform that scales z, number of levels.
using FactorArg = std::tuple<Codes, nb::object, Vec, int>;

class Core {
public:
  Core() = default;
  Core(const std::vector<FactorArg>& factors, Vec W, nb::object weights,
       Vec T0, int threads, int dense_limit) {
    ml::Rows rows = read_rows(factors, W, weights);
    std::vector<double> T(T0.data(), T0.data() + T0.size());
    nb::gil_scoped_release release;
    std::vector<double> B;
    ml::Analyser analyser(rows, threads, dense_limit);
    auto structure = std::make_shared<const ml::Structure>(analyser.run(B));
    eval_ = std::make_unique<ml::Evaluator>(structure, std::move(B), std::move(T),
                                            static_cast<double>(rows.n), threads);
  }

  // Criterion (of the scaled coordinates), its parts and, if wanted, gradient and Hessian along entries
  // (factor, row, column) of Lambda.
  nb::tuple evaluate(Vec lambda, bool reml, const std::vector<std::tuple<int, int, int>>& entries,
                     bool derivatives) {
    std::vector<ml::Direction> dirs;
    for (auto [f, i, j] : entries) dirs.push_back({f, j, i, {1.0}});
    ml::Evaluation ev;
    double value = std::numeric_limits<double>::infinity();
    {
      nb::gil_scoped_release release;
      std::lock_guard<std::mutex> lock(mutex_);
      ev = eval_->evaluate(lambda.data(), reml, dirs,
                           derivatives ? ml::Want::derivatives : ml::Want::criterion);
      if (ev.ok) value = eval_->criterion(ev, reml);
    }
    const std::size_t p = ev.ok ? eval_->structure().p1 - 1 : 0, nd = ev.gradient.size();
    return nb::make_tuple(value, ev.rss, array(ev.beta, {p}), array(ev.F, {p, p}), array(ev.gradient, {nd}),
                          array(ev.hessian, {nd, nd}));
  }

  // The criterion's parts and how they move along directions (factor, column, first row, w) of Lambda:
  // log-determinants, rss, beta, F; gradient, Hessian (with `curvature`, or without links,
  // exact, else average information); q = -d rss, nu with d beta = -F nu, J with dF = F J F; Hessian of rss.
  nb::tuple expand(std::vector<double> lambda, bool reml,
                   const std::vector<std::tuple<int, int, int, std::vector<double>>>& directions, bool curvature) {
    std::vector<ml::Direction> dirs;
    for (const auto& [f, col, start, w] : directions) dirs.push_back({f, col, start, w});
    ml::Evaluation ev;
    std::vector<double> J;
    {
      nb::gil_scoped_release release;
      std::lock_guard<std::mutex> lock(mutex_);
      ev = ml::expand(*eval_, lambda, reml, dirs, curvature);
      if (ev.ok) J = eval_->fixed_products();
    }
    if (!ev.ok) throw std::runtime_error("criterion not finite");
    const std::size_t p = eval_->structure().p1 - 1, nd = dirs.size();
    return nb::make_tuple(ev.log_det + (reml ? ev.log_det_x : 0.0), ev.rss, array(std::move(ev.beta), {p}),
                          array(std::move(ev.F), {p, p}), array(std::move(ev.gradient), {nd}),
                          array(std::move(ev.hessian), {nd, nd}), array(std::move(ev.q), {nd}),
                          array(std::move(ev.nu), {nd, p}), array(std::move(J), {nd, p, p}),
                          array(std::move(ev.rss_hessian), {nd, nd}));
  }

  // Newton from `lambda` (from the method of moments when it is empty); terms are
  // (factor, first column, columns, independent).
  nb::tuple fit(std::vector<double> lambda, const std::vector<std::tuple<int, int, int, bool>>& terms, bool reml,
                double tolerance, int max_evaluations, nb::object observer) {
    std::vector<ml::TermBlock> blocks;
    for (auto [f, start, k, independent] : terms) blocks.push_back({f, start, k, independent});
    std::function<void(double)> observe;
    if (!observer.is_none())
      observe = [&observer](double value) {
        nb::gil_scoped_acquire acquire;
        observer(value);
      };
    ml::NewtonResult r;
    {
      nb::gil_scoped_release release;
      std::lock_guard<std::mutex> lock(mutex_);
      if (lambda.empty()) lambda = ml::moment_start(*eval_);
      r = ml::Newton(*eval_, blocks, reml, tolerance, max_evaluations, observe).run(lambda);
    }
    const std::size_t size = r.lambda.size(), ne = r.log.size();
    return nb::make_tuple(r.criterion, r.converged, r.decrement, array(r.lambda, {size}), array(r.log, {ne}));
  }

  // y'Py, fixed effects and (X'V^-1 X)^-1, conditional modes u of the spherical effects, (levels x k)
  // per factor; with `inverse` also the diagonal blocks of M^-1, (levels x k x k).
  nb::tuple conditional(Vec lambda, bool reml, bool inverse) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!eval_->settle(lambda.data(), reml, inverse, false)) throw std::runtime_error("criterion not finite");
    const ml::Structure& s = eval_->structure();
    nb::list modes, blocks;
    for (const ml::Factor& f : s.factors) {
      const std::size_t q = f.levels, k = f.k;
      std::vector<double> u(q * k), M(inverse ? q * k * k : 0);
      for (std::size_t l = 0; l < q; ++l) {
        const int v = f.node[l];
        for (std::size_t i = 0; i < k; ++i)
          u[l * k + i] = eval_->solution()[s.rhs[v] + static_cast<idx>(i) * s.p1 + s.p1 - 1];
        if (inverse) std::copy_n(&eval_->inverse_diagonal()[s.diag[v]], k * k, &M[l * k * k]);
      }
      modes.append(array(std::move(u), {q, k}));
      if (inverse) blocks.append(array(std::move(M), {q, k, k}));
    }
    const std::size_t p = s.p1 - 1;
    return nb::make_tuple(eval_->residual_sum(), array(eval_->fixed_effects(), {p}),
                          array(eval_->fixed_covariance(), {p, p}), nb::tuple(modes), nb::tuple(blocks));
  }

  // Leverage of every row; the rows are those of the constructor.
  Out hat_values(const std::vector<FactorArg>& factors, Vec W, nb::object weights,
                 Vec lambda, bool reml) {
    ml::Rows rows = read_rows(factors, W, weights);
    std::vector<double> h;
    {
      nb::gil_scoped_release release;
      std::lock_guard<std::mutex> lock(mutex_);
      if (!eval_->settle(lambda.data(), reml, true, true)) throw std::runtime_error("criterion not finite");
      h = ml::hat_values(rows, *eval_, eval_->threads());
    }
    return array(std::move(h), {static_cast<std::size_t>(rows.n)});
  }

  // The same structure for another response, given as its least-squares residual.
  Core* with_response(const std::vector<FactorArg>& factors, Vec residual,
                                      nb::object weights, Vec T0) const {
    ml::Rows rows = read_rows(factors, residual, weights);
    std::vector<double> B = eval_->B();
    ml::response_products(rows, eval_->structure(), residual.data(), B);
    std::vector<double> T(T0.data(), T0.data() + T0.size());
    auto core = std::make_unique<Core>();
    core->eval_ = std::make_unique<ml::Evaluator>(eval_->shared_structure(), std::move(B), std::move(T),
                                                  eval_->n_rows(), eval_->threads());
    return core.release();  // nanobind takes ownership
  }

  nb::dict sizes() const {
    const ml::Structure& s = eval_->structure();
    nb::dict d;
    d["nodes"] = s.nodes;
    d["sparse_nodes"] = s.m;
    d["dense_dim"] = s.dense_dim;
    d["effects"] = s.effects;
    d["links"] = s.nbr.size();
    d["chunks"] = s.chunks.size();
    return d;
  }

 private:
  std::unique_ptr<ml::Evaluator> eval_;
  std::mutex mutex_;

  static ml::Rows read_rows(const std::vector<FactorArg>& factors, Vec W,
                            nb::object weights) {
    ml::Rows rows;
    rows.n = static_cast<idx>(W.shape(0));
    rows.p1 = W.ndim() == 2 ? static_cast<int>(W.shape(1)) : 1;
    rows.W = W.data();
    if (!weights.is_none()) rows.root_weights = nb::cast<Vec>(weights).data();
    for (const auto& [codes, z, transform, levels] : factors) {
      ml::RowFactor rf;
      rf.codes = codes.data();
      rf.levels = levels;
      rf.transform = transform.data();
      rf.k = static_cast<int>(transform.shape(0));
      if (!z.is_none()) rf.z = nb::cast<Vec>(z).data();
      rows.factors.push_back(rf);
    }
    return rows;
  }
};

// X (n x p, rows scaled by `weights`) as Q R: [Q 0] of shape (n, p + 1), and R.
nb::tuple orthonormal(Vec X, nb::object weights) {
  const std::size_t n = X.shape(0), p = X.shape(1);
  std::vector<double> W(n * (p + 1), 0.0), R(p * p);
  const double* w = weights.is_none() ? nullptr : nb::cast<Vec>(weights).data();
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < p; ++j) W[i * (p + 1) + j] = X.data()[i * p + j] * (w ? w[i] : 1.0);
  ml::gram_schmidt(W.data(), n, static_cast<int>(p), p + 1, R.data());
  return nb::make_tuple(array(std::move(W), {n, p + 1}), array(std::move(R), {p, p}));
}

// Inverse of an upper-triangular matrix.
Out invert_upper(Vec R) {
  const std::size_t k = R.shape(0);
  std::vector<double> X(k * k);
  ml::invert_upper(R.data(), static_cast<int>(k), X.data());
  return array(std::move(X), {k, k});
}

// Lower-triangular L with nonnegative diagonal and L L' = M M'.
Out lower_factor(Vec M) {
  const std::size_t k = M.shape(0);
  std::vector<double> L(M.data(), M.data() + k * k);
  ml::lower_triangular(L.data(), static_cast<int>(k));
  return array(std::move(L), {k, k});
}

}  // namespace

NB_MODULE(_core, m) {
  m.def("set_lapack", [](std::uintptr_t potrf, std::uintptr_t potri, std::uintptr_t trsm,
                         std::uintptr_t gemm) {
    ml::Lapack& t = ml::lapack();
    t.potrf = reinterpret_cast<ml::Lapack::Potrf>(potrf);
    t.potri = reinterpret_cast<ml::Lapack::Potrf>(potri);
    t.trsm = reinterpret_cast<ml::Lapack::Trsm>(trsm);
    t.gemm = reinterpret_cast<ml::Lapack::Gemm>(gemm);
  });
  m.def("orthonormal", &orthonormal, "X"_a, "weights"_a.none());
  m.def("invert_upper", &invert_upper, "R"_a);
  m.def("lower_factor", &lower_factor, "M"_a);
  nb::class_<Core>(m, "Core")
      .def(nb::init<const std::vector<FactorArg>&, Vec, nb::object, Vec, int, int>(),
           "factors"_a, "W"_a, "weights"_a.none(), "T0"_a, "threads"_a,
           "dense_limit"_a)
      .def("evaluate", &Core::evaluate, "lambda_"_a, "reml"_a, "entries"_a, "derivatives"_a)
      .def("expand", &Core::expand, "lambda_"_a, "reml"_a, "directions"_a, "curvature"_a)
      .def("fit", &Core::fit, "lambda_"_a, "terms"_a, "reml"_a, "tolerance"_a, "max_evaluations"_a,
           "observer"_a.none())
      .def("conditional", &Core::conditional, "lambda_"_a, "reml"_a, "inverse"_a)
      .def("hat_values", &Core::hat_values, "factors"_a, "W"_a, "weights"_a.none(), "lambda_"_a, "reml"_a)
      .def("with_response", &Core::with_response, "factors"_a, "residual"_a, "weights"_a.none(), "T0"_a)
      .def("sizes", &Core::sizes);
}
