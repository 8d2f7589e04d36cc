/* Whether a descriptor is ready is asked of the system, which may be interrupted: that is no yes. */
#include "unit.h"
#include "lib.h"

#include <errno.h>
#include <poll.h>

static int answer, reason;

int poll(struct pollfd *fds, nfds_t count, int milliseconds)
{
    (void)fds;
    (void)count;
    (void)milliseconds;
    errno = reason;
    return answer;
}

START_TEST(a_signal_in_the_question_does_not_make_a_descriptor_ready)
{
    answer = -1;
    reason = EINTR;
    ck_assert(!crpi_lib_ready(0, false));
    ck_assert(!crpi_lib_ready(1, true));
}
END_TEST

START_TEST(what_the_system_says_is_what_it_is)
{
    answer = 1;
    ck_assert(crpi_lib_ready(0, false));
    answer = 0;
    ck_assert(!crpi_lib_ready(0, false));
}
END_TEST

UNIT_MAIN("ready", a_signal_in_the_question_does_not_make_a_descriptor_ready, what_the_system_says_is_what_it_is)
