# sandbox-init is linked statically, which the sanitizer runtimes do not support; it sets its own flags.
if(LAMINA_SANITIZERS)
  set(LAMINA_SANITIZER_FLAGS -fsanitize=${LAMINA_SANITIZERS} -fno-omit-frame-pointer
      -fno-sanitize-recover=all)
  if(LAMINA_SANITIZERS MATCHES undefined)
    # These three triple the compile time of coroutine-heavy files and find nothing ASan does not.
    list(APPEND LAMINA_SANITIZER_FLAGS -fno-sanitize=null,alignment,vptr)
  endif()
  add_compile_options(${LAMINA_SANITIZER_FLAGS})
  add_link_options(${LAMINA_SANITIZER_FLAGS})
endif()
