# The comms modules.  They are part of the library; modules/module.h is installed with interp's headers.

module_sources = \
  modules/accept.c \
  modules/attr.c \
  modules/commsinfo.c \
  modules/dialogue.c \
  modules/host.c \
  modules/log.c \
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
  modules/stack-walk.c \
  modules/stack.c \
  modules/start-tls.c \
  modules/tcp.c \
  modules/text.c \
  modules/tls-settings.c \
  modules/tls.c \
  modules/transcript.c \
  modules/util.c \
  modules/verb.c \
  $(NULL)

module_headers = \
  modules/attr.h \
  modules/dialogue.h \
  modules/pop3.h \
  modules/resolve.h \
  modules/stack.h \
  modules/text.h \
  modules/tls-engine.h \
  modules/tls-openssl.h \
  modules/tls.h \
  modules/transcript.h \
  $(NULL)

noinst_HEADERS += $(module_headers)

# TLS is a shared object too, so that only who connects a Tls pays for OpenSSL.
tls_sources = \
  modules/tls-openssl-context.c \
  modules/tls-openssl-text.c \
  modules/tls-openssl.c \
  $(NULL)
