# The documentation that is installed or shipped.

doc_files = \
  docs/deviations.md \
  docs/examples/host.c \
  $(NULL)

EXTRA_DIST += $(doc_files)
