// What stands before a text, as sentence-transformers has it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sapwood/tasks.h"
#include "tasks/windows.h"

namespace sapwood::tasks {

// The text of a prompt: `prompt` itself, or the model's prompt of this name, or its default one; "" for none. Throws Error
// invalid_argument for a name that the model does not have, and where both are given.
std::string find_prompt(const Model& model, const std::optional<std::string>& prompt,
                        const std::optional<std::string>& name);

// The prompts by which encode_query and encode_document embed, which every model has, empty where its files say nothing of
// them: neither the default prompt nor one called "passage" takes their place.
std::string query_prompt(const Model& model);
std::string document_prompt(const Model& model);

// How many tokens of a text are its prompt's, the special ones before it included, where the model's pooling leaves them out;
// else 0 (Transformer._get_prompt_length).
int unpooled_tokens(const Model& model, const std::string& prompt, const EncodeOptions& options);

// The windows of a text, or of the first text of a pair, behind a prompt.
std::vector<Encoding> encode_behind(const Model& model, const std::string& prompt,
                                    const TextInput& input, const EncodeOptions& options,
                                    EncodeScratch& scratch);

}  // namespace sapwood::tasks
