// sapwood serve: models over HTTP, for clients of other services too.
#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "app.h"
#include "commands.h"
#include "options.h"
#include "output.h"
#include "server.h"

namespace sapwood::cli {
namespace {

struct ServeArguments {
  std::vector<std::string> models, listen;
  ModelOptions engine;
  std::string host = "127.0.0.1", unix_socket;
  int port = 3000;
  serve::TlsFiles tls;
  serve::AppOptions app;
  int max_wait_ms = 1000, request_timeout_ms = 0, drain_delay_ms = 0, drain_limit_ms = 30000;
  bool quiet = false;
};

// Reads the certificate and loads the models again, away from the thread that serves; one time after the other.
class Reloader {
 public:
  Reloader(serve::Application& app, serve::Server& server) : app_(app), server_(server) {}
  ~Reloader() {
    if (thread_.joinable()) thread_.join();
  }
  // Whoever asks while it is done has it done once more, with what the files are then.
  void start() noexcept try {
    if (asked_.fetch_add(1) > 0) return;
    if (thread_.joinable()) thread_.join();
    thread_ = std::thread([this] {
      for (int asked = 1; asked > 0; asked = asked_ -= asked) {
        asked = asked_;
        attempt("the old certificate stays: ", [this] {
          if (server_.reload_tls()) say("read the certificate and its key again");
        });
        attempt("the old models stay: ", [this] { load_models(); });
      }
    });
  } catch (const std::exception& error) {  // the system grants no thread
    asked_ = 0;
    say({"nothing is loaded again: ", error.what()});
  }

 private:
  void load_models() {
    for (const auto& [model, error] : app_.reload()) {
      if (error.empty()) {
        say({"loaded ", model, " again"});
      } else {
        say({"the old ", model, " stays: ", error});
      }
    }
  }

  // Says what `call` throws, which must not end the service.
  template <class Call>
  static void attempt(const char* consequence, const Call& call) noexcept {
    try {
      call();
    } catch (const std::exception& error) {
      say({consequence, error.what()});
    }
  }

  serve::Application& app_;
  serve::Server& server_;
  std::thread thread_;
  std::atomic<int> asked_{0};
};

serve::AppOptions app_options(const ServeArguments& options) {
  serve::AppOptions app = options.app;
  const std::vector<std::string> by_default = {"minilm-fff-embed"};
  for (const std::string& model : options.models.empty() ? by_default : options.models) {
    app.models.push_back(serve::parse_model_source(model));
  }
  app.load = options.engine.load_options();
  app.threads = options.engine.threads;
  app.max_wait = std::chrono::milliseconds(options.max_wait_ms);
  app.request_timeout = std::chrono::milliseconds(options.request_timeout_ms);
  if (!options.quiet) {
    auto mutex = std::make_shared<std::mutex>();
    app.log = [mutex](std::string_view line) {
      const std::lock_guard lock(*mutex);
      std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
    };
  }
  return app;
}

std::vector<serve::TcpAddress> tcp_addresses(const ServeArguments& options) {
  std::vector<serve::TcpAddress> addresses;
  for (const std::string& each : options.listen) {
    addresses.push_back(serve::parse_tcp_address(each));
  }
  if (addresses.empty() && options.unix_socket.empty()) {
    addresses.push_back({options.host, static_cast<std::uint16_t>(options.port)});
  }
  return addresses;
}

int run_serve(const ServeArguments& options) {
  const std::unique_ptr<serve::Application> app = serve::make_app(app_options(options));
  serve::ServerOptions server_options;
  server_options.tcp = tcp_addresses(options);
  server_options.unix_socket.path = options.unix_socket;
  server_options.tls = options.tls;
  server_options.drain_delay = std::chrono::milliseconds(options.drain_delay_ms);
  server_options.drain_limit = std::chrono::milliseconds(options.drain_limit_ms);
  server_options.handle_signals = true;
  Reloader* reload = nullptr;
  server_options.on_hangup = [&reload] { reload->start(); };
  serve::Server server(*app, server_options);
  Reloader reloader(*app, server);
  reload = &reloader;
  for (const std::string& address : server.addresses()) say({"listening on ", address});
  server.run();
  return 0;
}

CLI::Validator address_check() {
  const auto check = [](const std::string& text) -> std::string {
    try {
      serve::parse_tcp_address(text);
      return {};
    } catch (const Error& error) {
      return error.what();
    }
  };
  return CLI::Validator(check, "");
}

void add_address_options(CLI::App& app, ServeArguments& options) {
  app.add_option("--host", options.host, "Address to listen on; 0.0.0.0: every interface")
      ->type_name("HOST")
      ->envname("SAPWOOD_HOST")
      ->capture_default_str();
  app.add_option("-p,--port", options.port, "Port to listen on; 0: a free one")
      ->check(CLI::Range(0, 65535))
      ->envname("PORT")
      ->capture_default_str();
  app.add_option(
         "--listen", options.listen,
         "Addresses to listen on instead of --host and --port: HOST:PORT or [IPV6]:PORT, several")
      ->type_name("ADDRESS")
      ->delimiter(',')
      ->check(address_check())
      ->envname("SAPWOOD_LISTEN");
  app.add_option("--uds-path", options.unix_socket,
                 "Listen on a Unix socket: beside the addresses of --listen, else alone")
      ->type_name("FILE")
      ->envname("UDS_PATH");
  app.add_option("--tls-cert", options.tls.certificate, "Certificates in PEM; with --tls-key")
      ->type_name("FILE")
      ->envname("SAPWOOD_TLS_CERT");
  app.add_option("--tls-key", options.tls.key, "Private key in PEM")
      ->type_name("FILE")
      ->envname("SAPWOOD_TLS_KEY");
}

void add_service_options(CLI::App& app, ServeArguments& options) {
  app.add_option("--api-key", options.app.api_key,
                 "Requests must bring it: Authorization: Bearer KEY")
      ->type_name("KEY")
      ->envname("API_KEY");
  app.add_option("--max-wait", options.max_wait_ms,
                 "Requests that would wait longer are refused with 429")
      ->type_name("MS")
      ->check(at_least(0))
      ->envname("SAPWOOD_MAX_WAIT")
      ->capture_default_str();
  app.add_option("--request-timeout", options.request_timeout_ms,
                 "Deadline of requests that bring no x-request-timeout-ms; 0: none")
      ->type_name("MS")
      ->check(at_least(0))
      ->envname("SAPWOOD_REQUEST_TIMEOUT")
      ->capture_default_str();
  app.add_option("--max-client-batch-size", options.app.max_client_batch_size,
                 "Texts of one request")
      ->type_name("N")
      ->check(at_least(1))
      ->envname("MAX_CLIENT_BATCH_SIZE")
      ->capture_default_str();
  app.add_option("--max-request-tokens", options.app.max_request_tokens,
                 "Tokens of one request's texts together")
      ->type_name("N")
      ->check(at_least(1))
      ->envname("SAPWOOD_MAX_REQUEST_TOKENS")
      ->capture_default_str();
  app.add_option("--payload-limit", options.app.payload_limit, "Bytes of one request's body")
      ->type_name("BYTES")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40))
      ->envname("PAYLOAD_LIMIT")
      ->capture_default_str();
  app.add_option("--run-tokens", options.app.batch_tokens,
                 "Tokens of a run that holds several texts")
      ->type_name("N")
      ->check(at_least(1))
      ->envname("SAPWOOD_RUN_TOKENS")
      ->capture_default_str();
  app.add_flag("--auto-truncate,!--no-auto-truncate", options.app.auto_truncate,
               "Cut texts over the model's length unless a request says otherwise; else they are "
               "errors [cut]")
      ->envname("AUTO_TRUNCATE");
  app.add_option("--drain-delay", options.drain_delay_ms,
                 "After SIGTERM: for how long new connections are still accepted")
      ->type_name("MS")
      ->check(at_least(0))
      ->envname("SAPWOOD_DRAIN_DELAY")
      ->capture_default_str();
  app.add_option("--drain-limit", options.drain_limit_ms,
                 "After that: for how long what is under way may take")
      ->type_name("MS")
      ->check(at_least(0))
      ->envname("SAPWOOD_DRAIN_LIMIT")
      ->capture_default_str();
}

}  // namespace

Command add_serve(CLI::App& root) {
  auto options = std::make_shared<ServeArguments>();
  CLI::App* app = root.add_subcommand(
      "serve", "Answers over HTTP as text-embeddings-inference, OpenAI and others do");
  app->add_option(
         "-m,--model", options->models,
         "NAME=MODEL, or MODEL alone: a directory, a converted file or a name; several, the "
         "first answers requests that name none [minilm-fff-embed]")
      ->type_name("MODEL")
      ->envname("SAPWOOD_MODEL");
  add_address_options(*app, *options);
  add_service_options(*app, *options);
  app->add_flag("-q,--quiet", options->quiet, "No line of JSON on standard error for each request");
  add_engine_options(*app, options->engine);
  return {app, [options] { return run_serve(*options); }};
}

}  // namespace sapwood::cli
