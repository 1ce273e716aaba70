# Paths relative to engine/.
set(SAPWOOD_CHECKPOINT_SOURCES
  src/checkpoint/checkpoint.cc
  src/checkpoint/dtype.cc
  src/checkpoint/file_kind.cc
  src/checkpoint/legacy_pickle.cc
  src/checkpoint/pickle.cc
  src/checkpoint/safetensors.cc
  src/checkpoint/safetensors_header.cc
  src/checkpoint/safetensors_writer.cc
  src/checkpoint/sha256.cc
  src/checkpoint/shard_index.cc
  src/checkpoint/state_dict.cc
  src/checkpoint/tensor_source.cc
  src/checkpoint/unpickle.cc
  src/checkpoint/zip_reader.cc)
set(SAPWOOD_CHECKPOINT_LIBRARIES libzip::zip OpenSSL::Crypto)
