# The documentation that is installed or shipped.

doc_files = \
  docs/architecture.md \
  docs/deviations.md \
  docs/examples \
  docs/ffi.md \
  docs/hacking.md \
  docs/interp.svg \
  docs/language.md \
  docs/modules.md \
  docs/pop3.md \
  docs/reference \
  docs/since-1999.md \
  docs/vm.md \
  $(NULL)

EXTRA_DIST += $(doc_files)
