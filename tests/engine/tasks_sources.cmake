# Tests of the tasks; paths relative to tests/engine/. They include engine/src (tasks/...) and
# nlohmann_json.
set(TASKS_TEST_SOURCES
  tasks_answer_rules.cc
  tasks_errors.cc
  tasks_golden.cc
  tasks_golden_answer.cc
  tasks_golden_classify.cc
  tasks_golden_embed.cc
  tasks_golden_fill_mask.cc
  tasks_golden_ner.cc
  tasks_ner_rules.cc
  tasks_ner_windows.cc
  tasks_real_models.cc
  tasks_scores.cc)
