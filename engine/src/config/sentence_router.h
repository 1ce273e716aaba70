// A Router of sentence-transformers: documents take one way to a vector and queries another.
#pragma once

#include <string>

#include "base/file.h"
#include "base/notices.h"
#include "sapwood/config.h"

namespace sapwood {

// Folders of the modules of the one kind of router that is computed: documents by a masked-LM model and SpladePooling,
// queries by a weight for each token. "" is the model's own folder.
struct RouterModules {
  std::string transformer, splade;  // of documents
  std::string query;
  Route default_route = Route::document;
};

// router_config.json. Throws Error malformed; unsupported for any other router.
RouterModules read_router(const Folder& folder, Notices& notices);

}  // namespace sapwood
