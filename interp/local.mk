# The interpreter. A new file goes into its list, in alphabetical order; tests/lint/lists.sh tells what is missing.

interp_sources = \
  interp/api-error.c \
  interp/api-native.c \
  interp/api-value.c \
  interp/api.c \
  interp/arith.c \
  interp/buf.c \
  interp/cells.c \
  interp/chunk.c \
  interp/class-define.c \
  interp/class-info.c \
  interp/class.c \
  interp/codec.c \
  interp/compile-call.c \
  interp/compile-control.c \
  interp/compile-declare.c \
  interp/compile-function.c \
  interp/compile-operator.c \
  interp/compile-try.c \
  interp/compile-variable.c \
  interp/compiler.c \
  interp/complete.c \
  interp/digest.c \
  interp/disasm.c \
  interp/error.c \
  interp/ffi-open.c \
  interp/ffi-type.c \
  interp/ffi.c \
  interp/format.c \
  interp/heap.c \
  interp/help.c \
  interp/lib-binary.c \
  interp/lib-buffer.c \
  interp/lib-core.c \
  interp/lib-encoding.c \
  interp/lib-file.c \
  interp/lib-format.c \
  interp/lib-general.c \
  interp/lib-hashtable.c \
  interp/lib-list.c \
  interp/lib-math.c \
  interp/lib-number.c \
  interp/lib-object.c \
  interp/lib-process.c \
  interp/lib-stream.c \
  interp/lib-string.c \
  interp/lib-system.c \
  interp/lib-terminal.c \
  interp/lib-test.c \
  interp/load-path.c \
  interp/load.c \
  interp/map.c \
  interp/mem.c \
  interp/member.c \
  interp/number.c \
  interp/outline.c \
  interp/platform-virtual.c \
  interp/platform.c \
  interp/printer.c \
  interp/reader.c \
  interp/receiver.c \
  interp/registry.c \
  interp/signature.c \
  interp/slow.c \
  interp/str.c \
  interp/symbol.c \
  interp/task.c \
  interp/token.c \
  interp/topics.c \
  interp/type.c \
  interp/utf8.c \
  interp/value.c \
  interp/vm-call.c \
  interp/vm-error.c \
  interp/vm.c \
  interp/walk.c \
  $(NULL)

# Floor 10 is the program's alone.
program_sources = \
  interp/front-plain.c \
  interp/history.c \
  interp/main.c \
  interp/options.c \
  interp/output.c \
  interp/repl.c \
  interp/signals.c \
  $(NULL)

interp_headers = \
  interp/api.h \
  interp/buf.h \
  interp/cells.h \
  interp/chunk.h \
  interp/class.h \
  interp/codec.h \
  interp/compile.h \
  interp/compiler.h \
  interp/complete.h \
  interp/digest.h \
  interp/error.h \
  interp/ffi.h \
  interp/format.h \
  interp/front.h \
  interp/heap.h \
  interp/help.h \
  interp/history.h \
  interp/letter-case.h \
  interp/lib.h \
  interp/load.h \
  interp/map.h \
  interp/mem.h \
  interp/number.h \
  interp/opcodes.def \
  interp/options.h \
  interp/outline.h \
  interp/output.h \
  interp/platform-virtual.h \
  interp/platform.h \
  interp/printer.h \
  interp/reader.h \
  interp/receiver.h \
  interp/repl.h \
  interp/signals.h \
  interp/state.h \
  interp/str.h \
  interp/symbol.h \
  interp/task.h \
  interp/token.h \
  interp/topics.h \
  interp/utf8.h \
  interp/value.h \
  interp/vm.h \
  $(NULL)

# A host sees these, as <carapace/carapace.h> and so on.
carapaceincludedir = $(includedir)/carapace
carapaceinclude_HEADERS = \
  interp/carapace.h \
  interp/native.h \
  interp/platform.h \
  interp/types.h \
  modules/module.h \
  $(NULL)

noinst_HEADERS += $(interp_headers)

lib_LTLIBRARIES += libcarapace.la
libcarapace_la_SOURCES = $(interp_sources) $(module_sources)
nodist_libcarapace_la_SOURCES = stdlib-embedded.c
libcarapace_la_LDFLAGS = -version-info 0:0:0 -export-symbols-regex '^crp_' -no-undefined $(DEFS_FLAG)
libcarapace_la_CFLAGS = $(AM_CFLAGS) $(CARES_CFLAGS)
libcarapace_la_LIBADD = $(CARES_LIBS)

# What calls C functions is a shared object, so that only who calls one pays for libffi.
if FFI_MODULE
pkglib_LTLIBRARIES += carapace-ffi.la
carapace_ffi_la_SOURCES = interp/ffi-libffi.c
carapace_ffi_la_CFLAGS = $(AM_CFLAGS) $(FFI_CFLAGS)
carapace_ffi_la_LDFLAGS = -module -avoid-version -shared -export-symbols-regex '^crp_'
carapace_ffi_la_LIBADD = $(FFI_LIBS)
endif
if FFI_LINKED
libcarapace_la_SOURCES += interp/ffi-libffi.c
libcarapace_la_CFLAGS += $(FFI_CFLAGS)
libcarapace_la_LIBADD += $(FFI_LIBS)
endif

# The tests of a stress build link the static library only.
if STRESS
libcarapace_la_LIBTOOLFLAGS = --tag=disable-shared
endif

# The program holds the whole library, also what only a module that it loads would call.
bin_PROGRAMS += carapace
carapace_SOURCES = $(program_sources)
carapace_LDFLAGS = $(AM_LDFLAGS) $(EXPORT_CRP_FLAG)
carapace_LDADD = $(WHOLE_LIBRARY) libcarapace.la
carapace_DEPENDENCIES = libcarapace.la

# The only part that is linked with readline, see LICENSES.md.
if READLINE
pkglib_LTLIBRARIES += carapace-readline.la
carapace_readline_la_SOURCES = interp/front-readline.c
carapace_readline_la_CFLAGS = $(AM_CFLAGS) $(READLINE_CFLAGS)
carapace_readline_la_LDFLAGS = -module -avoid-version -shared -export-symbols-regex '^crp_'
carapace_readline_la_LIBADD = $(READLINE_LIBS)
endif
