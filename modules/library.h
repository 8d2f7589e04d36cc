/* floor 4: what a library is written with: functions, classes and comms modules in a shared object of its own, which
 * (loadLibrary "name") loads; installed as <carapace/library.h>.
 *
 * A library's sources include this and nothing else of Carapace's; what they call is declared in native.h and, for
 * comms modules, module.h, and is written as Carapace's own modules write it.  One of them says where to begin:
 *
 *     static crp_status begin(crp *vm)      called once in each interpreter that loads the library
 *     {
 *         return crp_define_functions(vm, functions);
 *     }
 *     CRP_LIBRARY(begin)
 *
 *     cc -shared -fPIC $(pkg-config --cflags carapace) -o name.so name.c
 *
 * It is linked with nothing of Carapace's.  Here stands, for each function of functions.h, one of the same name that
 * calls Carapace's by the table which Carapace hands over before it calls `begin`.  They are seen in the library only.
 * So it does not matter whether Carapace is a program, a library of a host or one of several in the process, and a
 * library that was compiled for an older Carapace works with a newer one.  The other way round, and after a change of
 * what is compiled in (CRP_LIBRARY_ABI), loading it is error 1.12 and nothing of it is called.
 *
 * A library stays as long as the process and serves one copy of Carapace in it.
 */
#ifndef CARAPACE_LIBRARY_H
#define CARAPACE_LIBRARY_H

#include "functions.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Each source file makes these, and the linker keeps one of each. */
#define CRP_CALL __attribute__((weak, visibility("hidden")))

CRP_CALL const crp_functions *crp_functions_of_library;

#include "library-calls.h"

#define CRP_LIBRARY(begin) \
    CRP_LIBRARY_LINKAGE const crp_library crp_library_entry __attribute__((visibility("default"))); \
    const crp_library crp_library_entry = {CRP_LIBRARY_ABI, CRP_FUNCTION_COUNT, &crp_functions_of_library, begin};

#ifdef __cplusplus
}
#define CRP_LIBRARY_LINKAGE extern "C"
#else
#define CRP_LIBRARY_LINKAGE extern
#endif

#endif
