/* Completion, help and the reference say what the tables say. */
#include "classes.h"
#include "complete.h"
#include "help.h"
#include "reference.h"
#include "load.h"

#include <sys/stat.h>
#include <unistd.h>

/* --- an interpreter with a class of each kind ----------------------------------------------------------- */

typedef struct mailbox {
    crp_object h;
    crp_word user, password, peer, label;
} mailbox;

static int getters_called, methods_called;

static crp_status get_label(crp *interpreter, crp_object *o, crp_word *out)
{
    (void)o;
    getters_called++;
    return crp_string_z(interpreter, "label", out);
}

static crp_status call_method(crp_call *c)
{
    methods_called++;
    c->result = CRP_NIL;
    return CRP_OK;
}

static const crp_property mailbox_properties[] = {
    {"user", "String", CRP_RW, offsetof(mailbox, user), NULL, NULL, "Who logs on.", NULL, NULL},
    {"password", "String", CRP_RW | CRP_SECRET, offsetof(mailbox, password), NULL, NULL, "A secret.",
     NULL, NULL},
    {"peer", "Object", CRP_RW, offsetof(mailbox, peer), NULL, NULL, "The other one.", NULL, NULL},
    {"label", "String", CRP_READ, 0, NULL, NULL, "A name for it.", get_label, NULL},
    {0},
};

static const crp_method mailbox_methods[] = {
    {"fetch", "String (msgNo Integer)", call_method, "Fetches a message.  Whole.", 0, NULL, NULL},
    {"fetchTo", "NIL (msgNo Integer) (path String)", call_method, "Fetches a message into a file.", 0, NULL,
     NULL},
    {"forward", "Mailbox", call_method, "The next one.\nbox.forward  # --> ()\n(box.forward)", 0, NULL, NULL},
    {0},
};

static const crp_class_def mailbox_class = {
    .size = sizeof mailbox_class,
    .name = "Mailbox",
    .help = "A mailbox for tests.\n(set box (create Mailbox))",
    .instance_size = sizeof(mailbox),
    .properties = mailbox_properties,
    .methods = mailbox_methods,
};

/* What it lacks, the mailbox that it holds may have. */
typedef struct holder {
    crp_object h;
    crp_word held;
} holder;

static bool held_has(crp *interpreter, crp_object *o, crp_word name, crp_word *target)
{
    *target = ((holder *)o)->held;
    return crp_has_property(interpreter, *target, name) || crp_has_method(interpreter, *target, name);
}

static const crp_property holder_properties[] = {
    {"held", "Object", CRP_RW, offsetof(holder, held), NULL, NULL, "The mailbox.", NULL, NULL}, {0}};
static const crp_class_def holder_class = {.size = sizeof holder_class,
                                           .name = "Holder",
                                           .help = "Holds a mailbox.",
                                           .instance_size = sizeof(holder),
                                           .properties = holder_properties,
                                           .missing = held_has};

static const crp_property string_properties[] = {{0}};
static const crp_method string_methods[] = {
    {"length", "Integer", call_method, "How many bytes.", 0, NULL, NULL}, {0}};
static const crp_class_def string_class = {.size = sizeof string_class,
                                           .name = "String",
                                           .help = "Text.",
                                           .properties = string_properties,
                                           .methods = string_methods};

static const crp_method functions[] = {
    {"openMailbox", "Mailbox (name String)", call_method, "Opens a mailbox.", 0, NULL, NULL},
    {"openDoor", "NIL", call_method, "Opens a door | or two.", 0, NULL, NULL},
    {0},
};

static crpi_loader loader;
static crpi_scope session;

static void mark_session(crp *interpreter, crp_marker mark)
{
    for (size_t i = 0; i < interpreter->cells->count; i++) mark(interpreter, interpreter->cells->values[i]);
}

static void set_variable(const char *name, crp_word value)
{
    uint32_t cell;
    ck_assert_int_eq(crpi_scope_add(vm, &session, bare_symbol(vm, name), CRP_OBJECT, true, &cell), CRP_OK);
    vm->cells->values[cell] = value;
}

static void open_all(void)
{
    uint32_t id;
    classes_open();
    getters_called = methods_called = 0;
    memset(&session, 0, sizeof session);
    loader = (crpi_loader){.scopes = {&session}};
    vm->loader = &loader;
    crpi_heap_roots(&vm->heap, mark_session);
    ck_assert_int_eq(crp_define_class(vm, &string_class, &id), CRP_OK);
    ck_assert_int_eq(crp_define_class(vm, &mailbox_class, &id), CRP_OK);
    ck_assert_int_eq(crp_define_class(vm, &holder_class, &id), CRP_OK);
    ck_assert_int_eq(crp_define_functions(vm, functions), CRP_OK);
    define("(class \"Bag\" (interface (properties (items List) (private hidden List)) "
           "(methods (NIL Bag ()) (Object Item ((index Integer))))))");
    crp_word box = object(class_named("Mailbox"));
    set_variable("box", box);
    set_variable("bag", object(class_named("Bag")));
    set(box, "peer", object(class_named("Mailbox")));
}

static void close_all(void)
{
    crpi_scope_free(vm, &session);
    vm->loader = NULL;
    classes_close();
}

/* --- what comes out ------------------------------------------------------------------------------------- */

static char list[20000];

static void note(void *ud, const char *text, const char *signature, const char *help)
{
    (void)ud, (void)signature, (void)help;
    snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", *list ? " " : "", text);
}

static void note_all(void *ud, const char *text, const char *signature, const char *help)
{
    (void)ud;
    snprintf(list + strlen(list), sizeof list - strlen(list), "%s|%s|%s\n", text, signature, help);
}

/* The candidates at `^`, between blanks; *from is where they go. */
static const char *complete_from(const char *marked, size_t *from, crpi_each_candidate each)
{
    char text[500];
    size_t at = strcspn(marked, "^");
    memcpy(text, marked, at);
    strcpy(text + at, marked + at + (marked[at] == '^'));
    list[0] = 0;
    *from = crpi_complete(vm, text, at, each, NULL);
    return list;
}

static const char *complete(const char *marked)
{
    size_t from;
    return complete_from(marked, &from, note);
}

START_TEST(members_come_from_the_objects_own_table)
{
    open_all();
    size_t from;
    ck_assert_str_eq(complete_from("(box.fe^", &from, note), "fetch fetchTo");
    ck_assert_uint_eq(from, 5);
    ck_assert_str_eq(complete("(box.^"), "fetch fetchTo forward label password peer user");
    ck_assert_str_eq(complete("(bag.^"), "Item items");
    close_all();
}
END_TEST

START_TEST(members_that_the_object_hands_on_are_there_too)
{
    open_all();
    crp_word stack = object(class_named("Holder"));
    set_variable("stack", stack);
    set(stack, "held", vm->cells->values[session.cells[0]]);
    ck_assert_str_eq(complete("(stack.^"), "fetch fetchTo forward held label password peer user");
    ck_assert_str_eq(complete("(stack.fe^"), "fetch fetchTo");
    ck_assert_int_eq(methods_called, 0);
    close_all();
}
END_TEST

static void add_page(void *ud, const char *file, const char *text, size_t length)
{
    crpi_buf_format(ud, "== %s\n", file);
    crpi_buf_put(ud, text, length);
}

START_TEST(a_new_row_is_completed_and_described_at_once)
{
    static const crp_method more[] = {
        {"freshRow", "Integer (n Integer 3)", call_method, "Is there since just now.", 0, NULL, NULL}, {0}};
    size_t from;
    bool known;
    crpi_buf b;
    open_all();
    ck_assert_str_eq(complete("(\"x\".fr^"), "");
    ck_assert_int_eq(crp_define_class_methods(vm, CRP_STRING, more), CRP_OK);
    ck_assert_str_eq(complete_from("(\"x\".fr^", &from, note_all),
                     "freshRow|(freshRow (n Integer 3)) -> Integer|Is there since just now.\n");
    crpi_buf_init(&b, &vm->mem, 0);
    crpi_help(vm, "String.freshRow", 15, &b, &known);
    crpi_buf_byte(&b, 0);
    ck_assert(known);
    ck_assert_ptr_nonnull(strstr(b.bytes, "Is there since just now."));
    b.length = 0;
    crpi_reference_pages(vm, add_page, &b);
    crpi_buf_byte(&b, 0);
    ck_assert_ptr_nonnull(strstr(b.bytes,
                                 "### `freshRow`\n\n```text\n(freshRow (n Integer 3)) -> Integer\n```\n\n"
                                 "Is there since just now.\n"));
    crpi_buf_free(&b);
    close_all();
}
END_TEST

START_TEST(candidates_have_signature_and_help)
{
    size_t from;
    open_all();
    ck_assert_str_eq(complete_from("(box.fetch^", &from, note_all),
                     "fetch|(fetch (msgNo Integer)) -> String|Fetches a message.  Whole.\n"
                     "fetchTo|(fetchTo (msgNo Integer) (path String)) -> ()|Fetches a message into a file."
                     "\n");
    ck_assert_str_eq(complete_from("(box.la^", &from, note_all), "label|String, read only|A name for it.\n");
    ck_assert_str_eq(complete_from("(openM^", &from, note_all),
                     "openMailbox|(openMailbox (name String)) -> Mailbox|Opens a mailbox.\n");
    close_all();
}
END_TEST

START_TEST(a_chain_of_properties_is_followed_and_no_method_is_called)
{
    open_all();
    ck_assert_str_eq(complete("(box.peer.us^"), "user");
    ck_assert_str_eq(complete("(box.user.le^"), "length");
    ck_assert_str_eq(complete("(box.label.le^"), "length");
    ck_assert_int_eq(getters_called, 1);
    ck_assert_str_eq(complete("(box.forward.us^"), "");
    ck_assert_int_eq(methods_called, 0);
    close_all();
}
END_TEST

START_TEST(a_declared_class_does_where_there_is_no_value)
{
    open_all();
    ck_assert_str_eq(complete("((openMailbox \"x\").us^"), "user");
    ck_assert_str_eq(complete("((create Mailbox).us^"), "user");
    ck_assert_str_eq(complete("(defun f ((m Mailbox)) (m.us^"), "user");
    ck_assert_str_eq(complete("(defun Object Bag::Item ((index Integer)) this.it^"), "items");
    ck_assert_int_eq(methods_called, 0);
    close_all();
}
END_TEST

START_TEST(literals_have_the_members_of_their_class)
{
    open_all();
    ck_assert_str_eq(complete("(\"a b\".le^"), "length");
    ck_assert_str_eq(complete("(\"a\\\"b\".le^"), "length");
    close_all();
}
END_TEST

START_TEST(after_create_there_are_only_classes_that_can_be_created)
{
    open_all();
    const char *creatable = complete("(create ^");
    ck_assert_ptr_nonnull(strstr(creatable, "Bag"));
    ck_assert_ptr_nonnull(strstr(creatable, "Mailbox"));
    ck_assert_ptr_null(strstr(creatable, "openMailbox"));
    ck_assert_str_eq(complete("(create Mail^"), "Mailbox");
    ck_assert_ptr_nonnull(strstr(complete("(create Mailbox open^"), "openMailbox"));
    close_all();
}
END_TEST

START_TEST(names_are_forms_functions_classes_variables_and_globals)
{
    uint32_t cell;
    open_all();
    ck_assert_int_eq(crpi_global_cell(vm, bare_symbol(vm, "Gate"), &cell), CRP_OK);
    ck_assert_str_eq(complete("(::^"), "");
    vm->cells->values[cell] = CRP_TRUE;
    ck_assert_str_eq(complete("(::G^"), "::Gate");
    ck_assert_str_eq(complete("(open^"), "openDoor openMailbox");
    ck_assert_str_eq(complete("(whil^"), "while");
    ck_assert_str_eq(complete("(print Mailb^"), "Mailbox");
    ck_assert_str_eq(complete("(print bo^"), "box");
    ck_assert_str_eq(complete("(print nothingLikeThis^"), "");
    close_all();
}
END_TEST

START_TEST(names_that_the_text_uses_are_candidates)
{
    open_all();
    ck_assert_str_eq(complete("(defun average (numbers countOfThem) (/ (sum numb^"), "numbers");
    ck_assert_str_eq(complete("(defun average (numbers) (aver^"), "average");
    close_all();
}
END_TEST

START_TEST(methods_of_a_scripts_class_complete_their_definitions)
{
    open_all();
    ck_assert_str_eq(complete("(defun Object Bag::^"), "Bag::Item");
    close_all();
}
END_TEST

START_TEST(file_names_complete_inside_a_string)
{
    char folder[] = "/tmp/check-complete-XXXXXX", text[200];
    size_t from;
    open_all();
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(mkdir("letters", 0700), 0);
    fclose(fopen("letter one.txt", "w"));
    fclose(fopen(".hidden", "w"));
    ck_assert_str_eq(complete_from("(load \"let^", &from, note), "letter one.txt letters/");
    ck_assert_uint_eq(from, 7);
    snprintf(text, sizeof text, "(load \"%s/letters^", folder);
    ck_assert_str_eq(complete(text), "letters/");
    ck_assert_ptr_null(strstr(complete("(load \"^"), ".hidden"));
    ck_assert_str_eq(complete("(load \".h^"), ".hidden");
    ck_assert_str_eq(complete("(load \"nowhere/^"), "");
    ck_assert_str_eq(complete("(print 1) # \"let^"), "");
    unlink("letter one.txt"), unlink(".hidden"), rmdir("letters"), rmdir(folder);
    close_all();
}
END_TEST

START_TEST(completion_leaves_no_error_and_survives_any_text)
{
    static const char *const texts[] = {"^",        ".^",          "(^",       ")^",         "\"^",    "\".^",
                                        "(.^",      "a..^",        "(a. b.^",  "1.^",        "1.5.^",  "-1.^",
                                        "0x1F.^",   "\"a\".\"b.^", "|a|.^",    "(((().^",    "::^",    ":::^",
                                        "Bag::::^", "(create ^",   "\"\\^",    "box.peer.^", "box..^",
                                        "this.^",   "\x80\xff.^"};
    open_all();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        complete(texts[i]);
        ck_assert_str_eq(bare_error(vm), "none");
    }
    close_all();
}
END_TEST

static const char *help_on(const char *topic)
{
    static char text[8000];
    crpi_buf b;
    crpi_buf_init(&b, &vm->mem, 0);
    crpi_help(vm, topic, strlen(topic), &b, NULL);
    snprintf(text, sizeof text, "%.*s", (int)b.length, b.bytes ? b.bytes : "");
    crpi_buf_free(&b);
    return text;
}

START_TEST(help_finds_members_by_class_and_by_variable)
{
    open_all();
    const char *expected = "fetch: method\n"
                           "  (fetch (msgNo Integer)) -> String\n"
                           "  Fetches a message.  Whole.\n";
    ck_assert_str_eq(help_on("Mailbox.fetch"), expected);
    ck_assert_str_eq(help_on("box.fetch"), expected);
    ck_assert_str_eq(help_on("openDoor"),
                     "openDoor: function\n  (openDoor) -> ()\n  Opens a door | or two.\n");
    ck_assert_ptr_nonnull(strstr(help_on("Mailbox"), "A mailbox for tests."));
    ck_assert_ptr_nonnull(strstr(help_on("Mailbox"), "Fetches a message into a file."));
    close_all();
}
END_TEST

START_TEST(help_shows_the_example_behind_that_of_the_class)
{
    open_all();
    ck_assert_str_eq(help_on("Mailbox.forward"),
                     "forward: method\n  (forward) -> Mailbox\n  The next one.\n\n"
                     "  (set box (create Mailbox))\n"
                     "  box.forward  # --> ()\n  (box.forward)\n");
    close_all();
}
END_TEST

START_TEST(help_breaks_long_prose_between_words)
{
    static const crp_method more[] = {
        {"longRow", "Object", call_method,
         "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen.",
         0, NULL, NULL},
        {"wordRow", "Object", call_method,
         "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890 end.",
         0, NULL, NULL},
        {0}};
    open_all();
    ck_assert_int_eq(crp_define_class_methods(vm, CRP_STRING, more), CRP_OK);
    ck_assert_str_eq(help_on("String.longRow"),
                     "longRow: method\n  (longRow) -> Object\n"
                     "  One two three four five six seven eight nine ten eleven twelve thirteen\n"
                     "  fourteen fifteen sixteen.\n");
    ck_assert_str_eq(
        help_on("String.wordRow"),
        "wordRow: method\n  (wordRow) -> Object\n"
        "  0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890\n"
        "  end.\n");
    close_all();
}
END_TEST

START_TEST(the_reference_lays_examples_out_as_carapace_test_wants_them)
{
    crpi_buf b;
    open_all();
    crpi_buf_init(&b, &vm->mem, 0);
    crpi_reference_pages(vm, add_page, &b);
    crpi_buf_byte(&b, 0);
    const char *page = strstr(b.bytes, "== Mailbox.md\n");
    ck_assert_ptr_nonnull(page);
    const char *set_up = strstr(page, "```carapace\n(set box (create Mailbox))\n```\n");
    const char *section = strstr(page, "\n## ");
    const char *example = strstr(page, "```carapace\nbox.forward  # --> ()\n(box.forward)\n```\n");
    ck_assert(set_up && section && example && set_up < section && section < example);
    crpi_buf_free(&b);
    close_all();
}
END_TEST

START_TEST(help_on_an_unknown_name_gives_near_ones)
{
    open_all();
    ck_assert_str_eq(help_on("openDor"), "nothing is known of openDor; did you mean openDoor?\n");
    ck_assert_ptr_nonnull(strstr(help_on("box.fetsh"), "did you mean fetch"));
    close_all();
}
END_TEST

START_TEST(help_on_a_name_that_was_left_out_says_why)
{
    open_all();
    ck_assert_ptr_nonnull(strstr(help_on("messageBox"), "left out: there are no windows here"));
    ck_assert_ptr_nonnull(strstr(help_on("Thread"), "the class Thread of the 1999 manual is not here yet"));
    close_all();
}
END_TEST

START_TEST(apropos_looks_at_names_and_help_in_either_case)
{
    crpi_buf b;
    open_all();
    crpi_buf_init(&b, &vm->mem, 0);
    crpi_apropos(vm, "A DOOR", 6, &b);
    ck_assert_str_eq(b.length ? (crpi_buf_byte(&b, 0), b.bytes) : "",
                     "openDoor                    function: Opens a door | or two\n");
    b.length = 0;
    crpi_apropos(vm, "into a file", 11, &b);
    crpi_buf_byte(&b, 0);
    ck_assert_str_eq(b.bytes, "Mailbox.fetchTo             method: Fetches a message into a file\n");
    crpi_buf_free(&b);
    close_all();
}
END_TEST

START_TEST(the_reference_has_a_page_for_each_class_and_leaves_scripts_out)
{
    crpi_buf b;
    open_all();
    crpi_buf_init(&b, &vm->mem, 0);
    crpi_reference_pages(vm, add_page, &b);
    crpi_buf_byte(&b, 0);
    ck_assert_ptr_nonnull(
        strstr(b.bytes, "### `openDoor`\n\n```text\n(openDoor) -> ()\n```\n\nOpens a door | or two.\n"));
    ck_assert_ptr_nonnull(strstr(b.bytes, "== Mailbox.md\n# Mailbox\n\nA mailbox for tests.\n"));
    ck_assert_ptr_nonnull(strstr(b.bytes, "label: String, read only\n```\n\nA name for it.\n"));
    ck_assert_ptr_null(strstr(b.bytes, "# Bag"));
    ck_assert_ptr_null(strstr(b.bytes, "`box`"));
    crpi_buf_free(&b);
    close_all();
}
END_TEST

START_TEST(no_allocation_that_fails_does_harm)
{
    crpi_buf b;
    open_all();
    complete("(box.^");
    uint64_t before = vm->mem.count;
    crpi_buf_init(&b, &vm->mem, 0);
    crpi_reference_pages(vm, add_page, &b);
    crpi_buf_free(&b);
    complete("(^");
    uint64_t needed = vm->mem.count - before;
    for (uint64_t n = 1; n <= needed; n++) {
        vm->mem.fail_at = vm->mem.count + n;
        complete("(^");
        complete("(box.^");
        crpi_buf_init(&b, &vm->mem, 0);
        crpi_reference_pages(vm, add_page, &b);
        crpi_buf_free(&b);
        vm->mem.fail_at = 0;
        crp_clear_error(vm);
    }
    close_all();
}
END_TEST

UNIT_MAIN("complete", members_come_from_the_objects_own_table, members_that_the_object_hands_on_are_there_too,
          a_new_row_is_completed_and_described_at_once, candidates_have_signature_and_help,
          a_chain_of_properties_is_followed_and_no_method_is_called,
          a_declared_class_does_where_there_is_no_value, literals_have_the_members_of_their_class,
          after_create_there_are_only_classes_that_can_be_created,
          names_are_forms_functions_classes_variables_and_globals, names_that_the_text_uses_are_candidates,
          methods_of_a_scripts_class_complete_their_definitions, file_names_complete_inside_a_string,
          completion_leaves_no_error_and_survives_any_text, help_finds_members_by_class_and_by_variable,
          help_shows_the_example_behind_that_of_the_class, help_breaks_long_prose_between_words,
          the_reference_lays_examples_out_as_carapace_test_wants_them,
          help_on_an_unknown_name_gives_near_ones, help_on_a_name_that_was_left_out_says_why,
          apropos_looks_at_names_and_help_in_either_case,
          the_reference_has_a_page_for_each_class_and_leaves_scripts_out, no_allocation_that_fails_does_harm)
