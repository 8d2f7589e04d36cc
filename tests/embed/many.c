/* A host that opens copies of libcarapace, seen by nobody else, and lets each load a library: many LIBCARAPACE...
 * Prints for each copy what (numbersAnswer) gives, or the error's text. tests/cli/modules.sh compiles it. */
#include <carapace/carapace.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTION(name) __typeof__(&name) name = (__typeof__(&name))dlsym(library, #name)

static int with(void *library)
{
    static const char script[] = "(loadLibrary \"./answer\") (numbersAnswer)";
    FUNCTION(crp_new);
    FUNCTION(crp_eval);
    FUNCTION(crp_get_int);
    FUNCTION(crp_error_last);
    FUNCTION(crp_error_info_get);
    crp_val v;
    int64_t n = 0;
    crp_error_info info = {.size = sizeof info};
    crp *vm;
    if (crp_new(NULL, &vm)) return 1;
    if (!crp_eval(vm, script, strlen(script), "host", &v) && !crp_get_int(vm, v, &n)) return printf("%d\n", (int)n) < 0;
    crp_error_info_get(crp_error_last(vm), &info);
    return printf("%s\n", info.message) < 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        void *library = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
        if (!library || with(library)) return 1;
    }
    return 0;
}
