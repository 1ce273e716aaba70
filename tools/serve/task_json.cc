#include "task_json.h"

namespace sapwood::serve {

void write_json(JsonWriter& writer, const Classification& value) {
  writer.begin_array();
  for (const LabelScore& each : value.labels) {
    writer.begin_object().member("label", each.label).member("score", each.score).end();
  }
  writer.end();
}

void write_json(JsonWriter& writer, const Entities& value) {
  writer.begin_array();
  for (const Entity& entity : value.entities) {
    const bool group = entity.index < 0;
    writer.begin_object().member(group ? "entity_group" : "entity", entity.entity);
    writer.member("score", entity.score);
    if (!group) writer.member("index", entity.index);
    writer.member("word", entity.word).member("start", entity.start).member("end", entity.end);
    writer.end();
  }
  writer.end();
}

void write_json(JsonWriter& writer, const MaskFills& value) {
  const bool several = value.masks.size() > 1;
  if (several) writer.begin_array();
  for (const auto& mask : value.masks) {
    writer.begin_array();
    for (const MaskFill& fill : mask) {
      writer.begin_object().member("score", fill.score).member("token", fill.token);
      writer.member("token_str", fill.token_str).member("sequence", fill.sequence).end();
    }
    writer.end();
  }
  if (several) writer.end();
}

void write_json(JsonWriter& writer, const std::vector<Answer>& value) {
  for (const Answer& each : value) {
    writer.begin_object().member("score", each.score).member("start", each.start);
    writer.member("end", each.end).member("answer", each.answer).end();
  }
}

}  // namespace sapwood::serve
