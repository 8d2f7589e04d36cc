/* A C program that asks a script about each line of its input, quickly: it calls one function again and again, with words.
 *
 *     cc filter.c $(pkg-config --cflags --libs carapace) -o filter
 *     ./filter '(lambda (line) (line.contains "error"))' < /var/log/messages
 *
 * A word is a value itself, so nothing is to be let go of; what the program keeps, here the function, it keeps by a handle.
 * The word that a call gives is good until the next call.
 */
#include <carapace/carapace.h>
#include <carapace/native.h>
#include <stdio.h>

static int complain(crp *vm)
{
    char text[4000];
    const crp_error *error = crp_error_last(vm);
    if (error) crp_error_text(error, text, sizeof text, 0);
    fputs(error ? text : "out of memory\n", stderr);
    return 1;
}

/* Writes the lines for which the function gives anything but (). */
static crp_status filter(crp *vm, crp_val function)
{
    char text[10000];
    crp_word f, line, wanted;
    crp_status st = crp_word_of(vm, function, &f);
    while (!st && fgets(text, sizeof text, stdin)) {
        st = crp_string_z(vm, text, &line);
        if (!st) st = crp_call_words(vm, f, &line, 1, &wanted);
        if (!st && crp_is_true(wanted)) fputs(text, stdout);
    }
    return st;
}

int main(int argc, char **argv)
{
    crp *vm = NULL;
    crp_val function;
    if (argc != 2 || crp_new(NULL, &vm)) return 2;
    crp_status st = crp_eval(vm, argv[1], strlen(argv[1]), "the filter", &function);
    if (!st) st = filter(vm, function);
    int status = st ? complain(vm) : 0;
    crp_free(vm);
    return status;
}
