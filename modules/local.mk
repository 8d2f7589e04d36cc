# The comms modules.  They are part of the library; modules/module.h is installed with interp's headers.

module_sources = \
  modules/accept.c \
  modules/address.c \
  modules/attr.c \
  modules/commsinfo.c \
  modules/describe.c \
  modules/dialogue.c \
  modules/functions.c \
  modules/host.c \
  modules/idn.c \
  modules/log.c \
  modules/mask.c \
  modules/memory.c \
  modules/operation.c \
  modules/pop3-auth.c \
  modules/pop3-capability.c \
  modules/pop3-logon.c \
  modules/pop3-message.c \
  modules/pop3-messages.c \
  modules/pop3-over.c \
  modules/pop3-reply.c \
  modules/pop3-stage.c \
  modules/pop3-tls.c \
  modules/pop3-window.c \
  modules/pop3.c \
  modules/process.c \
  modules/prose.c \
  modules/record.c \
  modules/register.c \
  modules/replay.c \
  modules/resolve.c \
  modules/sasl-scram.c \
  modules/sasl.c \
  modules/script-module.c \
  modules/socket.c \
  modules/spoken.c \
  modules/stack-walk.c \
  modules/stack.c \
  modules/start-tls.c \
  modules/tcp.c \
  modules/text.c \
  modules/tls-settings.c \
  modules/tls.c \
  modules/transcript.c \
  modules/unix.c \
  modules/util.c \
  modules/verb.c \
  $(NULL)

module_headers = \
  modules/address.h \
  modules/attr.h \
  modules/describe.h \
  modules/dialogue.h \
  modules/idn.h \
  modules/mask.h \
  modules/pop3.h \
  modules/resolve.h \
  modules/sasl.h \
  modules/socket.h \
  modules/spoken.h \
  modules/stack.h \
  modules/text.h \
  modules/tls-engine.h \
  modules/tls-openssl.h \
  modules/tls.h \
  modules/transcript.h \
  $(NULL)

noinst_HEADERS += $(module_headers)

# What puts the names of hosts into ASCII is a shared object, so that only who has such names pays for libidn2.
if LIBIDN2_MODULE
pkglib_LTLIBRARIES += carapace-idn.la
carapace_idn_la_SOURCES = modules/idn-libidn2.c
carapace_idn_la_CFLAGS = $(AM_CFLAGS) $(LIBIDN2_CFLAGS)
carapace_idn_la_LDFLAGS = -module -avoid-version -shared -export-symbols-regex '^crp_'
carapace_idn_la_LIBADD = $(LIBIDN2_LIBS)
endif
if LIBIDN2_LINKED
libcarapace_la_SOURCES += modules/idn-libidn2.c
libcarapace_la_CFLAGS += $(LIBIDN2_CFLAGS)
libcarapace_la_LIBADD += $(LIBIDN2_LIBS)
endif

# TLS is a shared object too, so that only who connects a Tls pays for OpenSSL.
tls_sources = \
  modules/tls-openssl-context.c \
  modules/tls-openssl-text.c \
  modules/tls-openssl.c \
  $(NULL)
