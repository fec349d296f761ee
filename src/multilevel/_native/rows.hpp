// Quantities of single rows at given Lambda, after Evaluator::settle.
#pragma once
#include "evaluate.hpp"

namespace ml {

// Z'r by node, for a new response.
inline void response_products(const Rows& rows, const Structure& s, const double* r, std::vector<double>& B) {
  const int p1 = s.p1;
  for (std::size_t at = p1 - 1; at < B.size(); at += p1) B[at] = 0;
  std::vector<double> z(s.max_k);
  for (std::size_t f = 0; f < rows.factors.size(); ++f) {
    const int k = rows.factors[f].k;
    for (idx i = 0; i < rows.n; ++i) {
      double* R = &B[s.rhs[s.factors[f].node[rows.factors[f].codes[i]]]];
      rows.effects(static_cast<int>(f), i, z.data());
      for (int a = 0; a < k; ++a) R[a * p1 + p1 - 1] += z[a] * r[i];
    }
  }
}

// Diagonal of the matrix that maps (weighted) responses to fitted values:
// h_i = l' M^-1 l + (x - B'l)' F (x - B'l), l = Lambda'z_i (Bates et al. 2015, section 3.4).
inline std::vector<double> hat_values(const Rows& rows, const Evaluator& e, int threads) {
  const Structure& s = e.structure();
  const int F = static_cast<int>(rows.factors.size()), p1 = s.p1, p = p1 - 1;
  std::vector<double> out(rows.n);
  const int chunks = rows.n < 20000 ? 1 : 16;
  parallel_for(chunks, threads, [&](int c) {
    std::vector<double> z(s.max_k), l(idx(F) * s.max_k), x(p);
    std::vector<int> node(F);
    for (idx i = rows.n * c / chunks; i < rows.n * (c + 1) / chunks; ++i) {
      for (int j = 0; j < p; ++j) x[j] = rows.W[i * p1 + j];
      for (int f = 0; f < F; ++f) {
        const int k = rows.factors[f].k;
        node[f] = s.factors[f].node[rows.factors[f].codes[i]];
        rows.effects(f, i, z.data());
        double* lf = &l[f * s.max_k];
        lambda_t_times<0>(e.lambda_block(f), k, z.data(), 1, lf, 1, 1, false);
        const double* B = &e.solution()[s.rhs[node[f]]];
        for (int a = 0; a < k; ++a)
          for (int j = 0; j < p; ++j) x[j] -= B[a * p1 + j] * lf[a];
      }
      double h = 0;
      for (int f = 0; f < F; ++f)
        for (int g = 0; g <= f; ++g) {
          double q = 0;
          for (int a = 0; a < rows.factors[f].k; ++a)
            for (int b = 0; b < rows.factors[g].k; ++b)
              q += l[f * s.max_k + a] * e.inverse_entry(node[f], a, node[g], b) * l[g * s.max_k + b];
          h += f == g ? q : 2 * q;
        }
      for (int a = 0; a < p; ++a)
        for (int b = 0; b < p; ++b) h += x[a] * e.fixed_covariance()[a * p + b] * x[b];
      out[i] = h;
    }
  });
  return out;
}

}  // namespace ml
