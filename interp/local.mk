# The interpreter. A new file goes into its list, in alphabetical order; tests/lint/lists.sh tells what is missing.

interp_sources = \
  interp/api-end.c \
  interp/api-error.c \
  interp/api-native.c \
  interp/api-value.c \
  interp/api-words.c \
  interp/api.c \
  interp/arith.c \
  interp/buf.c \
  interp/cells.c \
  interp/chunk.c \
  interp/class-define.c \
  interp/class-info.c \
  interp/class.c \
  interp/codec.c \
  interp/collect.c \
  interp/compile-call.c \
  interp/compile-control.c \
  interp/compile-declare.c \
  interp/compile-function.c \
  interp/compile-operator.c \
  interp/compile-quasi.c \
  interp/compile-try.c \
  interp/compile-variable.c \
  interp/compiler.c \
  interp/complete.c \
  interp/date-read.c \
  interp/date.c \
  interp/conf.c \
  interp/digest.c \
  interp/disasm.c \
  interp/error-code.c \
  interp/error.c \
  interp/expand.c \
  interp/example-page.c \
  interp/example.c \
  interp/ffi-open.c \
  interp/ffi-type.c \
  interp/ffi.c \
  interp/foreign.c \
  interp/format.c \
  interp/heap.c \
  interp/help.c \
  interp/hive.c \
  interp/instant.c \
  interp/json-read.c \
  interp/json-write.c \
  interp/left-out.c \
  interp/lib-array.c \
  interp/lib-binary.c \
  interp/lib-buffer.c \
  interp/lib-character.c \
  interp/lib-class.c \
  interp/lib-core.c \
  interp/lib-directory.c \
  interp/lib-encoding.c \
  interp/lib-error.c \
  interp/lib-event.c \
  interp/lib-file.c \
  interp/lib-format.c \
  interp/lib-general.c \
  interp/lib-hashtable.c \
  interp/lib-json.c \
  interp/lib-list.c \
  interp/lib-lock.c \
  interp/lib-macro.c \
  interp/lib-math.c \
  interp/lib-number.c \
  interp/lib-object.c \
  interp/lib-path.c \
  interp/lib-process.c \
  interp/lib-registry.c \
  interp/lib-sequence-plain.c \
  interp/lib-sequence-unique.c \
  interp/lib-sequence.c \
  interp/lib-sort.c \
  interp/lib-stream.c \
  interp/lib-string.c \
  interp/lib-symbol.c \
  interp/lib-system.c \
  interp/lib-task-all.c \
  interp/lib-task-group.c \
  interp/lib-task.c \
  interp/lib-terminal.c \
  interp/lib-test.c \
  interp/lib-time-unit.c \
  interp/lib-time.c \
  interp/lib-walk.c \
  interp/lib-zone.c \
  interp/load-library.c \
  interp/load-path.c \
  interp/load.c \
  interp/map.c \
  interp/mark.c \
  interp/mem.c \
  interp/member.c \
  interp/named.c \
  interp/number.c \
  interp/outline.c \
  interp/page.c \
  interp/part.c \
  interp/pattern-find.c \
  interp/pattern-replace.c \
  interp/pattern.c \
  interp/platform-virtual.c \
  interp/platform.c \
  interp/printer.c \
  interp/quick.c \
  interp/reader.c \
  interp/receiver.c \
  interp/reference.c \
  interp/registry.c \
  interp/release.c \
  interp/replace.c \
  interp/signature.c \
  interp/slow.c \
  interp/str.c \
  interp/sink.c \
  interp/stream.c \
  interp/sweep.c \
  interp/symbol.c \
  interp/task-call.c \
  interp/task-report.c \
  interp/task.c \
  interp/token.c \
  interp/topics.c \
  interp/trace.c \
  interp/type.c \
  interp/utf8.c \
  interp/value.c \
  interp/verify.c \
  interp/vm-call.c \
  interp/vm-error.c \
  interp/vm-remember.c \
  interp/vm.c \
  interp/walk.c \
  interp/zone.c \
  $(NULL)

# Floor 10 is the program's alone.
program_sources = \
  interp/child.c \
  interp/file-list.c \
  interp/front-plain.c \
  interp/history.c \
  interp/main.c \
  interp/options.c \
  interp/output.c \
  interp/repl.c \
  interp/signals.c \
  interp/tester-page.c \
  interp/tester.c \
  $(NULL)

interp_headers = \
  interp/api.h \
  interp/buf.h \
  interp/cells.h \
  interp/child.h \
  interp/chunk.h \
  interp/class.h \
  interp/codec.h \
  interp/compile.h \
  interp/compiler.h \
  interp/complete.h \
  interp/date.h \
  interp/conf.h \
  interp/digest.h \
  interp/error.h \
  interp/expand.h \
  interp/example.h \
  interp/ffi.h \
  interp/file-list.h \
  interp/foreign.h \
  interp/format.h \
  interp/front.h \
  interp/heap-page.h \
  interp/heap.h \
  interp/help.h \
  interp/history.h \
  interp/hive.h \
  interp/instant.h \
  interp/json.h \
  interp/left-out.h \
  interp/letter-case.h \
  interp/lib-task.h \
  interp/lib-walk.h \
  interp/lib.h \
  interp/load.h \
  interp/map.h \
  interp/mem.h \
  interp/named.h \
  interp/number.h \
  interp/opcodes.def \
  interp/options.h \
  interp/outline.h \
  interp/output.h \
  interp/page.h \
  interp/pattern.h \
  interp/platform-virtual.h \
  interp/platform.h \
  interp/printer.h \
  interp/reader.h \
  interp/receiver.h \
  interp/reference.h \
  interp/repl.h \
  interp/replace.h \
  interp/signals.h \
  interp/state.h \
  interp/str.h \
  interp/stream.h \
  interp/symbol.h \
  interp/task-call.h \
  interp/task.h \
  interp/tester.h \
  interp/token.h \
  interp/topics.h \
  interp/utf8.h \
  interp/value.h \
  interp/vm.h \
  interp/zone.h \
  $(NULL)

# A host sees these, as <carapace/carapace.h> and so on.
carapaceincludedir = $(includedir)/carapace
carapaceinclude_HEADERS = \
  interp/carapace.h \
  interp/native.h \
  interp/platform.h \
  interp/types.h \
  modules/functions.h \
  modules/library.h \
  modules/module.h \
  $(NULL)

# A library's side of the table of functions; a function that the table lacks stops the build.
nodist_carapaceinclude_HEADERS = modules/library-calls.h
library_call_sources = \
  $(srcdir)/modules/functions.h \
  $(srcdir)/interp/native.h \
  $(srcdir)/modules/module.h \
  $(NULL)

modules/library-calls.h: modules/library-calls.sh $(library_call_sources)
	$(AM_V_GEN)$(MKDIR_P) modules && \
	  $(SHELL) $(srcdir)/modules/library-calls.sh $(library_call_sources) > $@.new && mv $@.new $@

BUILT_SOURCES += modules/library-calls.h
CLEANFILES += modules/library-calls.h modules/library-calls.h.new
EXTRA_DIST += modules/library-calls.sh

noinst_HEADERS += $(interp_headers)

lib_LTLIBRARIES += libcarapace.la
libcarapace_la_SOURCES = $(interp_sources) $(module_sources)
nodist_libcarapace_la_SOURCES = stdlib-embedded.c
libcarapace_la_LDFLAGS = -version-info 0:0:0 -export-symbols-regex '^crp_' -no-undefined $(DEFS_FLAG) $(RELR_FLAG)
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

# So is what matches regular expressions.
if PCRE2_MODULE
pkglib_LTLIBRARIES += carapace-pcre.la
carapace_pcre_la_SOURCES = interp/pattern-pcre2.c
carapace_pcre_la_CFLAGS = $(AM_CFLAGS) $(PCRE2_CFLAGS)
carapace_pcre_la_LDFLAGS = -module -avoid-version -shared -export-symbols-regex '^crp_'
carapace_pcre_la_LIBADD = $(PCRE2_LIBS)
endif
if PCRE2_LINKED
libcarapace_la_SOURCES += interp/pattern-pcre2.c
libcarapace_la_CFLAGS += $(PCRE2_CFLAGS)
libcarapace_la_LIBADD += $(PCRE2_LIBS)
endif

# So is TLS (modules/local.mk).
if OPENSSL_MODULE
pkglib_LTLIBRARIES += carapace-tls.la
carapace_tls_la_SOURCES = $(tls_sources)
carapace_tls_la_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
carapace_tls_la_LDFLAGS = -module -avoid-version -shared -export-symbols-regex '^crp_'
carapace_tls_la_LIBADD = $(OPENSSL_LIBS)
endif
if OPENSSL_LINKED
libcarapace_la_SOURCES += $(tls_sources)
libcarapace_la_CFLAGS += $(OPENSSL_CFLAGS)
libcarapace_la_LIBADD += $(OPENSSL_LIBS)
endif

# The tests of a stress build link the static library only.
if STRESS
libcarapace_la_LIBTOOLFLAGS = --tag=disable-shared
endif

bin_PROGRAMS += carapace
carapace_SOURCES = $(program_sources)
carapace_LDADD = libcarapace.la

# The only part that is linked with readline, see LICENSES.md.
if READLINE
pkglib_LTLIBRARIES += carapace-readline.la
carapace_readline_la_SOURCES = interp/front-readline.c
carapace_readline_la_CFLAGS = $(AM_CFLAGS) $(READLINE_CFLAGS)
carapace_readline_la_LDFLAGS = -module -avoid-version -shared -export-symbols-regex '^crp_'
carapace_readline_la_LIBADD = $(READLINE_LIBS)
endif
