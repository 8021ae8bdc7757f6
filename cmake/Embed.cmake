# Puts a file's bytes into a library, found by two symbols: playhead_embedded_NAME_begin and _end.
# The assembler reads the file, so its size costs no compile time.
function(playhead_embed target name file)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/embedded_${name}.cc)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
asm(R"(
  .pushsection .rodata, "a", @progbits
  .global playhead_embedded_@name@_begin
  .global playhead_embedded_@name@_end
playhead_embedded_@name@_begin:
  .incbin "@file@"
playhead_embedded_@name@_end:
  .byte 0
  .popsection
)");
]])
  set_source_files_properties(${source} TARGET_DIRECTORY ${target} PROPERTIES OBJECT_DEPENDS ${file})
  target_sources(${target} PRIVATE ${source})
endfunction()
