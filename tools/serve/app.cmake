# `sapwood serve`: the application, in a library that the tests link too. It knows no sockets.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS openapi.json page.html)
file(READ openapi.json SAPWOOD_OPENAPI)
configure_file(openapi.cc.in ${CMAKE_CURRENT_BINARY_DIR}/openapi.cc @ONLY)
file(READ page.html SAPWOOD_PAGE)
configure_file(page_html.cc.in ${CMAKE_CURRENT_BINARY_DIR}/page_html.cc @ONLY)
# Alone, so that a change of the page compiles nothing else.
set_source_files_properties(${CMAKE_CURRENT_BINARY_DIR}/page_html.cc PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)

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
  page.cc
  problem.cc
  request_log.cc
  routes.cc
  status.cc
  task_json.cc
  tei.cc
  timings.cc
  ${CMAKE_CURRENT_BINARY_DIR}/openapi.cc
  ${CMAKE_CURRENT_BINARY_DIR}/page_html.cc)
target_include_directories(sapwood_app_support PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(sapwood_app_support PUBLIC sapwood_engine PRIVATE OpenSSL::Crypto)
sapwood_target(sapwood_app_support)
