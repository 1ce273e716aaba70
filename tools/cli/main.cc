// sapwood: the command line. Parses, runs one subcommand, and turns every outcome into the exit
// statuses 0 (done), 1 (failed) and 2 (wrong usage).
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/quote.h"
#include "commands.h"
#include "output.h"
#include "sapwood/error.h"
#include "usage_error.h"

namespace sapwood::cli {
namespace {

// CLI11 splits an argument like "[MASK] and [SEP]" into a list, takes "++" for the end of the
// subcommand and forgets after "--" that more texts may follow. A byte no shell passes by accident
// stands before such arguments while it parses.
constexpr char kShield = '\x01';

// What CLI11 is to parse, last argument first, as it wants them.
std::vector<std::string> shield(const std::vector<std::string>& arguments) {
  std::vector<std::string> shielded;
  bool only_texts = false;  // after "--"
  for (const std::string& argument : arguments) {
    if (argument == "--" && !only_texts) {
      only_texts = true;
      continue;
    }
    // CLI11 would take the argument that follows for the value.
    if (!only_texts && argument.starts_with("--") && argument.find('=') == argument.size() - 1) {
      throw UsageError(printable(argument) + " gives no value; an empty text is given as " +
                       printable(argument.substr(0, argument.size() - 1)) + " \"\"");
    }
    const bool special = only_texts || argument.starts_with('[') || argument == "++" ||
                         argument.starts_with(kShield);
    shielded.push_back(special ? kShield + argument : argument);
  }
  std::reverse(shielded.begin(), shielded.end());
  return shielded;
}

// Values as they were given, and none of them empty: an empty string often is a variable of a
// script that was never set, and inside the program it stands for "not given". Texts may be empty.
void prepare_values(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_max() == 0) continue;  // a flag
    const std::string type = option->get_type_name();
    const bool may_be_empty = type == "TEXT" || type == "LABELS";
    option->transform(CLI::Validator(
        [may_be_empty](std::string& value) -> std::string {
          if (value.starts_with(kShield)) value.erase(0, 1);
          if (!value.empty() || may_be_empty) return {};
          return "the value is empty; give one, or leave the option out";
        },
        std::string()));
  }
}

constexpr std::size_t kShownMessage = 1000;

// CLI11's messages name options well but not what to do; and it takes an unknown command for a
// stray argument.
std::string usage_message(const CLI::ParseError& error, const std::vector<Command>& commands,
                          const std::vector<std::string>& arguments) {
  std::string names;
  for (const Command& command : commands) {
    if (command.app->parsed()) {
      std::string message = error.what();
      std::erase(message, kShield);
      message = printable(message, kShownMessage);
      if (error.get_name() == "ExtrasError") {
        message += " (a text that begins with a dash goes after --)";
      }
      return message + "; see: sapwood " + command.app->get_name() + " --help";
    }
    names += (names.empty() ? "" : ", ") + command.app->get_name();
  }
  if (!arguments.empty() && !arguments.front().starts_with('-')) {
    return "there is no command \"" + printable(arguments.front()) + "\"; the commands are " +
           names;
  }
  if (arguments.empty()) return "no command given; the commands are " + names;
  return printable(error.what(), kShownMessage) + "; see: sapwood --help";
}

// CLI11 2.4 passes over environment variables whose value is none of the option's; 2.1 reports
// them.
void check_environment(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    const std::string variable = option->get_envname();
    const char* value = variable.empty() ? nullptr : std::getenv(variable.c_str());
    if (value == nullptr || *value == '\0' || option->count() > 0) continue;
    throw UsageError("the environment variable " + variable + " has a value that " +
                     option->get_name() + " cannot take: '" + printable(value) +
                     "'; see: sapwood " + app.get_name() + " --help");
  }
}

int run(const std::vector<std::string>& arguments) {
  CLI::App app(
      "Runs BERT-family encoders on CPUs: text in, answer out.\n"
      "Results go to standard output: a table on a terminal, JSONL otherwise.",
      "sapwood");
  app.set_version_flag("--version", "sapwood " SAPWOOD_VERSION);
  app.require_subcommand(1);
  app.footer(
      "sapwood COMMAND --help describes a command. Exit status: 0 done, 1 failed, 2 wrong usage.");
  std::vector<Command> commands{
      add_classify(app), add_ner(app),      add_embed(app),   add_fill_mask(app), add_qa(app),
      add_rerank(app),   add_tokenize(app), add_convert(app), add_inspect(app),   add_eval(app),
      add_bench(app),    add_capacity(app), add_models(app)};
#ifdef SAPWOOD_SERVE
  commands.push_back(add_serve(app));
#endif
  for (const Command& command : commands) prepare_values(*command.app);

  try {
    app.parse(shield(arguments));
  } catch (const CLI::Success& asked) {  // --help, --version
    OutputStream output("", {});
    std::ostringstream text;
    app.exit(asked, text, text);
    output.write(text.str());
    output.close();
    return 0;
  } catch (const CLI::ParseError& error) {
    throw UsageError(usage_message(error, commands, arguments));
  }
  for (const Command& command : commands) {
    if (!command.app->parsed()) continue;
    check_environment(*command.app);
    return command.run();
  }
  throw UsageError("no command given; see: sapwood --help");
}

// Says what the exception is that is being handled, without memory of the heap, and gives the exit
// status for it.
int report_exception() noexcept {
  try {
    throw;
  } catch (const UsageError& error) {
    say(error.what());
    return 2;
  } catch (const Error& error) {
    say(error.what());
  } catch (const std::bad_alloc&) {
    say("out of memory; a smaller --batch-tokens or --max-length needs less");
  } catch (const std::system_error& error) {
    say({"the operating system refused: ", error.what()});
  } catch (const std::exception& error) {
    say({"unexpected failure: ", error.what()});
  } catch (...) {
    say("unexpected failure");
  }
  return 1;
}

// Where an exception cannot be passed on, as out of a destructor that found no memory.
[[noreturn]] void report_and_exit() noexcept {
  if (std::current_exception() != nullptr) std::_Exit(report_exception());
  say("internal error");
  std::abort();
}

// Before the initialisers of global objects, which allocate too.
[[gnu::constructor(101)]] void install_last_handler() noexcept {
  std::set_terminate(report_and_exit);
}

}  // namespace
}  // namespace sapwood::cli

int main(int argc, char** argv) {
  using namespace sapwood::cli;
  // A reader that goes away and a limit on the size of files are failed writes with a message, not
  // a silent death.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  guard_standard_descriptors();
  try {
    return run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (...) {
    return report_exception();
  }
}
