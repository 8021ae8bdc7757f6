# gRPC between nodes (src/peer/grpc), from Debian's packages, and the code that protoc makes of its
# messages.
if(NOT PLAYHEAD_CASSANDRA)
  return()
endif()
find_package(Protobuf REQUIRED)
pkg_check_modules(GRPCPP REQUIRED IMPORTED_TARGET GLOBAL grpc++>=1.51)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)

set(peers_proto ${CMAKE_SOURCE_DIR}/src/peer/grpc/peers.proto)
set(peers_made ${CMAKE_BINARY_DIR}/peers)
set(peers_sources ${peers_made}/peers.pb.cc ${peers_made}/peers.grpc.pb.cc)
file(MAKE_DIRECTORY ${peers_made})
add_custom_command(OUTPUT ${peers_sources} ${peers_made}/peers.pb.h ${peers_made}/peers.grpc.pb.h
                   COMMAND protobuf::protoc --cpp_out ${peers_made} --grpc_out ${peers_made}
                           --plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN} -I ${CMAKE_SOURCE_DIR}/src/peer/grpc ${peers_proto}
                   DEPENDS ${peers_proto}
                   VERBATIM)
add_library(playhead_peers_proto STATIC ${peers_sources})
target_include_directories(playhead_peers_proto SYSTEM PUBLIC ${peers_made})
target_link_libraries(playhead_peers_proto PUBLIC PkgConfig::GRPCPP protobuf::libprotobuf)
target_compile_options(playhead_peers_proto PRIVATE -w)
if(PLAYHEAD_SANITIZE)
  target_compile_options(playhead_peers_proto PRIVATE -fsanitize=${PLAYHEAD_SANITIZE})
endif()
