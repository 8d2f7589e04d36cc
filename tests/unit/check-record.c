/* Record: random dialogues, in random pieces, with random secrets in them: what was recorded is played again and has
 * no secret in it; and no failing allocation disturbs the session. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "comms.h"
#include "transcript.h"

enum { MOST = 20000, SEEDS = 100 };

static char file[64];
static uint64_t state_of_chance;

static unsigned chance(unsigned below)
{
    state_of_chance = state_of_chance * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state_of_chance >> 33) % below;
}

static crp_word bytes_of(const char *bytes, size_t n)
{
    crp_word w = CRP_NIL;
    expect_ok(crp_string(vm, bytes, n, &w));
    return w;
}

/* One side of a dialogue, and where its pieces end. */
static char said[2][MOST];
static size_t said_n[2];
static struct { unsigned side; size_t n; } pieces[400];
static size_t piece_n;

/* Letters that make beginnings of secrets likely, lines, and any bytes. */
static size_t random_bytes(char *out, const char *secret, bool with_secrets)
{
    size_t n = 0, wanted = 1 + chance(40);
    while (n < wanted) {
        unsigned what = chance(with_secrets ? 6 : 4);
        if (what == 0) out[n++] = (char)chance(256);
        else if (what == 1) memcpy(out + n, "\r\n", 2), n += 2;
        else if (what < 4) out[n++] = (char)('a' + chance(3));
        else n += (size_t)sprintf(out + n, "%.*s", (int)(what == 4 ? strlen(secret) : chance((unsigned)strlen(secret))), secret);
    }
    return n;
}

static void make_dialogue(const char *secret, bool with_secrets)
{
    said_n[0] = said_n[1] = piece_n = 0;
    for (int i = 0; i < 60; i++) {
        char text[400];
        unsigned side = chance(2);
        size_t n = random_bytes(text, secret, with_secrets);
        memcpy(said[side] + said_n[side], text, n);
        said_n[side] += n;
        while (n) {
            size_t piece = 1 + chance((unsigned)n);
            pieces[piece_n].side = side;
            pieces[piece_n++].n = piece;
            n -= piece;
            if (piece_n == 390) return;
        }
    }
}

static crp_word new_stack(crp_word bottom, crp_word *record)
{
    *record = make("Record");
    expect_ok(set(*record, "file", text(file)));
    crp_word s = STACK(bottom, *record);
    expect_ok(call(s, "connect", NULL));
    return s;
}

static void converse(crp_word s, crp_word peer)
{
    size_t at[2] = {0, 0};
    for (size_t i = 0; i < piece_n; i++) {
        unsigned side = pieces[i].side;
        crp_word got, piece = bytes_of(said[side] + at[side], pieces[i].n);
        at[side] += pieces[i].n;
        expect_ok(call(side ? peer : s, "send", NULL, piece));
        expect_ok(call(side ? s : peer, "receive", &got));
        bare_forget(vm);
    }
}

static size_t read_back(char *out, size_t room)
{
    int fd = open(file, O_RDONLY);
    size_t n = (size_t)read(fd, out, room);
    close(fd);
    ck_assert_uint_lt(n, room);
    return n;
}

/* What the transcript says of one side, secrets as three stars. */
static size_t told(enum crpi_item_kind kind, char *out)
{
    static char text[10 * MOST];
    crpi_transcript t;
    size_t n = 0;
    expect_ok(crpi_transcript_parse(vm, text, read_back(text, sizeof text), &t));
    for (size_t i = 0; i < t.n; i++) {
        if (t.items[i].kind != kind) continue;
        if (t.items[i].any) memcpy(out + n, "***", 3), n += 3;
        memcpy(out + n, t.bytes + t.items[i].at, t.items[i].length);
        n += t.items[i].length;
    }
    crpi_transcript_free(vm, &t);
    return n;
}

static void open_record(void)
{
    snprintf(file, sizeof file, "check-record.%d", (int)getpid());
    comms_open();
}

static void close_record(void)
{
    comms_close();
    unlink(file);
}

static crp_word memory(crp_word *peer)
{
    crp_word bottom = make("Memory");
    *peer = bare_keep(get(bottom, "peer"));
    expect_ok(call(*peer, "connect", NULL));
    return bottom;
}

/* Sends what the client said, all at once. */
static void replay_it(void)
{
    crp_word r = make("Replay");
    running sender;
    expect_ok(set(r, "file", text(file)));
    expect_ok(call(r, "connect", NULL));
    crp_word all[1] = {bytes_of(said[0], said_n[0])};
    bare_keep(all[0]);
    begin(&sender, r, "send", 1, all);
    ck_assert_msg(step(&sender), "it waits");
    ck_assert_msg(sender.st == CRP_OK, "%s", bare_error(vm));
}

START_TEST(without_secrets_every_byte_is_as_it_was)
{
    static char back[MOST];
    for (int seed = 0; seed < SEEDS; seed++) {
        open_record();
        state_of_chance = (uint64_t)seed;
        crp_word peer, record, bottom = memory(&peer), s = new_stack(bottom, &record);
        make_dialogue("", false);
        converse(s, peer);
        expect_ok(call(s, "disconnect", NULL));
        size_t at[2] = {0, 0};
        for (size_t i = 0; i < piece_n; i++) at[pieces[i].side] += pieces[i].n;
        said_n[0] = at[0];
        ck_assert_uint_eq(told(CRPI_CLIENT, back), at[0]);
        ck_assert_mem_eq(back, said[0], at[0]);
        ck_assert_uint_eq(told(CRPI_SERVER, back), at[1]);
        ck_assert_mem_eq(back, said[1], at[1]);
        replay_it();
        close_record();
    }
}
END_TEST

START_TEST(no_secret_is_in_the_file_in_whatever_pieces_it_came)
{
    static const char *const secrets[] = {"abca", "aaaaab", "abcabcab", "baab", "tanstaaf", "ccccc"};
    static char back[2 * MOST];
    for (int seed = 0; seed < SEEDS; seed++) {
        open_record();
        state_of_chance = (uint64_t)seed;
        const char *secret = secrets[chance(sizeof secrets / sizeof *secrets)];
        crp_word peer, record, bottom = memory(&peer), s = new_stack(bottom, &record);
        expect_ok(call(record, "conceal", NULL, text(secret)));
        expect_ok(call(record, "conceal", NULL, text("acab")));
        make_dialogue(secret, true);
        converse(s, peer);
        expect_ok(call(s, "disconnect", NULL));
        for (int side = 0; side < 2; side++) { /* not in the text itself: "\\xab" and "ca" are no secret */
            size_t n = told(side ? CRPI_SERVER : CRPI_CLIENT, back);
            ck_assert(!memmem(back, n, secret, strlen(secret)) && !memmem(back, n, "acab", 4));
        }
        close_record();
    }
}
END_TEST

START_TEST(an_allocation_that_fails_ends_the_recording_only)
{
    for (uint64_t n = 1;; n++) {
        open_record();
        crp_word peer, record, bottom = memory(&peer), s = new_stack(bottom, &record), w, data = text("some bytes\r\n");
        uint64_t first = vm->mem.count;
        crp_call c = {.vm = vm};
        size_t taken;
        vm->mem.fail_at = first + n;
        crp_status st = crp_ops_of(vm, crp_module_of(vm, record))
                            ->send(&c, crp_module_of(vm, record), crp_string_data(data, NULL), 12, &taken);
        bool came = vm->mem.count >= vm->mem.fail_at;
        vm->mem.fail_at = 0;
        if (st) ck_assert_str_eq(bare_error(vm), "1.16: out of memory"); /* of the Memory's own queue */
        if (st) crp_clear_error(vm);
        else expect_ok(call(peer, "receive", &w));
        expect_ok(call(s, "send", NULL, text("more")));
        expect_ok(call(peer, "receive", &w));
        expect_text(w, "more");
        close_record();
        if (!came) break;
        ck_assert_uint_lt(n, 50);
    }
}
END_TEST

START_TEST(too_many_secrets_end_the_recording)
{
    open_record();
    crp_word peer, record, bottom = memory(&peer), s = new_stack(bottom, &record), w;
    for (int i = 0; i < 40; i++) {
        char one[20];
        snprintf(one, sizeof one, "%02d secret", i % 17);
        expect_ok(call(record, "conceal", NULL, text(one)));
        expect_text(get(record, "failure"), i < 16 ? "" : "there are too many secrets to be kept out of the transcript");
    }
    expect_ok(call(s, "send", NULL, text("16 secret")));
    expect_ok(call(peer, "receive", &w));
    expect_text(w, "16 secret");
    close_record();
}
END_TEST

UNIT_MAIN("record", without_secrets_every_byte_is_as_it_was, no_secret_is_in_the_file_in_whatever_pieces_it_came,
          an_allocation_that_fails_ends_the_recording_only, too_many_secrets_end_the_recording)
