// Spaces that English does not have before punctuation and contractions, taken out of decoded text.
#pragma once

#include <string>

namespace sapwood::tasks {

// The WordPiece decoder's list, meant for one word at a time.
void clean_up_word(std::string& word);

// transformers' clean_up_tokenization, for a whole text: the same without "do not".
void clean_up_text(std::string& text);

}  // namespace sapwood::tasks
