// From rows to Structure: nestedness, elimination order, cross-products, in one pass per factor.
#pragma once
#include "grouping.hpp"
#include "ordering.hpp"
#include "parallel.hpp"

namespace ml {

// Neighbours and off-diagonal cross-products of one range of levels.
struct Links {
  std::vector<idx> count;      // neighbours per level
  std::vector<int> nbr;        // nodes, ascending within a level
  std::vector<double> blocks;  // per level a k x width panel
};

class Analyser {
 public:
  // Trunks of up to `dense_limit` columns are dense without further thought.
  Analyser(const Rows& rows, int threads, int dense_limit)
      : rows_(rows), threads_(threads), dense_limit_(dense_limit) {}

  // Structure and, in `B`, the cross-products Z'[X y] by node.
  Structure run(std::vector<double>& B);

 private:
  const Rows& rows_;
  int threads_, dense_limit_;
  Structure s_;
  std::vector<double>* B_ = nullptr;
  std::vector<int> node_of_variable_;  // trunk variable -> node

  Ordering order_trunk(const Order& order) const;
  void number_nodes(const Order& order, const Ordering& trunk);
  void offsets();
  void accumulate(int f, const Grouped& g, const std::vector<int>& later, int begin, int end,
                  Links& out);
  void scan(int f);
  void chain_panels(const Order& order, const Ordering& trunk);
  void sparse_trunk_panels(const Ordering& trunk);
  void trunk_links(const Order& order);
  void add_trunk_block(int a, int b, const double* block, idx stride);
  void plan_chunks();
};

// Trunk variables are numbered factor by factor, level by level.
inline Ordering Analyser::order_trunk(const Order& order) const {
  const int F = static_cast<int>(order.factors.size());
  std::vector<int> base(rows_.factors.size(), 0), size;
  int n = 0, dim = 0;
  for (int c = order.chain; c < F; ++c) {
    const RowFactor& rf = rows_.factors[order.factors[c]];
    base[order.factors[c]] = n;
    n += rf.levels;
    dim += rf.levels * rf.k;
  }
  size.assign(n, 0);
  for (int c = order.chain; c < F; ++c)
    for (idx r = 0; r < rows_.n; ++r) ++size[base[order.factors[c]] + rows_.factors[order.factors[c]].codes[r]];
  Ordering out;
  if (dim > dense_limit_) {
    // two trunk levels are linked when they meet one level of the last chain factor
    const int root = order.factors[order.chain - 1];
    const Grouped g = group_rows(rows_, root);
    std::vector<std::vector<int>> cliques(rows_.factors[root].levels), member(n);
    std::vector<int> stamp(n, -1);
    for (int l = 0; l < rows_.factors[root].levels; ++l)
      for (idx i = g.start[l]; i < g.start[l + 1]; ++i)
        for (int c = order.chain; c < F; ++c) {
          const int f = order.factors[c], v = base[f] + rows_.factors[f].codes[g.row(i)];
          if (stamp[v] == l) continue;
          stamp[v] = l;
          cliques[l].push_back(v);
          member[v].push_back(l);
        }
    if (link_density(n, cliques, member) < kDenseShare)
      return minimum_degree(n, std::move(cliques), std::move(member));
  }
  // dense: big levels first within a factor, so that updates touch a compact corner
  out.sequence.resize(n);
  std::iota(out.sequence.begin(), out.sequence.end(), 0);
  for (int c = order.chain; c < F; ++c) {
    const auto begin = out.sequence.begin() + base[order.factors[c]];
    std::stable_sort(begin, begin + rows_.factors[order.factors[c]].levels,
                     [&](int a, int b) { return size[a] > size[b]; });
  }
  return out;
}

// Chain nodes in postorder (children just before their parent), then the trunk in its order.
inline void Analyser::number_nodes(const Order& order, const Ordering& trunk) {
  const int F = static_cast<int>(rows_.factors.size());
  s_.factors.resize(F);
  for (int f = 0; f < F; ++f) {
    s_.factors[f].levels = rows_.factors[f].levels;
    s_.factors[f].k = rows_.factors[f].k;
    s_.factors[f].node.assign(rows_.factors[f].levels, -1);
    s_.max_k = std::max(s_.max_k, rows_.factors[f].k);
    s_.nodes += rows_.factors[f].levels;
    s_.effects += idx(rows_.factors[f].levels) * rows_.factors[f].k;
  }
  s_.factor.resize(s_.nodes);
  s_.level.resize(s_.nodes);
  int next = 0;
  auto place = [&](int f, int level) {
    s_.factor[next] = static_cast<std::int8_t>(f);
    s_.level[next] = level;
    s_.factors[f].node[level] = next++;
  };
  // children[c][l]: levels of chain factor c whose parent (in chain factor c + 1) is l
  const int C = order.chain;
  std::vector<std::vector<int>> first(C), sibling(C);
  for (int c = 0; c + 1 < C; ++c) {
    const RowFactor &a = rows_.factors[order.factors[c]], &b = rows_.factors[order.factors[c + 1]];
    first[c].assign(b.levels, -1);
    sibling[c].assign(a.levels, -1);
    std::vector<int> parent(a.levels, -1);
    for (idx i = 0; i < rows_.n; ++i) parent[a.codes[i]] = b.codes[i];
    for (int l = a.levels - 1; l >= 0; --l) {
      sibling[c][l] = first[c][parent[l]];
      first[c][parent[l]] = l;
    }
  }
  auto descend = [&](auto&& self, int c, int level) -> void {
    if (c > 0)
      for (int l = first[c - 1][level]; l >= 0; l = sibling[c - 1][l]) self(self, c - 1, l);
    place(order.factors[c], level);
  };
  if (C > 0)
    for (int l = 0; l < rows_.factors[order.factors[C - 1]].levels; ++l) descend(descend, C - 1, l);
  s_.top = next;
  s_.m = next + trunk.sparse;
  std::vector<std::pair<int, int>> variable;  // trunk variable -> factor, level
  for (std::size_t i = C; i < order.factors.size(); ++i)
    for (int l = 0; l < rows_.factors[order.factors[i]].levels; ++l) variable.push_back({order.factors[i], l});
  node_of_variable_.resize(variable.size());
  for (int v : trunk.sequence) {
    node_of_variable_[v] = next;
    place(variable[v].first, variable[v].second);
  }
}

inline void Analyser::offsets() {
  s_.diag.resize(s_.nodes + 1);
  s_.rhs.resize(s_.nodes + 1);
  s_.effect.resize(s_.nodes + 1);
  idx d = 0, r = 0, e = 0;
  for (int v = 0; v < s_.nodes; ++v) {
    const int k = s_.k_of(v);
    s_.diag[v] = d;
    s_.rhs[v] = r;
    s_.effect[v] = e;
    d += idx(k) * k;
    r += idx(k) * s_.p1;
    e += k;
  }
  s_.diag[s_.nodes] = d;
  s_.rhs[s_.nodes] = r;
  s_.effect[s_.nodes] = e;
  s_.dense_col.assign(s_.nodes - s_.m + 1, 0);
  for (int v = s_.m; v < s_.nodes; ++v)
    s_.dense_col[v - s_.m + 1] = s_.dense_col[v - s_.m] + s_.k_of(v);
  s_.dense_dim = s_.dense_col.back();
}

// Diagonal blocks, right-hand sides and links to later factors for levels begin..end of factor f.
inline void Analyser::accumulate(int f, const Grouped& g, const std::vector<int>& later, int begin,
                                 int end, Links& out) {
  const int k = rows_.factors[f].k, p1 = s_.p1, max_k = s_.max_k;
  std::vector<int> column(later.empty() ? 0 : s_.nodes, -1);
  std::vector<int> found;
  std::vector<double> z(k), zh(max_k);
  out.count.assign(end - begin, 0);
  for (int l = begin; l < end; ++l) {
    const int v = s_.factors[f].node[l];
    double* D = &s_.A_diag[s_.diag[v]];
    double* R = B_->data() + s_.rhs[v];
    found.clear();
    for (idx i = g.start[l]; i < g.start[l + 1]; ++i)
      for (int h : later) {
        const int n = s_.factors[h].node[rows_.factors[h].codes[g.row(i)]];
        if (column[n] < 0) {
          column[n] = 0;
          found.push_back(n);
        }
      }
    std::sort(found.begin(), found.end());
    int width = 0;
    for (int n : found) {
      column[n] = width;
      width += s_.k_of(n);
    }
    const std::size_t base = out.blocks.size();
    out.blocks.resize(base + std::size_t(k) * width, 0.0);
    double* P = out.blocks.data() + base;
    for (idx i = g.start[l]; i < g.start[l + 1]; ++i) {
      const idx row = g.row(i);
      rows_.effects(f, row, z.data());
      const double* w = rows_.W + row * p1;
      for (int a = 0; a < k; ++a) {
        for (int b = 0; b < k; ++b) D[a * k + b] += z[a] * z[b];
        for (int c = 0; c < p1; ++c) R[a * p1 + c] += z[a] * w[c];
      }
      for (int h : later) {
        const int n = s_.factors[h].node[rows_.factors[h].codes[row]], kh = rows_.factors[h].k;
        rows_.effects(h, row, zh.data());
        double* block = P + column[n];
        for (int a = 0; a < k; ++a)
          for (int b = 0; b < kh; ++b) block[idx(a) * width + b] += z[a] * zh[b];
      }
    }
    for (int n : found) column[n] = -1;
    out.count[l - begin] = static_cast<idx>(found.size());
    out.nbr.insert(out.nbr.end(), found.begin(), found.end());
  }
}

// The same without links, in row order: for factors whose links belong to earlier factors.
inline void Analyser::scan(int f) {
  const int k = rows_.factors[f].k, p1 = s_.p1;
  std::vector<double> z(k);
  for (idx row = 0; row < rows_.n; ++row) {
    const int v = s_.factors[f].node[rows_.factors[f].codes[row]];
    double* D = &s_.A_diag[s_.diag[v]];
    double* R = B_->data() + s_.rhs[v];
    rows_.effects(f, row, z.data());
    const double* w = rows_.W + row * p1;
    for (int a = 0; a < k; ++a) {
      for (int b = 0; b < k; ++b) D[a * k + b] += z[a] * z[b];
      for (int c = 0; c < p1; ++c) R[a * p1 + c] += z[a] * w[c];
    }
  }
}

// Neighbour lists and panels of the chain nodes.
inline void Analyser::chain_panels(const Order& order, const Ordering& trunk) {
  s_.ptr.assign(s_.m + 1, 0);
  s_.panel.assign(s_.m + 1, 0);
  s_.width.assign(s_.m, 0);
  s_.merges.assign(s_.m, 0);
  struct Part {
    int factor, begin;
    Links links;
  };
  std::vector<Part> parts;
  for (int c = 0; c < order.chain; ++c) {
    const int f = order.factors[c], q = rows_.factors[f].levels;
    const std::vector<int> later(order.factors.begin() + c + 1, order.factors.end());
    const Grouped g = group_rows(rows_, f);
    const int n_parts = rows_.n < 50000 ? 1 : 8;
    const std::size_t first = parts.size();
    for (int i = 0; i < n_parts; ++i) parts.push_back({f, static_cast<int>(idx(q) * i / n_parts), {}});
    parallel_for(n_parts, threads_, [&](int i) {
      Part& part = parts[first + i];
      const int end = static_cast<int>(idx(q) * (i + 1) / n_parts);
      accumulate(f, g, later, part.begin, end, part.links);
    });
  }
  for (const Part& part : parts) {  // sizes
    std::size_t at = 0;
    for (std::size_t i = 0; i < part.links.count.size(); ++i) {
      const int v = s_.factors[part.factor].node[part.begin + i];
      s_.ptr[v + 1] = part.links.count[i];
      for (idx e = 0; e < part.links.count[i]; ++e) s_.width[v] += s_.k_of(part.links.nbr[at++]);
      s_.panel[v + 1] = idx(s_.width[v]) * s_.k_of(v);
    }
  }
  for (int v = s_.top; v < s_.m; ++v) {  // sparse trunk nodes
    s_.ptr[v + 1] = static_cast<idx>(trunk.later[v - s_.top].size());
    for (int o : trunk.later[v - s_.top]) s_.width[v] += s_.k_of(node_of_variable_[o]);
    s_.panel[v + 1] = idx(s_.width[v]) * s_.k_of(v);
  }
  std::partial_sum(s_.ptr.begin(), s_.ptr.end(), s_.ptr.begin());
  std::partial_sum(s_.panel.begin(), s_.panel.end(), s_.panel.begin());
  s_.nbr.resize(s_.ptr[s_.m]);
  s_.nbr_col.resize(s_.ptr[s_.m]);
  s_.A_panel.assign(s_.panel[s_.m], 0.0);
  for (Part& part : parts) {
    std::size_t at = 0, block = 0;
    for (std::size_t i = 0; i < part.links.count.size(); ++i) {
      const int v = s_.factors[part.factor].node[part.begin + i];
      int col = 0;
      for (idx e = s_.ptr[v]; e < s_.ptr[v + 1]; ++e) {
        const int n = part.links.nbr[at++];
        s_.nbr[e] = n;
        s_.nbr_col[e] = col;
        col += s_.k_of(n);
        if (n < s_.m) s_.merges[n] = 1;
      }
      const std::size_t size = s_.panel[v + 1] - s_.panel[v];
      std::copy_n(part.links.blocks.data() + block, size, s_.A_panel.data() + s_.panel[v]);
      block += size;
    }
    part.links = {};
  }
}

// Neighbour lists of the trunk nodes that are eliminated one by one; their panels start at zero.
inline void Analyser::sparse_trunk_panels(const Ordering& trunk) {
  for (int v = s_.top; v < s_.m; ++v) {
    std::vector<int> nodes;
    for (int o : trunk.later[v - s_.top]) nodes.push_back(node_of_variable_[o]);
    std::sort(nodes.begin(), nodes.end());
    int col = 0;
    idx e = s_.ptr[v];
    for (int n : nodes) {
      s_.nbr[e] = n;
      s_.nbr_col[e++] = col;
      col += s_.k_of(n);
    }
    s_.merges[v] = 1;
  }
}

// A link between trunk nodes: into the panel of the one that is eliminated first, or kept apart.
inline void Analyser::add_trunk_block(int a, int b, const double* block, idx stride) {
  const bool swap = a > b;
  if (swap) std::swap(a, b);
  const int ka = s_.k_of(a), kb = s_.k_of(b);
  double* target;
  idx target_stride;
  if (a < s_.m) {
    target = &s_.A_panel[s_.panel[a] + s_.nbr_col[s_.find(a, b)]];
    target_stride = s_.width[a];
  } else {
    s_.trunk_blocks.push_back({a, b, static_cast<idx>(s_.A_trunk.size())});
    s_.A_trunk.resize(s_.A_trunk.size() + idx(ka) * kb);
    target = &s_.A_trunk[s_.trunk_blocks.back().offset];
    target_stride = kb;
  }
  for (int i = 0; i < ka; ++i)
    for (int j = 0; j < kb; ++j) target[i * target_stride + j] = swap ? block[j * stride + i] : block[i * stride + j];
}

// Trunk nodes: diagonal blocks and the links among them.
inline void Analyser::trunk_links(const Order& order) {
  const int F = static_cast<int>(order.factors.size());
  for (int c = order.chain; c < F; ++c) {
    const int f = order.factors[c];
    if (c + 1 == F) {
      scan(f);
      continue;
    }
    const std::vector<int> later(order.factors.begin() + c + 1, order.factors.end());
    const Grouped g = group_rows(rows_, f);
    Links links;
    accumulate(f, g, later, 0, rows_.factors[f].levels, links);
    std::size_t at = 0, block = 0;
    const int k = rows_.factors[f].k;
    for (int l = 0; l < rows_.factors[f].levels; ++l) {
      const int v = s_.factors[f].node[l];
      int width = 0, col = 0;
      for (idx e = 0; e < links.count[l]; ++e) width += s_.k_of(links.nbr[at + e]);
      for (idx e = 0; e < links.count[l]; ++e) {
        add_trunk_block(v, links.nbr[at + e], &links.blocks[block + col], width);
        col += s_.k_of(links.nbr[at + e]);
      }
      at += links.count[l];
      block += std::size_t(k) * width;
    }
  }
}

// Chunks of complete subtrees with similar work.
inline void Analyser::plan_chunks() {
  s_.chunks.clear();
  const idx work = s_.panel.empty() ? 0 : s_.panel[s_.top] + 8 * idx(s_.top);
  // chunks would meet in the sparse part of the trunk
  const int wanted = work < 40000 || s_.top < s_.m ? 1 : 16;
  int begin = 0;
  int reach = 0;  // the furthest sparse node that nodes begin..v update
  idx done = 0;
  for (int v = 0; v < s_.top; ++v) {
    done += s_.panel[v + 1] - s_.panel[v] + 8;
    if (s_.ptr[v] < s_.ptr[v + 1] && s_.nbr[s_.ptr[v]] < s_.m)
      for (idx e = s_.ptr[v]; e < s_.ptr[v + 1] && s_.nbr[e] < s_.top; ++e)
        reach = std::max(reach, s_.nbr[e]);
    const bool closed = reach <= v;
    if (v + 1 == s_.top || (closed && done * wanted >= work)) {
      s_.chunks.push_back({begin, v + 1});
      begin = v + 1;
      done = 0;
    }
  }
  s_.column_work.assign(s_.nodes - s_.m, 0);
  for (int v = 0; v < s_.m; ++v) {
    const idx end = s_.ptr[v + 1];
    for (idx e = end - 1; e >= s_.ptr[v] && s_.nbr[e] >= s_.m; --e) s_.column_work[s_.nbr[e] - s_.m] += end - e;
  }
}

inline Structure Analyser::run(std::vector<double>& B) {
  B_ = &B;
  s_.p1 = rows_.p1;
  const Order order = elimination_order(rows_);
  const Ordering trunk = order_trunk(order);
  number_nodes(order, trunk);
  offsets();
  s_.A_diag.assign(s_.diag[s_.nodes], 0.0);
  B.assign(s_.rhs[s_.nodes], 0.0);
  chain_panels(order, trunk);
  sparse_trunk_panels(trunk);
  trunk_links(order);
  plan_chunks();
  return std::move(s_);
}

}  // namespace ml
