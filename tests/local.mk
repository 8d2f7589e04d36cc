# Every test is a TESTS entry, so `make check` is the one command; all of them speak TAP.
#
#   tests/unit/check-NOUN.c          a Check program for one noun of the library
#   tests/lang/AREA/SENTENCE.crp     one behaviour a file; tests/areas/AREA.area runs a folder of them
#   tests/cli/*.sh                   options, exit statuses, signals, output
#   tests/repl/SENTENCE.session      a session at the prompt; tests/repl/sessions.sh plays them all
#   tests/faults/*.crp               a POP3 server that does everything wrong, and the table of it; tests/faults/faults.sh
#   tests/talk/SENTENCE.talk         a dialogue with a POP3 server; tests/talk/talks.sh plays them all
#   tests/dovecot/*.sh               the same with a real server
#   tests/tls/*.sh                   TLS with the programs of OpenSSL; the certificates are made when a test begins
#   tests/lint/*.sh                  what holds for the sources themselves
#
# tests/bench is for `make bench` and its like, and no test; docs/hacking.md says what there is.

unit_tests = \
  tests/unit/check-api \
  tests/unit/check-buf \
  tests/unit/check-call \
  tests/unit/check-cells \
  tests/unit/check-class \
  tests/unit/check-codec \
  tests/unit/check-compiler \
  tests/unit/check-complete \
  tests/unit/check-date \
  tests/unit/check-dialogue \
  tests/unit/check-digest \
  tests/unit/check-end \
  tests/unit/check-error \
  tests/unit/check-example \
  tests/unit/check-expand \
  tests/unit/check-format \
  tests/unit/check-functions \
  tests/unit/check-heap \
  tests/unit/check-hive \
  tests/unit/check-json \
  tests/unit/check-load \
  tests/unit/check-lock \
  tests/unit/check-log \
  tests/unit/check-map \
  tests/unit/check-mask \
  tests/unit/check-number \
  tests/unit/check-outline \
  tests/unit/check-page \
  tests/unit/check-platform \
  tests/unit/check-pop3 \
  tests/unit/check-printer \
  tests/unit/check-reader \
  tests/unit/check-ready \
  tests/unit/check-record \
  tests/unit/check-release \
  tests/unit/check-replay \
  tests/unit/check-resolve \
  tests/unit/check-sasl \
  tests/unit/check-signature \
  tests/unit/check-socket \
  tests/unit/check-stack \
  tests/unit/check-str \
  tests/unit/check-tcp \
  tests/unit/check-text \
  tests/unit/check-utf8 \
  tests/unit/check-util \
  tests/unit/check-value \
  tests/unit/check-zone \
  $(NULL)

area_tests = \
  tests/areas/apply.area \
  tests/areas/arithmetic.area \
  tests/areas/array.area \
  tests/areas/basics.area \
  tests/areas/binary.area \
  tests/areas/buffer.area \
  tests/areas/class.area \
  tests/areas/collect.area \
  tests/areas/comms.area \
  tests/areas/control.area \
  tests/areas/create.area \
  tests/areas/directory.area \
  tests/areas/encoding.area \
  tests/areas/error.area \
  tests/areas/eval.area \
  tests/areas/event.area \
  tests/areas/fetch.area \
  tests/areas/file.area \
  tests/areas/function.area \
  tests/areas/general.area \
  tests/areas/hashtable.area \
  tests/areas/info.area \
  tests/areas/json.area \
  tests/areas/left-out.area \
  tests/areas/lifetime.area \
  tests/areas/limits.area \
  tests/areas/list.area \
  tests/areas/load.area \
  tests/areas/lock.area \
  tests/areas/logic.area \
  tests/areas/macro.area \
  tests/areas/mail.area \
  tests/areas/manual.area \
  tests/areas/number.area \
  tests/areas/object.area \
  tests/areas/path.area \
  tests/areas/pipelining.area \
  tests/areas/pop3.area \
  tests/areas/print.area \
  tests/areas/process.area \
  tests/areas/protocol.area \
  tests/areas/redefinition.area \
  tests/areas/registry.area \
  tests/areas/sequence.area \
  tests/areas/sort.area \
  tests/areas/stream.area \
  tests/areas/string.area \
  tests/areas/symbol.area \
  tests/areas/syntax.area \
  tests/areas/system.area \
  tests/areas/tail.area \
  tests/areas/task-memory.area \
  tests/areas/task.area \
  tests/areas/testing.area \
  tests/areas/time.area \
  tests/areas/try.area \
  tests/areas/variable.area \
  $(NULL)

ffi_tests = \
  tests/areas/ffi.area \
  tests/cli/ffi-page.sh \
  $(NULL)

idn_tests = \
  tests/areas/idn.area \
  $(NULL)

tls_tests = \
  tests/areas/tls.area \
  tests/dovecot/tls.sh \
  tests/faults/stls.sh \
  tests/tls/openssl.sh \
  tests/tls/pop3server.sh \
  $(NULL)

tls_unit_tests = \
  tests/unit/check-tls \
  $(NULL)

pattern_tests = \
  tests/areas/pattern.area \
  tests/cli/pattern.sh \
  $(NULL)

program_tests = \
  tests/cli/check.sh \
  tests/cli/collect.sh \
  tests/cli/docs.sh \
  tests/cli/ending.sh \
  tests/cli/errors.sh \
  tests/cli/examples.sh \
  tests/cli/library.sh \
  tests/cli/limits.sh \
  tests/cli/load.sh \
  tests/cli/modules.sh \
  tests/cli/options.sh \
  tests/cli/output.sh \
  tests/cli/pop3server.sh \
  tests/cli/readme.sh \
  tests/cli/reference.sh \
  tests/cli/signals.sh \
  tests/cli/since-1999.sh \
  tests/cli/status.sh \
  tests/cli/tasks.sh \
  tests/cli/test.sh \
  tests/dovecot/pop3.sh \
  tests/faults/faults.sh \
  tests/many/many.sh \
  tests/repl/sessions.sh \
  tests/servers/servers.sh \
  tests/talk/talks.sh \
  $(NULL)

lint_tests = \
  tests/lint/examples.sh \
  tests/lint/error-codes.sh \
  tests/lint/exports.sh \
  tests/lint/floors.sh \
  tests/lint/functions.sh \
  tests/lint/lists.sh \
  tests/lint/no-stdio.sh \
  $(NULL)

if UNIT_TESTS
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
if OPENSSL
check_PROGRAMS += tests/tls/certificates
TESTS += $(tls_tests)
if UNIT_TESTS
check_PROGRAMS += $(tls_unit_tests)
TESTS += $(tls_unit_tests)
endif
endif
TESTS += $(area_tests)
if FFI
TESTS += $(ffi_tests)
endif
if LIBIDN2
TESTS += $(idn_tests)
endif
if PCRE2
TESTS += $(pattern_tests)
endif
TESTS += $(program_tests)
if !STRESS
TESTS += $(lint_tests)
endif

# The defaults of every program without a list of its own, that is of the unit tests: their source is NAME.c, and they
# link the static library, where internal names can be reached.
AM_CPPFLAGS += $(CHECK_CFLAGS)
LDADD = libcarapace.la $(CHECK_LIBS)

check_PROGRAMS += tests/fresh
tests_fresh_LDADD =

check_PROGRAMS += tests/run-lang
tests_run_lang_LDADD =

# What makes certificates, and the test that looks into OpenSSL.
tests_tls_certificates_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
tests_tls_certificates_LDADD = $(OPENSSL_LIBS)
tests_unit_check_tls_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
tests_unit_check_tls_LDADD = libcarapace.la $(CHECK_LIBS) $(OPENSSL_LIBS)

# A library that a test loads; one that is installed nowhere is made with an -rpath all the same.
check_LTLIBRARIES =
if SHARED
check_LTLIBRARIES += tests/embed/library.la
endif
tests_embed_library_la_SOURCES = tests/embed/library.c tests/embed/library-gauge.c
tests_embed_library_la_CPPFLAGS = $(AM_CPPFLAGS) -iquote modules
tests_embed_library_la_LDFLAGS = -module -avoid-version -shared -rpath $(abs_builddir)
tests_embed_library_la_LIBADD =

check_PROGRAMS += tests/run-repl
tests_run_repl_LDADD =

TEST_EXTENSIONS = .area .sh
TAP_DRIVER = env AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(TAP_DRIVER)
AREA_LOG_DRIVER = $(TAP_DRIVER)
SH_LOG_DRIVER = $(TAP_DRIVER)
LOG_COMPILER = ./tests/fresh
AREA_LOG_COMPILER = ./tests/fresh ./tests/run-lang
SH_LOG_COMPILER = ./tests/fresh $(SHELL)
AM_TESTS_ENVIRONMENT = \
  CARAPACE='$(abs_builddir)/carapace'; export CARAPACE; \
  NM='$(NM)'; export NM; \
  CC='$(CC)'; export CC; \
  INSTALLED_HEADERS='$(carapaceinclude_HEADERS:%=$(abs_srcdir)/%) $(nodist_carapaceinclude_HEADERS)'; export INSTALLED_HEADERS; \
  objdir=.libs; export objdir;

unit_headers = \
  tests/unit/bare.h \
  tests/unit/classes.h \
  tests/unit/comms.h \
  tests/unit/host.h \
  tests/unit/unit.h \
  $(NULL)

noinst_HEADERS += $(unit_headers)

EXTRA_DIST += \
  $(area_tests) \
  $(ffi_tests) \
  $(lint_tests) \
  $(idn_tests) \
  $(pattern_tests) \
  $(program_tests) \
  $(tls_tests) \
  tests/alloc.list \
  $(bench_files) \
  tests/cli/since-1999.crp \
  tests/cli/tap.sh \
  tests/coverage.py \
  tests/dovecot \
  tests/embed/many.c \
  tests/embed/numbers.c \
  tests/faults \
  tests/fuzz/fuzz.sh \
  tests/lang \
  tests/lint/examples.list \
  tests/many \
  tests/mode.sh \
  tests/repl \
  tests/servers \
  tests/talk \
  tests/valgrind.list \
  $(NULL)

# The stress modes build once more below the build folder, with other flags, and run the tests there.
check-asan check-gc check-alloc check-valgrind check-coverage:
	$(SHELL) $(srcdir)/tests/mode.sh $(@:check-%=%) '$(srcdir)' '$(MAKE)'

# Programs made of pieces of the language tests: make fuzz COUNT=20000 FIRST=1.
EXTRA_PROGRAMS = tests/fuzz/mutate
tests_fuzz_mutate_SOURCES = \
  tests/fuzz/calls.c \
  tests/fuzz/calls.h \
  tests/fuzz/mutate.c \
  tests/fuzz/tree.c \
  tests/fuzz/tree.h \
  $(NULL)

fuzz:
	$(SHELL) $(srcdir)/tests/fuzz/fuzz.sh '$(srcdir)' '$(MAKE)' $(COUNT) $(FIRST)

# Side by side with Lua, with other POP3 clients, and with asyncio: one after the other, however many jobs make may have.
# The rows of the second one by ROWS="a b".
bench:
	$(MAKE) bench-interp
	$(MAKE) bench-pop3
	$(MAKE) bench-tasks
	$(MAKE) bench-pauses

# A host that calls Lua is only there where Lua's header is; LUA_PACKAGE is the one that has it.
LUA_PACKAGE = lua5.4
bench-interp: carapace$(EXEEXT) tests/bench/meter$(EXEEXT) tests/bench/embed/ask-carapace$(EXEEXT)
	if pkg-config --exists $(LUA_PACKAGE); then $(MAKE) tests/bench/embed/ask-lua$(EXEEXT); fi
	CARAPACE=./carapace $(SHELL) $(srcdir)/tests/bench/run.sh

# Beside all peers that are here. It is no part of `make bench`, as the slow ones need minutes; the programs are the same.
bench-peers: carapace$(EXEEXT) tests/bench/meter$(EXEEXT)
	CARAPACE=./carapace $(SHELL) $(srcdir)/tests/bench/peers.sh

# Instructions, which no other work of the machine changes: is any program worse than the file says, does declaring pay?
bench-check bench-record: carapace$(EXEEXT) tests/bench/embed/ask-carapace$(EXEEXT)
	COMPILER="`$(CC) --version | sed 1q` $(CFLAGS)" CARAPACE=./carapace \
	  $(SHELL) $(srcdir)/tests/bench/counts.sh $(@:bench-%=%)

bench-tasks: carapace$(EXEEXT)
	CARAPACE=./carapace $(SHELL) $(srcdir)/tests/bench/tasks.sh

bench-pop3: carapace$(EXEEXT) $(pop3_programs)
	if pkg-config --exists libetpan; then $(MAKE) tests/bench/pop3/etpan$(EXEEXT); fi
	CARAPACE=./carapace $(SHELL) $(srcdir)/tests/bench/pop3.sh

# The collector's longest pause, shape by shape.
bench-pauses: tests/bench/pauses$(EXEEXT)
	tests/bench/pauses$(EXEEXT)

# The servers and clients of the POP3 benchmarks, and what measures; nothing else builds them.
pop3_programs = \
  tests/bench/meter \
  tests/bench/pop3/delayproxy \
  tests/bench/pop3/fakepop3 \
  $(NULL)
EXTRA_PROGRAMS += $(pop3_programs) tests/bench/pop3/etpan tests/bench/embed/ask-carapace tests/bench/embed/ask-lua tests/bench/pauses
tests_bench_embed_ask_carapace_LDADD = libcarapace.la
tests_bench_embed_ask_lua_CFLAGS = $(AM_CFLAGS) `pkg-config '--cflags' $(LUA_PACKAGE)`
tests_bench_embed_ask_lua_LDADD = `pkg-config '--libs' $(LUA_PACKAGE)`
tests_bench_embed_ask_lua_DEPENDENCIES =
tests_bench_meter_LDADD =
tests_bench_pauses_LDADD = libcarapace.la
tests_bench_pop3_delayproxy_LDADD = -lpthread
tests_bench_pop3_etpan_LDADD = -letpan
tests_bench_pop3_fakepop3_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
tests_bench_pop3_fakepop3_LDADD = $(OPENSSL_LIBS) -lpthread

# By name, as the folders have objects in them where they were built.
bench_files = \
  tests/bench/counts \
  tests/bench/counts.sh \
  tests/bench/interp \
  tests/bench/measure.sh \
  tests/bench/peers-picture.awk \
  tests/bench/peers-table.awk \
  tests/bench/peers.sh \
  tests/bench/pop3.sh \
  tests/bench/pop3/clients.sh \
  tests/bench/pop3/fetch.crp \
  tests/bench/pop3/servers.sh \
  tests/bench/pop3/table.sh \
  tests/bench/run.sh \
  tests/bench/tasks \
  tests/bench/tasks.sh \
  $(NULL)

clean-local:
	-rm -rf asan bench fuzz gc alloc valgrind coverage mail peers
	-rm -f $(EXTRA_PROGRAMS)

.PHONY: bench bench-check bench-interp bench-pauses bench-peers bench-pop3 bench-record bench-tasks fuzz check-asan check-gc check-alloc check-valgrind check-coverage
