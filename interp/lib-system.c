/* floor 7: sleep, the environment, the computer, chance.
 *
 * Random numbers come from the platform, so a simulation's script sees the simulation's.
 */
#include "lib.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "codec.h"

/* --- sleep ---------------------------------------------------------------------------------------------- */

typedef struct sleeping {
    int64_t until;
} sleeping;

crp_status crpi_lib_deadline(crp_call *c, uint32_t i, int64_t *until)
{
    int64_t duration;
    *until = CRP_NO_DEADLINE;
    if (!crpi_lib_given(c, i)) return CRP_OK;
    crp_status st = crpi_lib_between(c->vm, "milliseconds", c->args[i], 0, INT64_MAX, &duration);
    if (!st && __builtin_add_overflow(crp_now(c->vm), duration, until)) *until = CRP_NO_DEADLINE;
    return st;
}

/* Other tasks run meanwhile, even when there is nothing to wait for. */
static crp_status sleep_for(crp_call *c)
{
    sleeping *s = c->state;
    if (c->step == 0) {
        crp_status st = crpi_lib_deadline(c, 0, &s->until);
        if (st) return st;
    }
    if (c->step++ > 0 && crp_now(c->vm) >= s->until) return CRP_OK;
    crp_wait_until(c, s->until);
    return CRP_AGAIN;
}

/* --- chance --------------------------------------------------------------------------------------------- */

static crp_status random_bytes(crp *vm, void *out, size_t n)
{
    void *state;
    if (crp_platform_of(vm, &state)->random(state, out, n)) return CRP_OK;
    return crp_raise(vm, CRP_ERR_SYSTEM, EIO, "the system gives no random numbers");
}

/* Numbers above the greatest multiple of the bound are drawn again, so that all are equally likely. */
static crp_status random_below(crp *vm, uint64_t bound, crp_word *out)
{
    uint64_t u, least = (0 - bound) % bound;
    do {
        crp_status st = random_bytes(vm, &u, sizeof u);
        if (st) return st;
    } while (u < least);
    return crp_integer(vm, (int64_t)(u % bound), out);
}

static crp_status random_number(crp_call *c)
{
    int64_t bound;
    uint64_t u;
    crp_status st;
    if (crpi_lib_given(c, 0)) {
        st = crpi_lib_between(c->vm, "bound", c->args[0], 1, INT64_MAX, &bound);
        return st ? st : random_below(c->vm, (uint64_t)bound, &c->result);
    }
    st = random_bytes(c->vm, &u, sizeof u);
    return st ? st : crp_real(c->vm, (double)(u >> 11) * 0x1p-53, &c->result);
}

static crp_status unique_id(crp_call *c)
{
    unsigned char bytes[16];
    crpi_buf b;
    crp_status st = random_bytes(c->vm, bytes, sizeof bytes);
    if (st) return st;
    crpi_buf_init(&b, &c->vm->mem, 0);
    crpi_hex_encode(&b, bytes, sizeof bytes);
    return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
}

/* --- scrambling ----------------------------------------------------------------------------------------- */

/* The next byte of a fixed sequence, over which text is laid. */
static unsigned char next_mask(uint32_t *mask)
{
    *mask = *mask * 1664525u + 1013904223u;
    return (unsigned char)(*mask >> 24);
}

enum { SCRAMBLE_MARK = 0xCA };

static crp_status scramble(crp_call *c)
{
    size_t n;
    uint32_t mask = 1;
    crpi_buf plain, b;
    const char *text = crp_string_data(c->args[0], &n);
    crpi_buf_init(&plain, &c->vm->mem, CRPI_LIB_CAP);
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    crpi_buf_byte(&plain, SCRAMBLE_MARK ^ next_mask(&mask));
    for (size_t i = 0; i < n; i++) crpi_buf_byte(&plain, (unsigned char)text[i] ^ next_mask(&mask));
    if (plain.failed) b.failed = true;
    else crpi_base64_encode(&b, plain.bytes, plain.length, 0);
    crpi_buf_free(&plain);
    return crpi_lib_finish(c->vm, &b, CRP_STRING, &c->result);
}

static crp_status unscramble(crp_call *c)
{
    size_t n, bad;
    uint32_t mask = 1;
    crpi_buf b;
    const char *text = crp_string_data(c->args[0], &n);
    crpi_buf_init(&b, &c->vm->mem, CRPI_LIB_CAP);
    bool good = crpi_base64_decode(&b, text, n, &bad) && !b.failed && b.length > 0;
    for (size_t i = 0; good && i < b.length; i++)
        b.bytes[i] = (char)((unsigned char)b.bytes[i] ^ next_mask(&mask));
    bool failed = b.failed;
    crp_status st = CRP_OK;
    if (good && (unsigned char)b.bytes[0] == SCRAMBLE_MARK)
        st = crp_string(c->vm, b.bytes + 1, b.length - 1, &c->result);
    else
        st = failed ? crp_no_memory(c->vm)
                    : crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                                "unscramble: this was not made by scramble");
    crpi_buf_free(&b);
    return st;
}

/* --- environment and computer --------------------------------------------------------------------------- */

static crp_status get_env(crp_call *c)
{
    const char *name;
    crp_status st = crp_c_string(c->vm, c->args[0], &name);
    const char *value = st ? NULL : getenv(name);
    return value ? crp_string_z(c->vm, value, &c->result) : st;
}

static crp_status put_env(crp_call *c)
{
    const char *name, *value = NULL;
    crp_word w = c->args[1];
    crp_status st = crp_c_string(c->vm, c->args[0], &name);
    if (!st && crp_is_string(w)) st = crp_c_string(c->vm, w, &value);
    if (st) return st;
    if ((value ? setenv(name, value, 1) : unsetenv(name)) == 0) return CRP_OK;
    if (errno == ENOMEM) return crp_no_memory(c->vm);
    return crp_raise(c->vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
                     "%v cannot be the name of an environment variable", c->args[0]);
}

static crp_status process_id(crp_call *c) { return crp_integer(c->vm, getpid(), &c->result); }
static crp_status thread_id(crp_call *c) { return crp_integer(c->vm, gettid(), &c->result); }

static crp_status system_info(crp_call *c)
{
    struct utsname u;
    crp_list_builder b = {CRP_NIL, CRP_NIL};
    crp_status st = CRP_OK;
    if (uname(&u) < 0)
        return crp_raise_errno(c->vm, CRP_ERR_SYSTEM, errno, errno, "cannot find out about the system");
    const char *const facts[][2] = {
        {"system", u.sysname}, {"release", u.release}, {"version", u.version}, {"machine", u.machine}};
    for (size_t i = 0; !st && i < sizeof facts / sizeof *facts; i++) {
        crp_word pair[2], entry;
        st = crp_string_z(c->vm, facts[i][0], &pair[0]);
        if (!st) st = crp_string_z(c->vm, facts[i][1], &pair[1]);
        if (!st) st = crp_list(c->vm, pair, 2, &entry);
        if (!st) st = crp_list_add(c->vm, &b, entry);
    }
    c->result = b.first;
    return st;
}

/* --- rows ----------------------------------------------------------------------------------------------- */

#define ROW(name, spec, fn, help) {name, spec, fn, help, 0, NULL, NULL}

static const crp_method functions[] = {
    {"sleep", "NIL (milliseconds Integer)", sleep_for,
     "Waits so long, in milliseconds; other tasks run meanwhile, also if it is 0. 1.8 for a negative time.\n"
     "(sleep 1)",
     sizeof(sleeping), NULL, NULL},
    ROW("uniqueId", "String", unique_id,
        "32 hexadecimal digits that nobody had before: 128 random bits. Class 3 if the system gives none.\n"
        "(uniqueId).length                  # --> 32\n"
        "(== (uniqueId) (uniqueId))         # --> ()"),
    ROW("random", "Object (bound Integer ?)", random_number,
        "A random Integer from 0 to less than the bound, or without one a Real from 0 to less than 1; good "
        "enough for secrets. 1.8 for a bound below 1, class 3 if the system gives no random numbers.\n"
        "(random 1)                         # --> 0\n"
        "(< (random) 1)                     # --> true"),
    ROW("scramble", "String (text String)", scramble,
        "The text made unreadable at a glance. This is no security: whoever has Carapace can undo it.\n"
        "(scramble \"fred\")                 # --> \"9jjz0Wg=\""),
    ROW("unscramble", "String (text String)", unscramble,
        "What was scrambled; 1.8 if it was not.\n"
        "(unscramble (scramble \"fred\"))    # --> \"fred\"\n"
        "(unscramble \"fred\")               # error: 1.8"),
    ROW("getenv", "Object (name String)", get_env,
        "The value of an environment variable; () if it is not set. 1.8 for a name with a NUL.\n"
        "(getenv \"NO_SUCH_VARIABLE\")       # --> ()"),
    ROW("putenv", "NIL (name String) (value String|List NIL)", put_env,
        "Sets an environment variable of the process, or with () unsets it. 1.8 for a name that is empty or "
        "has an = or NUL in it.\n"
        "(putenv \"COLOUR\" \"green\")\n"
        "(getenv \"COLOUR\")                 # --> \"green\""),
    ROW("processId", "Integer", process_id,
        "The number of this process.\n"
        "(> (processId) 0)                  # --> true"),
    ROW("threadId", "Integer", thread_id,
        "The number of the thread that runs this; all tasks of an interpreter have one.\n"
        "(> (threadId) 0)                   # --> true"),
    ROW("systemInfo", "List", system_info,
        "An a-list of Strings about the operating system: system, release, version, machine. Class 3 if the "
        "system does not tell.\n"
        "((systemInfo).find \"system\")       # --> \"Linux\""),
    ROW(NULL, NULL, NULL, NULL)};

crp_status crpi_lib_system(crp *vm) { return crp_define_functions(vm, functions); }
