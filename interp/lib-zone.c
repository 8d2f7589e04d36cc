/* floor 7: time zones by name: UTC, an offset, a name of the system's tz database, or where the computer
 * stands.
 *
 * The database's files are read here, once each, and kept: neither the process's variables nor its locale
 * are touched, and two interpreters never meet.
 */
#include "lib.h"

#include <stdlib.h>
#include <string.h>
#include "instant.h"

enum { LONGEST_NAME = 64 };

/* The zones that are in use, by name. */
static crp_status known_zones(crp *vm, crp_word *zones)
{
    crp_word registry, key;
    crp_status st = crp_registry(vm, &registry);
    if (!st) st = crp_symbol(vm, "zones", 5, &key);
    if (st || crp_hashtable_get(vm, registry, key, zones)) return st;
    st = crp_hashtable(vm, zones);
    return st ? st : crp_hashtable_set(vm, registry, key, *zones);
}

/* A name such as America/Argentina/Salta: nothing that leads out of the database's folder. */
static bool is_database_name(const char *name, size_t n)
{
    if (n == 0 || n > LONGEST_NAME || name[0] == '/' || name[n - 1] == '/') return false;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        bool plain = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
        if (!plain && (c != '/' || name[i + 1] == '/') && !memchr("_+-", c, 3)) return false;
    }
    return true;
}

/* The zone of a file; *zone is NULL where there is no such file, or it is no zone's. */
static crp_status read_zone_file(crp *vm, const char *path, crpi_zone **zone)
{
    crp_word name, text;
    bool no_memory;
    size_t n;
    *zone = NULL;
    crp_status st = crp_string_z(vm, path, &name);
    if (st) return st;
    st = crpi_lib_read_file(vm, name, &text);
    if (st == CRP_E_NOMEM) return st;
    if (st) {
        crp_clear_error(vm);
        return CRP_OK;
    }
    const char *bytes = crp_string_data(text, &n);
    *zone = crpi_zone_read(&vm->mem, bytes, n, &no_memory);
    return no_memory ? crp_no_memory(vm) : CRP_OK;
}

static crp_status read_database(crp *vm, const char *name, size_t n, crpi_zone **zone)
{
    crp_word path;
    const char *text, *folder = getenv("TZDIR");
    *zone = NULL;
    if (!is_database_name(name, n)) return CRP_OK;
    crp_status st = crp_format(vm, &path, "%s/%.*s", folder ? folder : "/usr/share/zoneinfo", (int)n, name);
    if (!st) st = crp_c_string(vm, path, &text);
    return st ? st : read_zone_file(vm, text, zone);
}

/* What the variable TZ means: a file, a name of the database, or a rule; without it, what the computer is
 * set to. */
static crp_status read_local(crp *vm, const char *setting, crpi_zone **zone)
{
    bool no_memory;
    if (!setting) return read_zone_file(vm, "/etc/localtime", zone);
    if (*setting == ':') setting++;
    if (*setting == '/') return read_zone_file(vm, setting, zone);
    crp_status st = read_database(vm, setting, strlen(setting), zone);
    if (st || *zone) return st;
    *zone = crpi_zone_of_rule(&vm->mem, setting, strlen(setting), &no_memory);
    return no_memory ? crp_no_memory(vm) : CRP_OK;
}

/* The zone kept under this key, or else a new one, shown as `name`; () if there is none of that name. */
static crp_status find_zone(crp *vm, const char *key, const char *name, const char *setting, crp_word *out)
{
    crp_word zones, key_string, name_string;
    crpi_zone *zone;
    bool local = strcmp(name, "local") == 0;
    crp_status st = known_zones(vm, &zones);
    if (!st) st = crp_string_z(vm, key, &key_string);
    if (st || crp_hashtable_get(vm, zones, key_string, out)) return st;
    *out = CRP_NIL;
    st = local ? read_local(vm, setting, &zone) : read_database(vm, name, strlen(name), &zone);
    if (st || !zone) return st;
    st = crp_string_z(vm, name, &name_string);
    if (st) crpi_zone_free(&vm->mem, zone);
    else st = crpi_instant_zone(vm, name_string, zone, out);
    return st ? st : crp_hashtable_set(vm, zones, key_string, *out);
}

/* The computer's zone may be changed while this runs (putenv), so what it is set to is part of the key.
 * Where there is none, it is UTC. */
static crp_status local_zone(crp *vm, crp_word *out)
{
    crp_word key;
    const char *setting = getenv("TZ"), *text;
    crp_status st = setting ? crp_format(vm, &key, "TZ=%s", setting) : crp_string_z(vm, "TZ", &key);
    if (!st) st = crp_c_string(vm, key, &text);
    return st ? st : find_zone(vm, text, "local", setting, out);
}

crp_status crpi_lib_zone(crp *vm, crp_word name, crpi_where *out)
{
    size_t n;
    const char *text = crp_string_data(name, &n);
    *out = (crpi_where){CRP_NIL, 0};
    if ((n == 3 && memcmp(text, "UTC", 3) == 0) || crpi_date_read_offset(text, n, &out->offset))
        return CRP_OK;
    if (n == 5 && memcmp(text, "local", 5) == 0) return local_zone(vm, &out->zone);
    crp_status st = CRP_OK;
    if (is_database_name(text, n)) {
        st = crp_c_string(vm, name, &text);
        if (!st) st = find_zone(vm, text, text, NULL, &out->zone);
    }
    if (st || out->zone != CRP_NIL) return st;
    return crp_raise(
        vm, CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT,
        "zone: expected UTC, local, an offset such as +0100 or a name such as Europe/Berlin, given %v", name);
}
