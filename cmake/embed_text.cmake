# Text files as string constants in a C++ source, so that they stay what they are in the repository.
#
#   cmake -D OUTPUT=x.cpp -D HEADER=a/b.hpp -D NAMESPACE=n -D NAMES=one,two -D FILES=one.html,two.css -P embed_text.cmake
#
# HEADER declares each of NAMES as `extern const std::string_view`.

string(REPLACE "," ";" names "${NAMES}")
string(REPLACE "," ";" files "${FILES}")
set(source "#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n\n")
foreach(name file IN ZIP_LISTS names files)
  file(READ "${file}" text)
  string(APPEND source "const std::string_view ${name} = R\"embedded(${text})embedded\";\n\n")
endforeach()
string(APPEND source "}  // namespace ${NAMESPACE}\n")
file(WRITE "${OUTPUT}" "${source}")
