# The tasks of the engine; paths relative to engine/.
# The caller links SAPWOOD_TASK_LIBRARIES.
set(SAPWOOD_TASK_LIBRARIES utf8proc::utf8proc)
set(SAPWOOD_TASK_SOURCES
  src/tasks/answer.cc
  src/tasks/answer_spans.cc
  src/tasks/answer_all.cc
  src/tasks/classify.cc
  src/tasks/embed.cc
  src/tasks/fill_mask.cc
  src/tasks/lowercase.cc
  src/tasks/names.cc
  src/tasks/ner.cc
  src/tasks/ner_aggregate.cc
  src/tasks/prompts.cc
  src/tasks/rerank.cc
  src/tasks/requirements.cc
  src/tasks/scores.cc
  src/tasks/sentence_vectors.cc
  src/tasks/sparse.cc
  src/tasks/task_job.cc
  src/tasks/text_index.cc
  src/tasks/windows.cc
  src/tasks/zero_shot.cc)
