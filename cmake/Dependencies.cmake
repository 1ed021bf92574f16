# Libraries of the field. Static archives are preferred where the distribution ships them: `lamina
# invoke` is a short-lived program, and libarchive's shared object (with OpenSSL, libxml2 and
# ICU behind them) would cost several milliseconds of relocation at every start.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)

# lamina_library(<target> <name>...): an INTERFACE target for a library found by file name.
function(lamina_library target)
  set(files)
  foreach(name IN LISTS ARGN)
    string(MAKE_C_IDENTIFIER LAMINA_LIB_${name} var)
    find_library(${var} NAMES lib${name}.a ${name} REQUIRED)
    list(APPEND files ${${var}})
  endforeach()
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES INTERFACE_LINK_LIBRARIES "${files}")
endfunction()

# Not OpenSSL: its first digest takes a millisecond of set-up, and it would be most of the program.
lamina_library(lamina::nettle nettle)
lamina_library(lamina::deflate deflate isal)
lamina_library(lamina::elf elf z)
# Static libarchive needs the filters it was built with; the linker takes only what is referenced.
find_library(LAMINA_LIBARCHIVE_STATIC NAMES libarchive.a)
if(LAMINA_LIBARCHIVE_STATIC)
  lamina_library(lamina::archive archive zstd z)
else()
  lamina_library(lamina::archive archive)
endif()

# Asio's non-template half, compiled once; the macros must be the same in every file that sees Asio.
add_library(asio_src STATIC ${CMAKE_SOURCE_DIR}/cmake/asio_src.cpp)
target_compile_definitions(asio_src PUBLIC BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
target_compile_options(asio_src PRIVATE -w)
target_link_libraries(asio_src PUBLIC Boost::headers Threads::Threads)
