// example MODEL TEXT: the label of the text and its score.
#include <sapwood/sapwood.h>

#include <iomanip>
#include <iostream>

int main(int argc, char** argv) try {
  if (argc != 3 || sapwood::version() != sapwood::kVersion) return 2;
  const auto model = sapwood::Model::load(sapwood::find_model(argv[1]));
  const sapwood::TextInput text{argv[2]};
  const auto answer = sapwood::classify(model, {&text, 1})[0].value();
  std::cout << answer.labels[0].label << ' ' << std::setprecision(9) << answer.labels[0].score
            << '\n';
} catch (const sapwood::Error& error) {
  std::cerr << to_string(error.code()) << ": " << error.what() << '\n';
  return 1;
}
