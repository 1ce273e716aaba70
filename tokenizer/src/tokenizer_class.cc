#include "tokenizer_class.h"

#include <algorithm>
#include <iterator>

#include "base/quote.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

// Of transformers 4.57 and 5.24, by reading and by running them (tests/tokenizer/make_settings.py).
constexpr TokenizerClass kClasses[] = {
    {.name = "BertTokenizer", .bert_text = true, .reads_vocab_txt = true},
    {.name = "DistilBertTokenizer",
     .bert_text = true,
     .reads_vocab_txt = true,
     .token_types = false},
    // In transformers 5 these are other names of BertTokenizer.
    {.name = "ElectraTokenizer", .bert_text = true, .reads_vocab_txt = true},
    {.name = "MobileBertTokenizer", .bert_text = true, .reads_vocab_txt = true},
    {.name = "ConvBertTokenizer", .bert_text = true, .reads_vocab_txt = true},
    {.name = "LayoutLMTokenizer", .bert_text = true, .reads_vocab_txt = true},
    {.name = "LxmertTokenizer", .bert_text = true, .reads_vocab_txt = true},
    {.name = "SqueezeBertTokenizer", .bert_text = true, .reads_vocab_txt = true},
    {.name = "RetriBertTokenizer", .bert_text = true, .reads_vocab_txt = true},
    {.name = "DPRQuestionEncoderTokenizer", .bert_text = true, .reads_vocab_txt = true},
    {.name = "DPRContextEncoderTokenizer", .bert_text = true, .reads_vocab_txt = true},
    // Its template is that of RoBERTa, which only its tokenizer.json says.
    {.name = "MPNetTokenizer", .bert_text = true, .token_types = false},
    // No class in particular: what the files say.
    {.name = "PreTrainedTokenizer", .reads_vocab_txt = true},
    {.name = "TokenizersBackend", .reads_vocab_txt = true},
    {.name = "PythonBackend", .reads_vocab_txt = true},
    {.name = "RobertaTokenizer",
     .reads_merges = true,
     .token_types = false,
     .prefix_space = PrefixSpace::roberta},
    // In transformers 5 these are other names of RobertaTokenizer.
    {.name = "LongformerTokenizer",
     .reads_merges = true,
     .token_types = false,
     .prefix_space = PrefixSpace::roberta},
    {.name = "BartTokenizer",
     .reads_merges = true,
     .token_types = false,
     .prefix_space = PrefixSpace::roberta},
    {.name = "XLMRobertaTokenizer", .token_types = false, .prefix_space = PrefixSpace::metaspace},
    {.name = "CamembertTokenizer", .token_types = false, .prefix_space = PrefixSpace::metaspace},
    {.name = "GPT2Tokenizer", .token_types = false, .prefix_space = PrefixSpace::byte_level}};

// Written in Python alone, so that a tokenizer.json beside them is not what they do.
constexpr std::string_view kPythonOnly[] = {
    "BertJapaneseTokenizer", "BertTokenizerLegacy", "BertweetTokenizer",     "CanineTokenizer",
    "ByT5Tokenizer",         "EsmTokenizer",        "FlaubertTokenizer",     "JumanppTokenizer",
    "PhobertTokenizer",      "ProphetNetTokenizer", "RoCBertTokenizer",      "RoFormerTokenizer",
    "TapasTokenizer",        "XLMTokenizer",        "CharacterBertTokenizer"};

std::string_view without_fast(std::string_view name) {
  constexpr std::string_view kFast = "Fast";
  if (name.ends_with(kFast)) name.remove_suffix(kFast.size());
  return name;
}

const TokenizerClass* find_known(std::string_view name) {
  const auto* const it = std::find_if(
      std::begin(kClasses), std::end(kClasses),
      [name = without_fast(name)](const TokenizerClass& known) { return known.name == name; });
  return it == std::end(kClasses) ? nullptr : it;
}

}  // namespace

const TokenizerClass& find_tokenizer_class(std::string_view name) noexcept {
  static constexpr TokenizerClass kOther = {};
  const TokenizerClass* const known = find_known(name);
  return known == nullptr ? kOther : *known;
}

std::string_view class_of_model_type(std::string_view model_type) noexcept {
  struct Pair {
    std::string_view model_type, name;
  };
  constexpr Pair kPairs[] = {{"bert", "BertTokenizer"},
                             {"distilbert", "DistilBertTokenizer"},
                             {"electra", "ElectraTokenizer"},
                             {"mobilebert", "MobileBertTokenizer"},
                             {"convbert", "ConvBertTokenizer"},
                             {"layoutlm", "LayoutLMTokenizer"},
                             {"lxmert", "LxmertTokenizer"},
                             {"squeezebert", "SqueezeBertTokenizer"},
                             {"mpnet", "MPNetTokenizer"},
                             {"roberta", "RobertaTokenizer"},
                             {"xlm-roberta", "XLMRobertaTokenizer"},
                             {"camembert", "CamembertTokenizer"},
                             {"modernbert", "PreTrainedTokenizer"}};
  for (const Pair& pair : kPairs) {
    if (pair.model_type == model_type) return pair.name;
  }
  return {};
}

void check_tokenizer_class(const NamedClass& named, TokenizerFiles files, Notices& notices) {
  if (named.name.empty()) return;
  const std::string_view plain = without_fast(named.name);
  const bool python =
      std::find(std::begin(kPythonOnly), std::end(kPythonOnly), plain) != std::end(kPythonOnly);
  const TokenizerClass* const known = find_known(named.name);
  const std::string what =
      std::string(named.where) + ": the tokenizer class " + quote(named.name) + " ";
  constexpr std::string_view kSave =
      "; save it as tokenizer.json (AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR) in "
      "transformers)";
  std::string why;
  if (python) {
    why = "does not split text as tokenizer.json or vocab.txt say, and what it does is not here";
  } else if (known == nullptr && named.remote_code) {
    why = "is code of the repository's own (auto_map), which is not here and is never run";
  } else if (files == TokenizerFiles::vocab_txt && (known == nullptr || !known->reads_vocab_txt)) {
    why = "does not read vocab.txt as BERT's tokenizer does" + std::string(kSave);
  } else if (files == TokenizerFiles::vocab_and_merges &&
             (known == nullptr || !known->reads_merges)) {
    why =
        "does not read vocab.json and merges.txt as RoBERTa's tokenizer does" + std::string(kSave);
  } else if (known == nullptr) {
    notices.add(what +
                "is not known here: what tokenizer.json says is done, and nothing that the class "
                "does besides");
  }
  if (!why.empty()) throw Error(ErrorCode::unsupported, what + why);
}

}  // namespace sapwood
