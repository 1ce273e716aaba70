// sapwood tokenize: ids, tokens and offsets of texts or pairs; or the text of ids.
#include <charconv>
#include <memory>

#include "commands.h"
#include "json.h"
#include "options.h"

namespace sapwood::cli {
namespace {

constexpr ModelKind kTokenizeKind{"a model, a folder with only a tokenizer, or a vocab.txt",
                                  "minilm-fff-sst2"};

struct TokenizeArguments {
  IoOptions io;
  std::string model;
  LengthFlags length;
  std::optional<int> stride;
  VocabOptions vocab;
  std::optional<std::string> pair;
  bool no_special_tokens = false;
  bool decode = false;
  bool keep_special_tokens = false;
};

// The members of one window's object.
void write_window(JsonWriter& writer, const Tokenizer& tokenizer, const Encoding& encoding) {
  const auto list = [&](const char* name, const auto& numbers) {
    writer.key(name).begin_array();
    for (const std::int32_t number : numbers) writer.value(number);
    writer.end();
  };
  list("ids", encoding.ids);
  writer.key("tokens").begin_array();
  for (const std::string& token : tokenizer.tokens(encoding)) writer.value(token);
  writer.end().key("offsets").begin_array();
  for (const Offsets& range : encoding.offsets) {
    writer.begin_array().value(range.start).value(range.end).end();
  }
  writer.end();
  list("type_ids", encoding.type_ids);
  list("special_tokens_mask", encoding.special_tokens_mask);
}

void append_rows(Rendered& rendered, const Tokenizer& tokenizer, const Encoding& encoding,
                 int window) {
  const std::vector<std::string> tokens = tokenizer.tokens(encoding);
  for (std::size_t i = 0; i < encoding.size(); ++i) {
    rendered.rows.push_back({std::to_string(window), std::to_string(encoding.ids[i]),
                             std::to_string(encoding.offsets[i].start),
                             std::to_string(encoding.offsets[i].end),
                             std::to_string(encoding.type_ids[i]),
                             std::to_string(encoding.special_tokens_mask[i]), tokens[i]});
  }
}

Rendered render(const Tokenizer& tokenizer, const Encoding& encoding, bool windows,
                OutputFormat format) {
  Rendered rendered;
  rendered.truncated = encoding.truncated && !windows;  // windows hold all there is
  if (format == OutputFormat::table || format == OutputFormat::csv) {
    append_rows(rendered, tokenizer, encoding, 0);
    for (std::size_t i = 0; windows && i < encoding.overflowing.size(); ++i) {
      append_rows(rendered, tokenizer, encoding.overflowing[i], static_cast<int>(i) + 1);
    }
    return rendered;
  }
  JsonWriter writer(rendered.json);
  writer.begin_object();
  write_window(writer, tokenizer, encoding);
  if (windows) {
    writer.key("overflowing").begin_array();
    for (const Encoding& window : encoding.overflowing) {
      writer.begin_object();
      write_window(writer, tokenizer, window);
      writer.end();
    }
    writer.end();
  }
  if (rendered.truncated) writer.member("truncated", true);
  writer.end();
  return rendered;
}

std::vector<std::int32_t> parse_ids(const std::string& text, const Tokenizer& tokenizer) {
  std::vector<std::int32_t> ids;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    if (*at == ' ' || *at == ',' || *at == '\t') {
      ++at;
      continue;
    }
    std::int32_t id = 0;
    const auto [stop, error] = std::from_chars(at, end, id);
    const bool whole = stop == end || *stop == ' ' || *stop == ',' || *stop == '\t';
    if (error != std::errc() || !whole) {
      throw Error(ErrorCode::invalid_argument,
                  "expected token ids separated by spaces or commas, found \"" +
                      printable({at, static_cast<std::size_t>(end - at)}, 20) + "\"");
    }
    if (id < 0 || id >= tokenizer.vocab_size() || tokenizer.token(id).empty()) {
      throw Error(ErrorCode::invalid_argument, "no token has the id " + std::to_string(id) +
                                                   "; the vocabulary has ids from 0 to " +
                                                   std::to_string(tokenizer.vocab_size() - 1));
    }
    ids.push_back(id);
    at = stop;
  }
  return ids;
}

EncodeOptions encode_options(const TokenizeArguments& options, const LoadedTokenizer& source) {
  EncodeOptions encode;
  encode.truncation_direction = source.tokenizer.truncation_side();
  encode.add_special_tokens = !options.no_special_tokens;
  encode.parse_special_tokens = !options.length.plain_special;
  if (options.length.truncation) encode.truncation = *options.length.truncation;
  if (options.length.direction) encode.truncation_direction = *options.length.direction;
  encode.stride = options.stride.value_or(0);
  encode.overflowing = options.stride.has_value();
  // Nothing is cut where cutting is refused and no limit was asked for.
  const bool unlimited = options.length.truncation == Truncation::none;
  encode.max_length = options.length.max_length;
  if (!encode.max_length && !unlimited) encode.max_length = source.max_length;
  return encode;
}

std::vector<Result<Rendered>> each(std::span<const Record> records,
                                   const std::function<Rendered(const Record&)>& compute) {
  std::vector<Result<Rendered>> answers;
  for (const Record& record : records) {
    try {
      answers.push_back(compute(record));
    } catch (const Error& error) {
      if (error.code() == ErrorCode::out_of_memory) throw;  // that is no fault of the record
      answers.push_back(error);
    }
  }
  return answers;
}

int run_tokenize(const TokenizeArguments& options) {
  const std::filesystem::path path = model_path(options.model, kTokenizeKind);
  const LoadedTokenizer source = load_tokenizer(path, options.vocab);
  say_notices(source.notices, options.io.quiet);
  const Tokenizer& tokenizer = source.tokenizer;
  Task task(options.io, path);
  if (options.decode) {
    task.schema = {.first = "ids", .first_is_ids = true};
    task.columns = {"text"};
    task.compute = [&](std::span<const Record> records, OutputFormat) {
      return each(records, [&](const Record& record) {
        const std::string text =
            tokenizer.decode(parse_ids(record.first, tokenizer), !options.keep_special_tokens);
        Rendered rendered{"", {{text}}, {}, false};
        JsonWriter(rendered.json).begin_object().member("text", text).end();
        return rendered;
      });
    };
    return run_task(std::move(task));
  }
  const EncodeOptions encode = encode_options(options, source);
  task.schema.second = "text_pair";
  task.schema.fixed_second = options.pair;
  task.columns = {"window", "id", "start", "end", "type", "special", "token"};
  task.truncation_notice = truncation_notice(encode.max_length.value_or(0),
                                             "--stride N shows the rest as further windows");
  Encoding encoding;
  EncodeScratch scratch;
  task.compute = [&](std::span<const Record> records, OutputFormat format) {
    return each(records, [&](const Record& record) {
      if (record.second) {
        tokenizer.encode_into(encoding, scratch, record.first, *record.second, encode);
      } else {
        tokenizer.encode_into(encoding, scratch, record.first, encode);
      }
      return render(tokenizer, encoding, options.stride.has_value(), format);
    });
  };
  return run_task(std::move(task));
}

}  // namespace

Command add_tokenize(CLI::App& root) {
  auto options = std::make_shared<TokenizeArguments>();
  CLI::App* app = root.add_subcommand("tokenize", "Ids, tokens and offsets of texts or pairs");
  add_texts(*app, options->io, "Texts to cut into tokens");
  add_model_name(*app, options->model, kTokenizeKind);
  app->add_option("--text-pair", options->pair, "Second text of every pair")->type_name("TEXT");
  app->add_option("--stride", options->stride,
                  "Show what is beyond the limit as windows that overlap by N tokens")
      ->type_name("N")
      ->check(at_least(0));
  app->add_flag("--no-special-tokens", options->no_special_tokens,
                "Leave the template's tokens ([CLS], [SEP]) out");
  app->add_flag_function(
      "--lowercase,!--no-lowercase",
      [options = options.get()](std::int64_t count) { options->vocab.lowercase = count > 0; },
      "Whether a vocab.txt that comes without settings is lower-cased [it is]");
  app->add_flag_function(
      "--strip-accents,!--no-strip-accents",
      [options = options.get()](std::int64_t count) { options->vocab.strip_accents = count > 0; },
      "Whether such a vocab.txt is without accents [as --lowercase]");
  app->add_flag("--decode", options->decode,
                "The other way round: text of ids (lines of numbers, or JSONL {\"ids\": [...]})");
  app->add_flag("--keep-special-tokens", options->keep_special_tokens,
                "With --decode: leave special tokens in the text");
  add_length_options(*app, options->length);
  add_input_options(*app, options->io);
  add_output_options(*app, options->io);
  return {app, [options] { return run_tokenize(*options); }};
}

}  // namespace sapwood::cli
