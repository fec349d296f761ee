// How the grouping factors lie to each other, and rows grouped by level.
#pragma once
#include <algorithm>
#include <numeric>

#include "structure.hpp"

namespace ml {

// Is factor f nested in factor h: does each level of f meet one level of h only?
inline bool nested_in(const Rows& rows, int f, int h) {
  const RowFactor &a = rows.factors[f], &b = rows.factors[h];
  if (a.levels < b.levels) return false;
  std::vector<std::int32_t> parent(a.levels, -1);
  for (idx i = 0; i < rows.n; ++i) {
    std::int32_t& p = parent[a.codes[i]];
    if (p < 0) p = b.codes[i];
    else if (p != b.codes[i]) return false;
  }
  return true;
}

// Elimination order of the factors: the chain (each nested in the next) first, then the rest.
struct Order {
  std::vector<int> factors;
  int chain = 0;
};

inline Order elimination_order(const Rows& rows) {
  const int F = static_cast<int>(rows.factors.size());
  std::vector<int> by_size(F);
  std::iota(by_size.begin(), by_size.end(), 0);
  std::stable_sort(by_size.begin(), by_size.end(), [&](int a, int b) {
    return rows.factors[a].levels > rows.factors[b].levels;
  });
  Order out;
  std::vector<int> rest;
  for (int f : by_size) {
    if (out.factors.empty() || nested_in(rows, out.factors.back(), f)) out.factors.push_back(f);
    else rest.push_back(f);
  }
  out.chain = static_cast<int>(out.factors.size());
  out.factors.insert(out.factors.end(), rest.begin(), rest.end());
  return out;
}

// Rows grouped by level (counting sort); empty `order` when they are grouped already.
struct Grouped {
  std::vector<idx> start;
  std::vector<std::int32_t> order;
  idx row(idx i) const { return order.empty() ? i : order[i]; }
};

inline Grouped group_rows(const Rows& rows, int f) {
  const RowFactor& rf = rows.factors[f];
  Grouped g;
  g.start.assign(rf.levels + 1, 0);
  bool sorted = true;
  for (idx i = 0; i < rows.n; ++i) {
    ++g.start[rf.codes[i] + 1];
    sorted &= i == 0 || rf.codes[i] >= rf.codes[i - 1];
  }
  std::partial_sum(g.start.begin(), g.start.end(), g.start.begin());
  if (!sorted) {
    g.order.resize(rows.n);
    std::vector<idx> next(g.start.begin(), g.start.end() - 1);
    for (idx i = 0; i < rows.n; ++i) g.order[next[rf.codes[i]]++] = static_cast<std::int32_t>(i);
  }
  return g;
}

}  // namespace ml
