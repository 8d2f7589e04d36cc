# The comms modules.  They are part of the library; modules/module.h is installed with interp's headers.

module_sources = \
  modules/attr.c \
  modules/commsinfo.c \
  modules/memory.c \
  modules/operation.c \
  modules/process.c \
  modules/register.c \
  modules/replay.c \
  modules/resolve.c \
  modules/script-module.c \
  modules/stack-walk.c \
  modules/stack.c \
  modules/tcp.c \
  modules/transcript.c \
  modules/util.c \
  modules/verb.c \
  $(NULL)

module_headers = \
  modules/attr.h \
  modules/resolve.h \
  modules/stack.h \
  modules/transcript.h \
  $(NULL)

noinst_HEADERS += $(module_headers)
