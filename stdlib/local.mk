# What is written in Carapace.  All of it is embedded in the library, so that a program needs no installation.

stdlib_scripts = \
  stdlib/collect.crp \
  stdlib/core.crp \
  stdlib/mail.crp \
  stdlib/maildir.crp \
  stdlib/pop3script.crp \
  stdlib/pop3server.crp \
  stdlib/sample.crp \
  stdlib/test.crp \
  $(NULL)

# And installed, to be read and run: the manual's ::InstallDir/scripts.
carapacescriptsdir = $(pkglibdir)/scripts
carapacescripts_DATA = $(stdlib_scripts)

EXTRA_DIST += \
  stdlib/embed.sh \
  $(stdlib_scripts) \
  $(NULL)

stdlib-embedded.c: stdlib/embed.sh $(stdlib_scripts)
	$(AM_V_GEN)$(SHELL) $(srcdir)/stdlib/embed.sh $(srcdir)/stdlib $(stdlib_scripts) > $@.new && mv $@.new $@

CLEANFILES += stdlib-embedded.c stdlib-embedded.c.new
