# `sapwood serve`: the application, in a library that the tests link too. It knows no sockets.
set(SAPWOOD_OPENAPI_FILE ${CMAKE_CURRENT_SOURCE_DIR}/openapi.json)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${SAPWOOD_OPENAPI_FILE})
file(READ ${SAPWOOD_OPENAPI_FILE} SAPWOOD_OPENAPI)
configure_file(openapi.cc.in ${CMAKE_CURRENT_BINARY_DIR}/openapi.cc @ONLY)

add_library(sapwood_app_support STATIC
  app.cc
  base64.cc
  call.cc
  cohere.cc
  compute.cc
  door.cc
  encode_thread.cc
  fields.cc
  hub.cc
  kserve.cc
  kserve_tensors.cc
  metrics.cc
  models.cc
  ollama.cc
  openai.cc
  problem.cc
  request_log.cc
  routes.cc
  status.cc
  task_json.cc
  tei.cc
  timings.cc
  ${CMAKE_CURRENT_BINARY_DIR}/openapi.cc)
target_include_directories(sapwood_app_support PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(sapwood_app_support PUBLIC sapwood_engine)
sapwood_target(sapwood_app_support)
