/* Time zones: files and rules, right and wrong, and what the clock shows. */
#include "unit.h"
#include "zone.h"

#include <string.h>

static crpi_mem mem;

static void *plain_realloc(void *ud, void *p, size_t old_size, size_t new_size)
{
    (void)ud;
    (void)old_size;
    if (new_size) return realloc(p, new_size);
    free(p);
    return NULL;
}

static crpi_zone *rule(const char *text)
{
    bool no_memory;
    crpi_mem_init(&mem, plain_realloc, NULL);
    return crpi_zone_of_rule(&mem, text, strlen(text), &no_memory);
}

static void expect_clock(const crpi_zone *z, int64_t seconds, int offset, const char *name)
{
    const crpi_zone_clock *clock = crpi_zone_at(z, seconds);
    ck_assert_msg(clock->offset == offset && strcmp(clock->name, name) == 0, "at %lld: %d %s",
                  (long long)seconds, clock->offset, clock->name);
}

static void end(crpi_zone *z)
{
    crpi_zone_free(&mem, z);
    ck_assert_uint_eq(mem.used, 0);
}

/* --- rules
 * ------------------------------------------------------------------------------------------------ */

START_TEST(a_rule_without_summer_has_one_clock)
{
    crpi_zone *z = rule("<+0330>-3:30:15");
    expect_clock(z, 0, 12615, "+0330");
    expect_clock(z, 4000000000, 12615, "+0330");
    ck_assert_int_eq(crpi_zone_instant(z, 12615), 0);
    end(z);
}
END_TEST

START_TEST(a_rule_changes_to_summer_and_back)
{
    crpi_zone *z = rule("CET-1CEST,M3.5.0,M10.5.0/3");
    expect_clock(z, 1774745999, 3600, "CET");
    expect_clock(z, 1774746000, 7200, "CEST");
    expect_clock(z, 1792889999, 7200, "CEST");
    expect_clock(z, 1792890000, 3600, "CET");
    end(z);
}
END_TEST

START_TEST(south_of_the_equator_summer_goes_over_new_year)
{
    crpi_zone *z = rule("AEST-10AEDT,M10.1.0,M4.1.0/3");
    expect_clock(z, 1767225600, 39600, "AEDT"); /* 1 January 2026 */
    expect_clock(z, 1775318399, 39600, "AEDT");
    expect_clock(z, 1775318400, 36000, "AEST");
    expect_clock(z, 1791043199, 36000, "AEST");
    expect_clock(z, 1791043200, 39600, "AEDT");
    end(z);
}
END_TEST

START_TEST(summer_may_be_behind_and_days_may_be_counted)
{
    crpi_zone *z = rule("IST-1GMT0,M10.5.0,M3.5.0/1");
    expect_clock(z, 1767225600, 0, "GMT");
    expect_clock(z, 1782864000, 3600, "IST");
    end(z);
    z = rule("XXX0YYY,J60/0,J300/0"); /* 1 March, whether or not there is a 29 February */
    expect_clock(z, 1709251199, 0, "XXX"); /* 2024 */
    expect_clock(z, 1709251200, 3600, "YYY");
    expect_clock(z, 1772323199, 0, "XXX"); /* 2026 */
    expect_clock(z, 1772323200, 3600, "YYY");
    end(z);
    z = rule("XXX0YYY,59/0,300/0"); /* the 60th day of the year */
    expect_clock(z, 1709164799, 0, "XXX");
    expect_clock(z, 1709164800, 3600, "YYY");
    end(z);
}
END_TEST

START_TEST(a_rule_without_days_has_those_of_the_united_states)
{
    crpi_zone *z = rule("EST5EDT");
    expect_clock(z, 1772953199, -18000, "EST");
    expect_clock(z, 1772953200, -14400, "EDT");
    end(z);
}
END_TEST

START_TEST(what_is_no_rule_is_refused)
{
    static const char *const wrong[] = {"",
                                        "X",
                                        "XX0",
                                        "UTC",
                                        "UTC25",
                                        "UTC0:60",
                                        "<UTC0",
                                        "CET-1CEST,M3.5.0",
                                        "CET-1CEST,M13.5.0,M10.5.0",
                                        "CET-1CEST,M3.6.0,M10.5.0",
                                        "CET-1CEST,M3.5.7,M10.5.0",
                                        "CET-1CEST,M3.5.0,M10.5.0x",
                                        "CET-1CEST,J0,J300",
                                        "CET-1CEST,J1,J366",
                                        "CET-1CEST,1,366",
                                        "CET-1CEST,M3.5.0/168,M10.5.0",
                                        "Europe/Berlin",
                                        "averyverylongname0",
                                        "UTC0 "};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        crpi_zone *z = rule(wrong[i]);
        ck_assert_msg(!z, "%s", wrong[i]);
        ck_assert_uint_eq(mem.used, 0);
    }
}
END_TEST

/* --- local time
 * ------------------------------------------------------------------------------------------- */

START_TEST(every_second_near_a_change_comes_back)
{
    crpi_zone *z = rule("CET-1CEST,M3.5.0,M10.5.0/3");
    for (int64_t change = 1774746000;; change = 1792890000) {
        for (int64_t s = change - 8000; s < change + 8000; s++) {
            int64_t local = s + crpi_zone_at(z, s)->offset, back = crpi_zone_instant(z, local);
            /* The hour that the clock shows again in autumn is that of summer. */
            bool again = change == 1792890000 && s >= change && s < change + 3600;
            ck_assert_int_eq(back, again ? s - 3600 : s);
        }
        if (change == 1792890000) break;
    }
    /* 2:30 on the day when the clock goes from 2 to 3. */
    ck_assert_int_eq(crpi_zone_instant(z, 1774746000 + 3600 + 1800), 1774746000 + 1800);
    end(z);
}
END_TEST

/* --- files
 * ------------------------------------------------------------------------------------------------ */

typedef struct file {
    unsigned char bytes[1000];
    size_t n;
} file;

static void put(file *f, const void *bytes, size_t n)
{
    memcpy(f->bytes + f->n, bytes, n);
    f->n += n;
}

static void put_number(file *f, int64_t value, int bytes)
{
    while (bytes-- > 0) f->bytes[f->n++] = (unsigned char)((uint64_t)value >> (bytes * 8));
}

/* Three instants, two clocks. */
static void put_block(file *f, int version, int width)
{
    static const int64_t at[] = {-1000, 0, 1000};
    put(f, "TZif", 4);
    f->bytes[f->n++] = version == 1 ? 0 : (unsigned char)('0' + version);
    memset(f->bytes + f->n, 0, 15);
    f->n += 15;
    static const int counts[] = {0, 0, 0, 3, 2, 8};
    for (int i = 0; i < 6; i++) put_number(f, counts[i], 4);
    for (int i = 0; i < 3; i++) put_number(f, at[i], width);
    put(f, "\1\0\1", 3);
    put_number(f, 3600, 4);
    put(f, "\0\0", 2);
    put_number(f, -7200, 4);
    put(f, "\1\4", 2);
    put(f, "AAA\0BBB", 8);
}

static file make_file(int version, const char *footer)
{
    file f = {.n = 0};
    put_block(&f, version, 4);
    if (version > 1) {
        put_block(&f, version, 8);
        put(&f, footer, strlen(footer));
    }
    return f;
}

/* In memory of its own, so that the sanitizer sees a byte that is read behind it. */
static crpi_zone *read_file(const file *f, size_t n)
{
    bool no_memory;
    unsigned char *copy = malloc(n ? n : 1);
    memcpy(copy, f->bytes, n);
    crpi_mem_init(&mem, plain_realloc, NULL);
    crpi_zone *z = crpi_zone_read(&mem, copy, n, &no_memory);
    free(copy);
    ck_assert(!no_memory);
    return z;
}

START_TEST(a_file_says_which_clock_holds_when)
{
    for (int version = 1; version <= 3; version++) {
        file f = make_file(version, "\nCCC5\n");
        crpi_zone *z = read_file(&f, f.n);
        ck_assert_ptr_nonnull(z);
        expect_clock(z, -5000, 3600, "AAA");
        expect_clock(z, -1001, 3600, "AAA");
        expect_clock(z, -1000, -7200, "BBB");
        expect_clock(z, 0, 3600, "AAA");
        expect_clock(z, 999, 3600, "AAA");
        if (version == 1) expect_clock(z, 1000, -7200, "BBB");
        else expect_clock(z, 1000, -18000, "CCC");
        end(z);
    }
}
END_TEST

START_TEST(a_file_without_a_rule_goes_on_with_its_last_clock)
{
    file f = make_file(2, "\n\n");
    crpi_zone *z = read_file(&f, f.n);
    expect_clock(z, 100000, -7200, "BBB");
    end(z);
}
END_TEST

START_TEST(a_file_that_is_cut_is_refused)
{
    file f = make_file(2, "\nCCC5\n");
    for (size_t n = 0; n < f.n; n++) ck_assert_ptr_null(read_file(&f, n));
}
END_TEST

START_TEST(a_file_with_wrong_bytes_is_refused_or_a_zone)
{
    file good = make_file(2, "\nCET-1CEST,M3.5.0,M10.5.0/3\n");
    for (size_t i = 0; i < good.n; i++)
        for (int byte = 0; byte < 256; byte += byte < 4 || byte > 250 ? 1 : 13) {
            file f = good;
            f.bytes[i] = (unsigned char)byte;
            crpi_zone *z = read_file(&f, f.n);
            for (int64_t s = -2000; z && s < 3000; s += 500) crpi_zone_instant(z, s);
            if (z) end(z);
        }
}
END_TEST

START_TEST(without_memory_there_is_no_zone)
{
    file f = make_file(2, "\nCCC5\n");
    bool no_memory = false;
    crpi_mem_init(&mem, plain_realloc, NULL);
    mem.fail_at = 1;
    ck_assert_ptr_null(crpi_zone_read(&mem, f.bytes, f.n, &no_memory));
    ck_assert(no_memory);
    mem.fail_at = mem.count + 1;
    ck_assert_ptr_null(crpi_zone_of_rule(&mem, "UTC0", 4, &no_memory));
    ck_assert(no_memory);
    ck_assert_uint_eq(mem.used, 0);
}
END_TEST

UNIT_MAIN("zone", a_rule_without_summer_has_one_clock, a_rule_changes_to_summer_and_back,
          south_of_the_equator_summer_goes_over_new_year, summer_may_be_behind_and_days_may_be_counted,
          a_rule_without_days_has_those_of_the_united_states, what_is_no_rule_is_refused,
          every_second_near_a_change_comes_back, a_file_says_which_clock_holds_when,
          a_file_without_a_rule_goes_on_with_its_last_clock, a_file_that_is_cut_is_refused,
          a_file_with_wrong_bytes_is_refused_or_a_zone, without_memory_there_is_no_zone)
