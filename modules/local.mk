# The comms modules.  They are part of the library; modules/module.h is installed with interp's headers.

module_sources = \
  modules/accept.c \
  modules/attr.c \
  modules/commsinfo.c \
  modules/describe.c \
  modules/dialogue.c \
  modules/functions.c \
  modules/host.c \
  modules/log.c \
  modules/mask.c \
  modules/memory.c \
  modules/operation.c \
  modules/pop3-logon.c \
  modules/pop3-reply.c \
  modules/pop3.c \
  modules/process.c \
  modules/prose.c \
  modules/register.c \
  modules/replay.c \
  modules/resolve.c \
  modules/script-module.c \
  modules/spoken.c \
  modules/stack-walk.c \
  modules/stack.c \
  modules/tcp.c \
  modules/text.c \
  modules/transcript.c \
  modules/util.c \
  modules/verb.c \
  $(NULL)

module_headers = \
  modules/attr.h \
  modules/describe.h \
  modules/dialogue.h \
  modules/mask.h \
  modules/pop3.h \
  modules/resolve.h \
  modules/spoken.h \
  modules/stack.h \
  modules/text.h \
  modules/transcript.h \
  $(NULL)

noinst_HEADERS += $(module_headers)
