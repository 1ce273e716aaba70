// The application of `sapwood serve`: models behind routes that clients of other services know already.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app_options.h"
#include "http.h"

namespace sapwood::serve {

class Application : public App {
 public:
  struct Reloaded {
    std::string model;
    std::string error;  // empty: the model was loaded again; else the old one goes on
  };
  // Loads all models again from where they were named and puts them in the old ones' places. Requests under way are
  // answered by the model that they began with. From any thread, which it keeps for as long as loading takes.
  virtual std::vector<Reloaded> reload() = 0;
};

// Loads the models. Throws Error: what Model::load and find_model throw, invalid_argument for options out of range and
// for a name that two models have. The application must outlive every Exchange that it was given.
std::unique_ptr<Application> make_app(AppOptions options);

}  // namespace sapwood::serve
