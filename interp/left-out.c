/* The table, and the error that its rows make. */
#include "left-out.h"

#include <string.h>

#define FUNCTION(name, why) {CRPI_LEFT_OUT_FUNCTION, name, CRP_NOT_SUPPORTED, why}
#define CLASS(name, why) {CRPI_LEFT_OUT_CLASS, name, CRP_NOT_SUPPORTED, why}
#define HIVE(name, why) {CRPI_LEFT_OUT_HIVE, name, CRP_NOT_SUPPORTED, why}
#define LATER(kind, name, why) {CRPI_LEFT_OUT_##kind, name, CRP_NOT_IMPLEMENTED, why}

#define NO_WINDOWS "there are no windows here"
#define NO_COM "COM is a part of Windows; (create Library ...) calls functions of C"
#define NO_DIAL_UP "dialling is the system's business now; Tcp talks over what it has connected"
#define ONE_INTERPRETER "a process has one interpreter so far, and all of its tasks see a global variable"
#define HIVES "configuration is in files now; the hives are CurrentUser, LocalMachine and CarapaceConfig"

const crpi_left_out crpi_all_left_out[] = {
    FUNCTION("messageBox",
             NO_WINDOWS "; print writes to standard output, a Stream \"stderr\" to the other one"),
    FUNCTION("sendWindowMessage", NO_WINDOWS),
    FUNCTION("makeComServer", NO_COM),
    LATER(FUNCTION, "export", ONE_INTERPRETER),
    LATER(FUNCTION, "setShared", ONE_INTERPRETER),
    LATER(FUNCTION, "getShared", ONE_INTERPRETER),
    CLASS("Dispatch", NO_COM),
    CLASS("Shortcut", "it is the Windows desktop's; (system (list \"ln\" \"-s\" file name)) makes a link"),
    CLASS("Db", "it stood on COM; commandOutput or a Process module runs a database's own program"),
    LATER(CLASS, "Thread", "a process has one interpreter, and one thread, so far; Task runs things side by side"),
    CLASS("X25", "no computer of today has such a line; use Tcp"),
    CLASS("Ras", NO_DIAL_UP),
    CLASS("Tapi", NO_DIAL_UP),
    HIVE("ClassesRoot", HIVES),
    HIVE("Users", HIVES),
    HIVE("CurrentConfig", HIVES),
    HIVE("DynamicData", HIVES),
    {0},
};

const crpi_left_out *crpi_left_out_find(enum crpi_left_out_kind kind, const char *name, size_t length)
{
    bool hive = kind == CRPI_LEFT_OUT_HIVE;
    for (const crpi_left_out *row = crpi_all_left_out; row->name; row++)
        if ((row->kind == CRPI_LEFT_OUT_HIVE) == hive && strlen(row->name) == length &&
            memcmp(row->name, name, length) == 0)
            return row;
    return NULL;
}

void crpi_left_out_text(const crpi_left_out *row, crpi_buf *out)
{
    static const char *const kinds[] = {"function", "class", "hive"};
    const char *what = row->code == CRP_NOT_IMPLEMENTED ? "not here yet" : "left out";
    crpi_buf_format(out, "the %s %s of the 1999 manual is %s: %s", kinds[row->kind], row->name, what, row->why);
}

crp_status crpi_left_out_raise(crp *vm, const crpi_left_out *row)
{
    crpi_buf text;
    crpi_buf_init(&text, &vm->mem, 1000);
    crpi_left_out_text(row, &text);
    crp_status st = text.failed ? crp_no_memory(vm)
                                : crp_raise(vm, CRP_ERR_SCRIPT, row->code, "%.*s", (int)text.length, text.bytes);
    crpi_buf_free(&text);
    return st;
}
