set(CHECKPOINT_TEST_SOURCES
  checkpoint_dtype.cc
  checkpoint_sha256.cc
  checkpoint_pickle.cc
  checkpoint_safetensors.cc
  checkpoint_shards.cc
  checkpoint_writer.cc)
