// Holds a server's answers against the model. One thread; the faults must be calm.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/model.h"
#include "sim/process.h"

namespace playhead::sim {

class Checks {
 public:
  struct Options {
    bool replayed = false;  ///< the server has just started: what fell silent may still be there
    bool exact = false;     ///< all was delivered: nothing may be uncertain
    /// Reports were also folded by nodes that knew of a view only in part (Known::kPart): there
    /// what a player says before it plays or seeks takes no position.
    bool in_parts = false;
    std::string strict_account;
    std::size_t strict_limit = 0;
  };

  Checks(Process& process, const Model& model, Instant now, Options options)
      : process_(process), model_(model), now_(now), options_(std::move(options)) {}

  /// The promises that are broken; empty if all is well.
  std::vector<std::string> run();
  /// How many views and titles were compared as equals, not as bounds.
  std::uint64_t exact() const { return exact_; }

 private:
  using ProfileKey = std::pair<std::string, std::string>;

  void read_views();
  void check_view(const ViewTold& told, const StoredView* found);
  void check_bounds(const ViewTold& told, const View& view);
  void check_qualified(const ViewTold& told, const View& view);
  void check_ends(const ViewTold& told, const StoredView& found);
  void check_viewers(const std::string& account);
  void check_limit(const std::set<std::string>& shown);
  void check_viewer(const ViewTold& told, bool shown);
  void check_history(const ProfileKey& profile);
  void check_title(const ProfileKey& profile, const std::string& title);
  void broken(std::string what) { broken_.push_back(std::move(what)); }

  Process& process_;
  const Model& model_;
  const Instant now_;
  const Options options_;
  std::vector<std::string> broken_;
  std::map<std::string, StoredView> found_;  ///< by view
  std::uint64_t exact_ = 0;
};

}  // namespace playhead::sim
