# The documentation that is installed or shipped.

doc_files = \
  $(NULL)

EXTRA_DIST += $(doc_files)
