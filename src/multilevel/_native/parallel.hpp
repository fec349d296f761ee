// Work on chunks by a few short-lived threads. Chunks are fixed by the problem, never by the number
// of threads, and every chunk has its own accumulators, so sums do not depend on the thread count.
#pragma once
#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace ml {

template <class F>
void parallel_for(int chunks, int threads, F&& body) {
  const int workers = std::min(chunks, threads);
  if (workers <= 1) {
    for (int c = 0; c < chunks; ++c) body(c);
    return;
  }
  std::atomic<int> next{0};
  auto work = [&] {
    for (int c = next++; c < chunks; c = next++) body(c);
  };
  std::vector<std::thread> pool;
  pool.reserve(workers - 1);
  for (int t = 1; t < workers; ++t) pool.emplace_back(work);
  work();
  for (auto& t : pool) t.join();
}

}  // namespace ml
