# Tests of the tasks; paths relative to tests/engine/. They include engine/src (tasks/...) and
# nlohmann_json.
set(TASKS_TEST_SOURCES
  tasks_answer_rules.cc
  tasks_ner_rules.cc
  tasks_ner_windows.cc
  tasks_scores.cc)
