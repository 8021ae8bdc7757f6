// The simulated store passes the contract of the port: what worlds show over it holds for the
// others.
#include "sim/sim_store.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "store/store_contract.h"

namespace playhead::sim {
namespace {

// Calls take their virtual time, and none fails. A crash keeps some of what was not settled.
class SimHarness {
 public:
  Store& store() { return *store_; }

  template <typename T>
  T run(Task<T> task) {
    boost::asio::io_context context;
    std::optional<T> result;
    boost::asio::co_spawn(context, std::move(task), [&](std::exception_ptr error, T value) {
      if (error) std::rethrow_exception(error);
      result = std::move(value);
    });
    while (!result) {
      context.restart();
      if (context.poll() > 0) continue;
      PLAYHEAD_ASSERT(timeline_.step(std::numeric_limits<Millis>::max()));
    }
    return std::move(*result);
  }

  void crash() {
    store_->kill();
    rows_.crash();
    store_ = std::make_unique<SimStore>(rows_, timeline_, faults_);
  }

 private:
  Timeline timeline_;
  Faults faults_{FaultOptions{}, 1};
  Rows rows_{faults_};
  std::unique_ptr<SimStore> store_ = std::make_unique<SimStore>(rows_, timeline_, faults_);
};

INSTANTIATE_TYPED_TEST_SUITE_P(Sim, StoreContract, SimHarness);

}  // namespace
}  // namespace playhead::sim
