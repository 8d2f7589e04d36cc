/* A host that knows nothing but carapace.h, linked with the library as it is installed: what
 * docs/embedding.md promises. Prints TAP.
 */
#include "carapace.h"

#include <stdio.h>

static int number;

static void ok(int good, const char *what) { printf("%s %d - %s\n", good ? "ok" : "not ok", ++number, what); }

static crp_status count_words(crp *vm, void *ud, crp_val self, const crp_val *args, size_t count,
                              crp_val *out)
{
    const char *bytes;
    size_t n;
    int64_t words = 0;
    (void)self, (void)count;
    crp_status st = crp_get_data(vm, args[0], &bytes, &n);
    if (st) return st;
    for (size_t i = 0; i < n; i++) words += bytes[i] != ' ' && (i == 0 || bytes[i - 1] == ' ');
    *(int64_t *)ud += words;
    return crp_int(vm, words, out);
}

static void keep_output(void *ud, int fd, const char *bytes, size_t length)
{
    char *text = ud;
    size_t used = strlen(text);
    if (fd != 1 || used + length > 99) return;
    memcpy(text + used, bytes, length);
    text[used + length] = 0;
}

static crp_status eval(crp *vm, const char *text, crp_val *out)
{
    return crp_eval(vm, text, strlen(text), "host", out);
}

static void functions(crp *vm)
{
    int64_t all = 0, n = 0;
    crp_val v;
    ok(crp_defun(vm, "countWords", "Integer (text String)", "Counts words.", count_words, &all) == CRP_OK,
       "a function is added");
    ok(eval(vm, "(countWords \"one two  three\")", &v) == CRP_OK && crp_get_int(vm, v, &n) == CRP_OK &&
           n == 3 && all == 3,
       "a script calls it");
    ok(crp_callf(vm, &v, crp_nil(), "countWords", "s", "four five") == CRP_OK &&
           crp_get_int(vm, v, &n) == CRP_OK && n == 2,
       "the host calls it by name");
}

static void errors(crp *vm)
{
    char text[500];
    crp_error_info info = {.size = sizeof info};
    ok(eval(vm, "(countWords 5)", NULL) == CRP_E_TYPE, "a wrong argument is an error");
    crp_error_info_get(crp_error_last(vm), &info);
    ok(info.error_class == 1 && info.code == 11 && info.line == 1, "which has class, code and line");
    ok(crp_error_text(crp_error_last(vm), text, sizeof text, 0) > 0 && strstr(text, "host:1:"),
       "and a text for people");
}

static void output(crp *vm)
{
    char text[100] = "";
    crp_io(vm, keep_output, text);
    ok(eval(vm, "(print \"hello\")", NULL) == CRP_OK && strcmp(text, "hello\n") == 0,
       "print goes where the host wants it");
    crp_io(vm, NULL, NULL);
}

static void loop(crp *vm)
{
    ok(crp_loop_fd(vm) >= 0, "there is a descriptor to poll");
    ok(crp_loop_due_ns(vm) == -1, "nothing is due");
    ok(crp_loop_step(vm, 10) == CRP_OK, "a step with nothing to do is none");
}

int main(void)
{
    crp *vm, *second;
    unsigned abi = 0;
    puts("1..12");
    ok(crp_version(&abi) && abi == CRP_ABI, "the library is the one of the header");
    if (crp_new(NULL, &vm)) return 1;
    functions(vm);
    errors(vm);
    output(vm);
    loop(vm);
    ok(crp_new(NULL, &second) == CRP_OK && eval(second, "(countWords \"a\")", NULL) == CRP_E_NAME,
       "a second interpreter has none of it");
    crp_free(second);
    crp_free(vm);
    return 0;
}
