// Elimination order of the trunk: minimum degree while that is cheap, the rest dense.
#pragma once
#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

namespace ml {

// `sequence` lists trunk variables in elimination order; the first `sparse` are eliminated one by one
// and `later[i]` are the variables that sequence[i] then is linked to; the rest is one dense block.
struct Ordering {
  std::vector<int> sequence;
  int sparse = 0;
  std::vector<std::vector<int>> later;
};

// A trunk is dense if a variable is linked to more than this share of the others, on average.
constexpr double kDenseShare = 0.15;
// Elimination one by one stops when the lightest variable is linked to this share of what is left.
constexpr double kTailShare = 0.5;

// Mean share of the other variables that a variable is linked to (a sample of 64 is looked at).
// `cliques` are sets of mutually linked variables, `member[i]` the cliques of variable i.
inline double link_density(int n, const std::vector<std::vector<int>>& cliques,
                           const std::vector<std::vector<int>>& member) {
  std::vector<int> stamp(n, -1);
  double links = 0;
  const int sample = std::min(n, 64);
  for (int j = 0; j < sample; ++j) {
    const int i = static_cast<int>(static_cast<long long>(n) * j / sample);
    for (int c : member[i])
      for (int o : cliques[c])
        if (stamp[o] != i) {
          stamp[o] = i;
          ++links;
        }
  }
  return links / sample / n;
}

// Minimum degree on the quotient graph, with approximate degrees (Amestoy, Davis & Duff 1996, SIAM J.
// Matrix Anal. Appl. 17). The graph is given by its cliques and is consumed.
inline Ordering minimum_degree(int n, std::vector<std::vector<int>> cliques, std::vector<std::vector<int>> member) {
  Ordering out;
  std::vector<int> stamp(n, -1), degree(n, 0);
  for (int i = 0; i < n; ++i)
    for (int c : member[i])
      for (int o : cliques[c])
        if (o != i && stamp[o] != i) {
          stamp[o] = i;
          ++degree[i];
        }
  std::set<std::pair<int, int>> queue;
  for (int i = 0; i < n; ++i) queue.insert({degree[i], i});
  std::vector<int> outside(cliques.size(), -1), round(cliques.size(), -1);
  std::vector<char> alive(cliques.size(), 1);
  std::fill(stamp.begin(), stamp.end(), -1);
  while (!queue.empty()) {
    const auto [d, p] = *queue.begin();
    const int left = static_cast<int>(queue.size());
    if (left <= 64 || d >= kTailShare * (left - 1)) break;
    queue.erase(queue.begin());
    std::vector<int> L;  // the new clique: everything linked to p
    for (int c : member[p]) {
      for (int o : cliques[c])
        if (o != p && stamp[o] != p) {
          stamp[o] = p;
          L.push_back(o);
        }
      alive[c] = 0;
      cliques[c] = {};
    }
    const int id = static_cast<int>(cliques.size());
    for (int i : L)  // outside[c]: members of c that are not in L
      for (int c : member[i])
        if (alive[c]) {
          if (round[c] != p) {
            round[c] = p;
            outside[c] = static_cast<int>(cliques[c].size());
          }
          --outside[c];
        }
    for (int i : L) {
      int bound = static_cast<int>(L.size()) - 1;
      std::vector<int> kept;
      for (int c : member[i]) {
        if (!alive[c] || outside[c] == 0) continue;  // absorbed by the new clique
        kept.push_back(c);
        bound += outside[c];
      }
      kept.push_back(id);
      member[i] = std::move(kept);
      queue.erase({degree[i], i});
      degree[i] = std::min({bound, degree[i] + static_cast<int>(L.size()) - 1, left - 2});
      queue.insert({degree[i], i});
    }
    out.sequence.push_back(p);
    out.later.push_back(L);
    cliques.push_back(std::move(L));
    alive.push_back(1);
    outside.push_back(-1);
    round.push_back(-1);
  }
  out.sparse = static_cast<int>(out.sequence.size());
  std::vector<std::pair<int, int>> rest(queue.begin(), queue.end());
  for (auto it = rest.rbegin(); it != rest.rend(); ++it) out.sequence.push_back(it->second);
  return out;
}

}  // namespace ml
