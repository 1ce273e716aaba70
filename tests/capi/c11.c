#include "c11.h"

#include <string.h>

#include "sapwood/capi.h"

double classify_in_c(const char* model_name, const char* text, char* label) {
  sapwood_error error;
  sapwood_model* model = NULL;
  sapwood_scheduler* scheduler = NULL;
  sapwood_job* job = NULL;
  sapwood_item item;
  double score = -1;
  sapwood_text input;
  input.data = text;
  input.size = strlen(text);
  if (sapwood_model_load(model_name, NULL, &model, &error) == SAPWOOD_OK &&
      sapwood_scheduler_new(NULL, &scheduler, &error) == SAPWOOD_OK &&
      sapwood_scheduler_add(scheduler, model, &error) == SAPWOOD_OK &&
      sapwood_classify_job(model, input, NULL, NULL, &job, &error) == SAPWOOD_OK &&
      sapwood_scheduler_run(scheduler, job, 0, &error) == SAPWOOD_OK &&
      sapwood_job_item(job, 0, &item, sizeof item, &error) == SAPWOOD_OK) {
    score = item.score;
    strncpy(label, item.name.data, 31);
    label[31] = '\0';
  }
  sapwood_job_free(job);
  sapwood_scheduler_free(scheduler);
  sapwood_model_free(model);
  return score;
}
