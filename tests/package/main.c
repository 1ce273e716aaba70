/* example MODEL TEXT: the label of the text and its score, from C. */
#include <sapwood/capi.h>
#include <stdio.h>
#include <string.h>

static int fail(const sapwood_error* error) {
  fprintf(stderr, "%s: %s\n", sapwood_status_name(error->status), error->message);
  return 1;
}

int main(int argc, char** argv) {
  sapwood_error error;
  sapwood_model* model = NULL;
  sapwood_label_score best;
  sapwood_text text;
  if (argc != 3) return 2;
  if (sapwood_model_load(argv[1], NULL, &model, &error) != SAPWOOD_OK) return fail(&error);
  text.data = argv[2];
  text.size = strlen(argv[2]);
  if (sapwood_classify(model, &text, NULL, 1, NULL, &best, 1, NULL, &error) != SAPWOOD_OK) {
    return fail(&error);
  }
  printf("%s %.9g\n", sapwood_model_label(model, best.label), best.score);
  sapwood_model_free(model);
  return 0;
}
