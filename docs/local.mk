# The documentation that is installed or shipped.

doc_files = \
  docs/architecture.md \
  docs/deviations.md \
  docs/examples/host.c \
  docs/ffi.md \
  docs/hacking.md \
  docs/reference.md \
  docs/vm.md \
  $(NULL)

EXTRA_DIST += $(doc_files)
