/* fresh: runs a command with the signals as a terminal gives them.  A job that a script puts in the background ignores
 * SIGINT, and so does all that it starts; a test of Ctrl-C must not depend on how the tests were started. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    static const int all[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGTSTP};
    sigset_t none;

    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        signal(all[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (argc > 1)
        execvp(argv[1], argv + 1);
    perror("fresh");
    return 127;
}
