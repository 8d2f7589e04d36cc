/* A C program with Carapace inside: it gives scripts a function and a class of its own, and then has a script
 * fetch mail.
 *
 *     cc host.c $(pkg-config --cflags --libs carapace) -o host
 *     PASSWORD=... ./host 'pop3://fred@127.0.0.1:11000?allowPlaintext=true'
 *
 * Without an argument it only shows the function and the class.  Every call returns a status; the error that
 * belongs to it is shown by `complain`.
 */
#include <carapace/carapace.h>
#include <stdio.h>
#include <stdlib.h>

static int complain(crp *vm)
{
    char text[4000];
    const crp_error *error = crp_error_last(vm);
    if (error) crp_error_text(error, text, sizeof text, 0);
    fputs(error ? text : "the interpreter is busy\n", stderr);
    return 1;
}

/* --- a function: (secret "NAME") reads the environment -------------------------------------------------- */

static crp_status secret(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count, crp_val *out)
{
    const char *name, *value;
    (void)ud, (void)self, (void)count;
    crp_status st = crp_get_data(vm, args[0], &name, NULL);
    if (st) return st;
    value = getenv(name);
    if (!value) return crp_fail(vm, 4, 1, "the environment has no %s", name);
    return crp_str(vm, value, strlen(value), out);
}

/* --- a class: a Tally counts messages and bytes --------------------------------------------------------- */

typedef struct tally {
    int64_t messages, bytes;
} tally;

static const crp_class_spec tally_class;

static crp_status tally_add(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count, crp_val *out)
{
    void *memory;
    size_t length;
    (void)ud, (void)count, (void)out;
    crp_status st = crp_unwrap(vm, self, &tally_class, &memory);
    if (!st) st = crp_length(vm, args[0], &length);
    if (st) return st;
    tally *t = memory;
    t->messages++;
    t->bytes += (int64_t)length;
    return CRP_OK;
}

static crp_status tally_messages(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count,
                                 crp_val *out)
{
    void *memory;
    (void)ud, (void)args, (void)count;
    crp_status st = crp_unwrap(vm, self, &tally_class, &memory);
    return st ? st : crp_int(vm, ((tally *)memory)->messages, out);
}

static crp_status tally_bytes(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count,
                              crp_val *out)
{
    void *memory;
    (void)ud, (void)args, (void)count;
    crp_status st = crp_unwrap(vm, self, &tally_class, &memory);
    return st ? st : crp_int(vm, ((tally *)memory)->bytes, out);
}

static const crp_prop_spec tally_props[] = {
    {"messages", "Integer", "how many messages were added", tally_messages, NULL},
    {"bytes", "Integer", "how many bytes they have", tally_bytes, NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static const crp_method_spec tally_methods[] = {
    {"add", "NIL (message String)", "Counts a message.", tally_add}, {NULL, NULL, NULL, NULL}};

static const crp_class_spec tally_class = {.size = sizeof tally_class,
                                           .name = "Tally",
                                           .help = "Counts messages and their bytes.",
                                           .props = tally_props,
                                           .methods = tally_methods,
                                           .instance_bytes = sizeof(tally)};

/* --- the script ----------------------------------------------------------------------------------------- */

static const char try_them[] = "(set seen (create Tally))\n"
                               "(seen.add \"first\")\n"
                               "(seen.add \"second\")\n"
                               "(print (join (list seen.messages \" messages, \" seen.bytes \" bytes\")))\n";

static const char fetch[] =
    "(defun Tally fetch ((url String))\n"
    "    (local (seen Tally (create Tally))) (local (mail CommsStack (buildCommsStack url)))\n"
    "    (mail.set \"password\" (secret \"PASSWORD\"))\n"
    "    (mail.connect)\n"
    "    (with (open mail)\n"
    "        (for pair open.listMailbox (seen.add (open.fetch (headOf pair)))))\n"
    "    seen)\n";

/* A value stays as long as its handle does; those made here end with the interpreter. */
static int show_fetched(crp *vm, const char *url)
{
    crp_val seen, messages, bytes;
    int64_t m, b;
    if (crp_eval(vm, fetch, sizeof fetch - 1, "host", NULL) ||
        crp_callf(vm, &seen, crp_nil(), "fetch", "s", url) || crp_prop_get(vm, seen, "messages", &messages) ||
        crp_get_int(vm, messages, &m) || crp_prop_get(vm, seen, "bytes", &bytes) ||
        crp_get_int(vm, bytes, &b))
        return complain(vm);
    printf("fetched %lld messages, %lld bytes\n", (long long)m, (long long)b);
    return 0;
}

int main(int argc, char **argv)
{
    crp *vm;
    int status = 0;
    if (crp_new(NULL, &vm)) return 1;
    if (crp_defun(vm, "secret", "String (name String)", "The value of an environment variable.", secret,
                  NULL) ||
        crp_class_add(vm, &tally_class, NULL) || crp_eval(vm, try_them, sizeof try_them - 1, "host", NULL))
        status = complain(vm);
    else if (argc > 1)
        status = show_fetched(vm, argv[1]);
    crp_free(vm);
    return status;
}
