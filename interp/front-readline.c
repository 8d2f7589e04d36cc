/* floor 10: the front that edits with GNU readline; a shared object of its own, loaded by whoever prompts.
 *
 * Readline's own buffer holds the whole form, line breaks and all: Enter puts in a row while the form is
 * open.  Keys are read through the callback interface, so tasks go on while somebody types.  Only keys that
 * still mean what readline gave them are given another meaning: what a user bound stays.
 */
#include "front.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <readline/history.h>
#include <readline/readline.h>

enum { MOST_REMEMBERED = 2000, MOST_SHOWN = 150 };
#define INDENT "    " /* what Tab puts in where a row begins */

static const crpi_front_host *host;
static char *finished; /* what was entered */
static bool is_finished, editing;
static size_t prompt_columns;
static volatile sig_atomic_t stop_asked;

/* --- rows ----------------------------------------------------------------------------------------------- */

static void insert_blanks(size_t n)
{
    while (n--) rl_insert_text(" ");
}

static int row_start(int at)
{
    while (at > 0 && rl_line_buffer[at - 1] != '\n') at--;
    return at;
}

static int row_end(int at)
{
    while (at < rl_end && rl_line_buffer[at] != '\n') at++;
    return at;
}

static bool row_is_blank(int start, int end)
{
    while (start < end && rl_line_buffer[start] == ' ') start++;
    return start == end;
}

static int new_row(int count, int key)
{
    (void)count, (void)key;
    size_t column = host->indent(host->ud, rl_line_buffer, (size_t)rl_point, prompt_columns, false);
    rl_begin_undo_group();
    if (column != CRPI_FRONT_NO_COLUMN) {
        int behind = rl_point;
        while (behind < rl_end && rl_line_buffer[behind] == ' ') behind++;
        rl_delete_text(rl_point, behind);
    }
    rl_insert_text("\n");
    if (column != CRPI_FRONT_NO_COLUMN) insert_blanks(column);
    rl_end_undo_group();
    return 0;
}

static int enter(int count, int key)
{
    if (!host->whole(host->ud, rl_line_buffer, (size_t)rl_end)) return new_row(count, key);
    rl_point = rl_end;
    return rl_newline(1, key);
}

/* A closing bracket that begins a row stands below the one that it closes. */
static int close_bracket(int count, int key)
{
    int start = row_start(rl_point);
    if (start > 0 && count == 1 && row_is_blank(start, rl_point)) {
        size_t column = host->indent(host->ud, rl_line_buffer, (size_t)rl_point, prompt_columns, true);
        if (column != CRPI_FRONT_NO_COLUMN) {
            rl_begin_undo_group();
            rl_delete_text(start, rl_point);
            rl_point = start;
            insert_blanks(column);
            rl_insert_text(")");
            rl_end_undo_group();
            return 0;
        }
    }
    return rl_insert(count, key);
}

/* The place in a row that is nearest to a column of the screen, never inside a character. */
static int place_in_row(int start, int end, int column)
{
    if (start == 0) column -= (int)prompt_columns;
    int at = start + (column < 0 ? 0 : column);
    if (at > end) at = end;
    while (at > start && at < end && (rl_line_buffer[at] & 0xc0) == 0x80) at--;
    return at;
}

static int column_now(int start) { return rl_point - start + (start == 0 ? (int)prompt_columns : 0); }

static int row_up(int count, int key)
{
    int start = row_start(rl_point);
    if (start == 0) return rl_get_previous_history(count, key);
    rl_point = place_in_row(row_start(start - 1), start - 1, column_now(start));
    return 0;
}

static int row_down(int count, int key)
{
    int start = row_start(rl_point), end = row_end(rl_point);
    if (end == rl_end) return rl_get_next_history(count, key);
    rl_point = place_in_row(end + 1, row_end(end + 1), column_now(start));
    return 0;
}

/* --- output above the line ------------------------------------------------------------------------------ */

static void write_all(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno != EINTR) return;
        if (n > 0) bytes += n, length -= (size_t)n;
    }
}

static void readline_above(int fd, const char *bytes, size_t length)
{
    if (!length) return;
    if (editing) {
        rl_clear_visible_line();
        fflush(rl_outstream);
    }
    write_all(fd, bytes, length);
    if (!editing) return;
    if (bytes[length - 1] != '\n') write_all(fd, "\n", 1);
    rl_on_new_line();
    rl_redisplay();
}

static int describe(int count, int key)
{
    (void)count, (void)key;
    char *text = host->describe(host->ud, rl_line_buffer, (size_t)rl_end, (size_t)rl_point);
    if (text) readline_above(STDOUT_FILENO, text, strlen(text));
    else rl_ding();
    free(text);
    return 0;
}

/* --- completion ----------------------------------------------------------------------------------------- */

typedef struct candidate {
    char *text, *signature;
} candidate;

static struct {
    candidate *items;
    size_t count, room;
} found;

static void forget_candidates(void)
{
    for (size_t i = 0; i < found.count; i++) {
        free(found.items[i].text);
        free(found.items[i].signature);
    }
    found.count = 0;
}

static void add_candidate(void *ud, const char *text, const char *signature, const char *help)
{
    (void)ud, (void)help;
    if (found.count == found.room) {
        size_t wider = found.room ? found.room * 2 : 64;
        candidate *items = realloc(found.items, wider * sizeof *items);
        if (!items) return;
        found.items = items;
        found.room = wider;
    }
    candidate c = {strdup(text), strdup(signature ? signature : "")};
    if (c.text && c.signature) {
        found.items[found.count++] = c;
    } else {
        free(c.text);
        free(c.signature);
    }
}

static char *joined(const char *prefix, size_t prefix_length, const char *text)
{
    size_t length = strlen(text);
    char *whole = malloc(prefix_length + length + 1);
    if (!whole) return NULL;
    memcpy(whole, prefix, prefix_length);
    memcpy(whole + prefix_length, text, length + 1);
    return whole;
}

static char *common_start(char **matches, size_t count)
{
    size_t length = strlen(matches[0]);
    for (size_t i = 1; i < count; i++) {
        size_t same = 0;
        while (same < length && matches[i][same] == matches[0][same]) same++;
        length = same;
    }
    while (length && (matches[0][length] & 0xc0) == 0x80) length--;
    return strndup(matches[0], length);
}

/* What readline wants: the common start, then all; one alone stands by itself. */
static char **make_matches(const char *prefix, size_t prefix_length)
{
    char **matches = calloc(found.count + 2, sizeof *matches);
    if (!matches) return NULL;
    for (size_t i = 0; i < found.count; i++)
        if (!(matches[i + 1] = joined(prefix, prefix_length, found.items[i].text))) break;
    size_t count = 0;
    while (matches[count + 1]) count++;
    if (count == 1) {
        matches[0] = matches[1];
        matches[1] = NULL;
    } else if (count) {
        matches[0] = common_start(matches + 1, count);
    }
    if (matches[0]) return matches;
    free(matches);
    return NULL;
}

static char **complete(const char *text, int start, int end)
{
    (void)text;
    rl_attempted_completion_over = 1;
    rl_completion_append_character = 0;
    rl_completion_suppress_append = rl_completion_suppress_quote = 1;
    rl_sort_completion_matches = 0;
    forget_candidates();
    size_t from = (size_t)start;
    if (row_is_blank(row_start(end), end))
        add_candidate(NULL, INDENT, "", "");
    else
        from = host->complete(host->ud, rl_line_buffer, (size_t)end, add_candidate, NULL);
    if (!found.count || from < (size_t)start) return NULL;
    return make_matches(rl_line_buffer + start, from - (size_t)start);
}

static size_t widest_candidate(void)
{
    size_t widest = 0;
    for (size_t i = 0; i < found.count; i++)
        if (strlen(found.items[i].text) > widest) widest = strlen(found.items[i].text);
    return widest;
}

static void show_rows(int columns)
{
    int widest = (int)widest_candidate(), room = columns - widest - 3;
    for (size_t i = 0; i < found.count; i++)
        fprintf(rl_outstream, "%-*s  %.*s\n", widest, found.items[i].text, room < 0 ? 0 : room,
                found.items[i].signature);
}

static void show_columns(void)
{
    char **names = calloc(found.count + 2, sizeof *names);
    if (!names) return;
    for (size_t i = 0; i < found.count; i++) names[i + 1] = found.items[i].text;
    names[0] = names[1];
    rl_display_match_list(names, (int)found.count, (int)widest_candidate());
    free(names);
}

/* With their signatures while they fit on the screen, then in columns, then not at all. */
static void show_candidates(char **matches, int count, int longest)
{
    int rows, columns;
    (void)matches, (void)count, (void)longest;
    rl_get_screen_size(&rows, &columns);
    rl_crlf();
    if (found.count > MOST_SHOWN) fprintf(rl_outstream, "%zu names begin like this\n", found.count);
    else if (found.count + 2 < (size_t)rows) show_rows(columns);
    else show_columns();
    rl_forced_update_display();
}

/* --- keys ----------------------------------------------------------------------------------------------- */

/* `keys` are the bytes that a terminal sends. */
static void rebind(Keymap map, const char *keys, rl_command_func_t *from, rl_command_func_t *to)
{
    int type;
    rl_command_func_t *bound = rl_function_of_keyseq(keys, map, &type);
    if (bound == from && (bound == NULL || type == ISFUNC)) rl_bind_keyseq_in_map(keys, to, map);
}

static void bind_keys(Keymap map)
{
    rebind(map, "\r", rl_newline, enter);
    rebind(map, "\n", rl_newline, enter);
    rebind(map, ")", rl_insert, close_bracket);
    rebind(map, "\033[A", rl_get_previous_history, row_up);
    rebind(map, "\033OA", rl_get_previous_history, row_up);
    rebind(map, "\033[B", rl_get_next_history, row_down);
    rebind(map, "\033OB", rl_get_next_history, row_down);
}

static void set_up_keys(void)
{
    Keymap emacs = rl_get_keymap_by_name("emacs-standard"), vi = rl_get_keymap_by_name("vi-insert");
    rl_add_defun("carapace-enter", enter, -1);
    rl_add_defun("carapace-new-row", new_row, -1);
    rl_add_defun("carapace-describe", describe, -1);
    bind_keys(emacs);
    bind_keys(vi);
    rebind(rl_get_keymap_by_name("vi-command"), "\r", rl_newline, enter);
    rebind(emacs, "\033\r", rl_vi_editing_mode, new_row);
    rebind(emacs, "\033h", NULL, describe);
}

static bool readline_open(const crpi_front_host *its_host)
{
    host = its_host;
    rl_readline_name = "carapace";
    rl_catch_signals = 0;
    rl_catch_sigwinch = 1;
    rl_completer_word_break_characters = " \t\n()'`,\"#";
    rl_completer_quote_characters = "\"";
    rl_basic_quote_characters = "";
    rl_attempted_completion_function = complete;
    rl_completion_display_matches_hook = show_candidates;
    rl_variable_bind("enable-bracketed-paste", "on");
    rl_variable_bind("blink-matching-paren", "off");
    rl_variable_bind("show-all-if-unmodified", "on");
    if (rl_initialize()) return false;
    set_up_keys();
    using_history();
    stifle_history(MOST_REMEMBERED);
    return true;
}

/* --- reading -------------------------------------------------------------------------------------------- */

static void on_line(char *line)
{
    editing = false;
    rl_callback_handler_remove();
    finished = line;
    is_finished = true;
}

static void ask_to_stop(int number) { stop_asked = number; }

static void catch_stop(bool yes)
{
    struct sigaction action = {.sa_handler = yes ? ask_to_stop : SIG_DFL}, before;
    sigaction(SIGTSTP, NULL, &before);
    if (before.sa_handler != SIG_IGN) sigaction(SIGTSTP, &action, NULL);
}

/* Ctrl-Z: the shell gets the terminal as it was, and the line is there again afterwards. */
static void stop_and_come_back(void)
{
    stop_asked = 0;
    rl_deprep_terminal();
    catch_stop(false);
    raise(SIGTSTP);
    catch_stop(true);
    rl_prep_terminal(1);
    rl_forced_update_display();
}

/* Leaves the line as it is on the screen and gives the terminal back. */
static void give_up(const char *mark)
{
    rl_point = rl_end;
    rl_redisplay();
    editing = false;
    fprintf(rl_outstream, "%s", mark);
    rl_callback_sigcleanup();
    rl_free_line_state();
    rl_callback_handler_remove();
    fprintf(rl_outstream, "\n");
    fflush(rl_outstream);
}

static enum crpi_front_end read_until_finished(void)
{
    while (!is_finished) {
        switch (host->wait(host->ud)) {
        case CRPI_FRONT_INPUT: rl_callback_read_char(); break;
        case CRPI_FRONT_INTERRUPT: give_up("^C"); return CRPI_FRONT_INTERRUPTED;
        case CRPI_FRONT_LEAVE: give_up(""); return CRPI_FRONT_LEFT;
        case CRPI_FRONT_OTHER:
            if (stop_asked) stop_and_come_back();
            else rl_check_signals();
            break;
        }
    }
    return finished ? CRPI_FRONT_FORM : CRPI_FRONT_EOF;
}

static enum crpi_front_end readline_read_form(const char *prompt, char **text, size_t *length)
{
    prompt_columns = strlen(prompt);
    is_finished = false;
    finished = NULL;
    catch_stop(true);
    rl_callback_handler_install(prompt, on_line);
    editing = true;
    enum crpi_front_end end = read_until_finished();
    catch_stop(false);
    if (end == CRPI_FRONT_EOF) {
        fprintf(rl_outstream, "\n");
        fflush(rl_outstream);
    }
    *text = finished;
    *length = finished ? strlen(finished) : 0;
    return end;
}

static void readline_remember(const char *text) { add_history(text); }

static void readline_close(void)
{
    forget_candidates();
    free(found.items);
    found.items = NULL;
    found.room = 0;
    clear_history();
}

static const crpi_front front = {
    .size = sizeof front,
    .abi = CRPI_FRONT_ABI,
    .open = readline_open,
    .read_form = readline_read_form,
    .remember = readline_remember,
    .above = readline_above,
    .close = readline_close,
};

const crpi_front *crp_front(unsigned abi);
const crpi_front *crp_front(unsigned abi)
{
    return abi == CRPI_FRONT_ABI ? &front : NULL;
}
