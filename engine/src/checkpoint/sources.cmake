# Paths relative to engine/.
set(SAPWOOD_CHECKPOINT_SOURCES
  src/checkpoint/checkpoint.cc
  src/checkpoint/dtype.cc
  src/checkpoint/mapped_file.cc
  src/checkpoint/pickle.cc
  src/checkpoint/safetensors.cc
  src/checkpoint/safetensors_writer.cc
  src/checkpoint/sha256.cc
  src/checkpoint/tensor_source.cc)
