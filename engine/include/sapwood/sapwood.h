// Everything a program needs: load a model, give it text, get an answer.
//
//   #include <sapwood/sapwood.h>
//   const auto model = sapwood::Model::load(sapwood::find_model("minilm-fff-sst2"));
//   const sapwood::TextInput text{"it 's a charming and often affecting journey ."};
//   const auto answer = sapwood::classify(model, {&text, 1})[0].value();
//   std::cout << answer.labels[0].label << ' ' << answer.labels[0].score << '\n';
#pragma once

#include "sapwood/convert.h"
#include "sapwood/inspect.h"
#include "sapwood/model.h"
#include "sapwood/scheduler.h"
#include "sapwood/session.h"
#include "sapwood/task_job.h"
#include "sapwood/tasks.h"
#include "sapwood/version.h"
