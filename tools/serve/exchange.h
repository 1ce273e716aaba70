// A request in the hands of the application.
#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "core.h"
#include "http.h"

namespace sapwood::serve {

// Lives as long as the application holds it. Where that ends without an answer, the connection gives one (500).
class PendingExchange final : public Exchange {
 public:
  // `number`: of the request in its connection.
  PendingExchange(std::shared_ptr<Core> core, std::shared_ptr<Connection> connection,
                  std::uint64_t number, HttpRequest request);
  ~PendingExchange() override;

  const HttpRequest& request() const override { return request_; }
  void respond(HttpResponse response) override;
  void on_left(std::function<void()> call) override;

  // The client has left.
  void leave();

 private:
  std::shared_ptr<const HttpRequest> copy_head() const;

  const std::shared_ptr<Core> core_;  // first: the connection's socket is of its io
  const std::shared_ptr<Connection> connection_;
  const std::uint64_t number_;
  const HttpRequest request_;
  std::mutex mutex_;  // guards what follows
  std::function<void()> call_;
  bool answered_ = false, left_ = false;
};

}  // namespace sapwood::serve
