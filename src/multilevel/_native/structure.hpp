// What never changes while theta does: the elimination order and the cross-products of [Z X y].
//
// A *node* is one level of one grouping factor with its k random effects. Nodes are numbered in
// elimination order. The first `m` are sparse: their later neighbours are listed, and eliminating
// them touches nothing else. The rest form the dense trunk, one Schur complement.
#pragma once
#include <cstdint>
#include <vector>

#include "small.hpp"

namespace ml {

struct Factor {
  int levels = 0;
  int k = 0;
  std::vector<int> node;  // level -> node
};

// Cross-product block between two trunk nodes (a < b), k_a x k_b, row-major.
struct TrunkBlock {
  int a, b;
  idx offset;
};

struct Chunk {
  int begin, end;
};

struct Structure {
  int p1 = 1;              // fixed-effects columns plus the response
  std::vector<Factor> factors;
  int nodes = 0, m = 0;    // all nodes; sparse nodes
  int dense_dim = 0;       // columns of the trunk
  int max_k = 1;
  idx effects = 0;         // random effects in all

  std::vector<std::int8_t> factor;   // node -> factor
  std::vector<int> level;            // node -> level
  std::vector<std::uint8_t> merges;  // sparse node -> receives updates from earlier nodes
  std::vector<idx> diag, rhs, effect;  // node -> offset of its k x k, k x p1 blocks, of its effects
  std::vector<int> dense_col;        // trunk node (minus m) -> first column in the trunk

  std::vector<idx> ptr;              // sparse node -> first neighbour
  std::vector<int> nbr;              // later neighbours, ascending
  std::vector<int> nbr_col;          // column of the neighbour inside the node's panel
  std::vector<idx> panel;            // sparse node -> offset of its k x width panel
  std::vector<int> width;

  std::vector<double> A_diag, A_panel;  // Z'Z by blocks
  std::vector<double> A_trunk;
  std::vector<TrunkBlock> trunk_blocks;

  std::vector<Chunk> chunks;         // ranges of sparse nodes closed under elimination
  int top = 0;                       // sparse nodes from here on are eliminated after all chunks
  std::vector<idx> column_work;      // trunk node -> pairs that are scattered to its columns

  int k_of(int v) const { return factors[factor[v]].k; }
  int n_nbr(int v) const { return static_cast<int>(ptr[v + 1] - ptr[v]); }
  // Position of node n in the neighbour list of v (it must be there).
  idx find(int v, int n) const {
    idx lo = ptr[v], hi = ptr[v + 1];
    while (hi - lo > 1) {
      const idx mid = (lo + hi) / 2;
      if (nbr[mid] <= n) lo = mid; else hi = mid;
    }
    return lo;
  }
};

// The rows: grouping codes, random-effect columns (with the transformation that scales them) and
// W = [Q r], the orthonormal fixed-effects columns and the least-squares residual.
struct RowFactor {
  const std::int32_t* codes = nullptr;
  const double* z = nullptr;       // n x k, or null for an intercept
  const double* transform = nullptr;  // k x k: columns in use are z * transform
  int k = 1;
  int levels = 0;
};

struct Rows {
  idx n = 0;
  int p1 = 1;
  const double* W = nullptr;       // n x p1
  const double* root_weights = nullptr;
  std::vector<RowFactor> factors;

  // Scaled random-effect columns of one row.
  void effects(int f, idx row, double* out) const {
    const RowFactor& rf = factors[f];
    const int k = rf.k;
    const double s = root_weights ? root_weights[row] : 1.0;
    if (!rf.z) {
      out[0] = s * rf.transform[0];
      return;
    }
    const double* z = rf.z + row * k;
    for (int j = 0; j < k; ++j) {
      double v = 0;
      for (int i = 0; i < k; ++i) v += z[i] * rf.transform[i * k + j];
      out[j] = s * v;
    }
  }
};

}  // namespace ml
