/* Where the place is decides what is listed; the lists are topics. */
#include "complete.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include "api.h"
#include "outline.h"
#include "receiver.h"
#include "token.h"
#include "topics.h"

enum { MAX_PATH = 4096, MAX_SIGNATURE = 2000 };

/* --- members -------------------------------------------------------------------------------------------- */

/* Members that the class itself lacks but the object answers: what a stack's top-most module has.  The
 * class cannot list them, so every name that some class has is tried. */
static void add_missing(crpi_topics *t, const crpi_receiver *r)
{
    const crp_class_def *def = r->type->def;
    if (!def || !def->missing || r->value == CRP_UNSET) return;
    for (size_t i = 0; i < t->vm->class_count; i++) {
        crpi_class *c = t->vm->classes[i];
        if (!c || !c->ready || c == r->type) continue;
        for (size_t j = 0; c->face_count && j < c->faces[0].count; j++) {
            crp_word name = c->faces[0].members[j]->name, target = CRP_NIL;
            uint32_t class_id, face;
            if (crpi_member_find(t->vm, r->type->id, 0, name)) continue;
            if (!def->missing(t->vm, crp_object_of(r->value), name, &target)) continue;
            crpi_face_of(target, &class_id, &face);
            crpi_member *m = crpi_member_find(t->vm, class_id, face, name);
            crpi_topic topic = {.kind = CRPI_TOPIC_METHOD, .of.member = m};
            topic.name = crp_symbol_name(t->vm, name, &topic.length);
            if (m && m->kind != CRPI_METHOD) topic.kind = CRPI_TOPIC_PROPERTY;
            if (m) crpi_topics_add(t, topic);
        }
    }
}

static void add_members(crpi_topics *t, const char *text, size_t word, size_t dot)
{
    crpi_receiver r = crpi_receiver_at(t->vm, text, word, dot);
    if (!r.type) return;
    crpi_topics_members(t, r.type, r.face);
    crpi_topics_own(t, r.value);
    add_missing(t, &r);
}

/* --- names ---------------------------------------------------------------------------------------------- */

static bool head_is(const char *text, const crpi_outline *o, const char *name)
{
    size_t length = strlen(name), from = o->open + 1;
    if (o->open == CRPI_NOT_THERE || from + length > o->word) return false;
    return crpi_outline_word_end(text, o->word, from) == from + length && !memcmp(text + from, name, length);
}

/* Whether the word is the first one after the head of its form. */
static bool is_first_argument(const char *text, const crpi_outline *o)
{
    size_t at = o->open == CRPI_NOT_THERE ? o->word : crpi_outline_word_end(text, o->word, o->open + 1);
    if (at == o->word) return false;
    while (at < o->word && crpi_token_kind(text[at]) == CRPI_BLANK_BYTE) at++;
    return at == o->word;
}

/* Names that the text uses itself: parameters, locals, a function that calls itself. */
static void add_words(crpi_topics *t, const char *text, size_t end)
{
    for (size_t at = 0; t->prefix_length && at < end; at++) {
        if (crpi_token_kind(text[at]) < CRPI_NAME_BYTE) continue;
        size_t to = crpi_outline_word_end(text, end, at), length = to - at;
        crpi_topic topic = {.kind = CRPI_TOPIC_WORD, .name = text + at, .length = length};
        bool plain = to < end && !memchr(text + at, '.', length) && !memchr(text + at, ':', length);
        if (plain && !crpi_token_begins_number(text + at, text + to)) crpi_topics_add_copy(t, topic);
        at = to;
    }
}

/* C::m, for the definitions of a class's methods. */
static void add_definitions(crpi_topics *t, const char *name, size_t length)
{
    crp_word symbol;
    crpi_topics members;
    char text[256];
    if (length > sizeof text - 2 || !crpi_symbol_find(&t->vm->symbols, name, length, &symbol)) return;
    crpi_class *c = crpi_class_named(t->vm, symbol);
    if (!c || !c->script) return;
    memcpy(text, name, length);
    memcpy(text + length, "::", 2);
    crpi_topics_init(&members, t->vm, "", 0);
    crpi_topics_members(&members, c, 0);
    for (size_t i = 0; i < members.count; i++) {
        crpi_topic topic = members.items[i];
        if (topic.kind != CRPI_TOPIC_METHOD || topic.length > sizeof text - length - 2) continue;
        memcpy(text + length + 2, topic.name, topic.length);
        topic.name = text;
        topic.length += length + 2;
        crpi_topics_add_copy(t, topic);
    }
    crpi_topics_free(&members);
}

static size_t list_code(crpi_topics *t, const char *text, size_t at, const crpi_outline *o)
{
    size_t dot = at;
    while (dot > o->word && text[dot - 1] != '.') dot--;
    if (dot > o->word) {
        crpi_topics_init(t, t->vm, text + dot, at - dot);
        add_members(t, text, o->word, dot - 1);
        return dot;
    }
    crpi_topics_init(t, t->vm, text + o->word, at - o->word);
    const char *colon = memchr(text + o->word, ':', at - o->word);
    if (is_first_argument(text, o) && (head_is(text, o, "create") || head_is(text, o, "classInfo"))) {
        crpi_topics_classes(t, head_is(text, o, "create"));
    } else if (colon && colon > text + o->word) {
        add_definitions(t, text + o->word, (size_t)(colon - text) - o->word);
    } else {
        crpi_topics_names(t);
        add_words(t, text, o->word);
    }
    return o->word;
}

/* --- files ---------------------------------------------------------------------------------------------- */

static bool is_folder(int folder, const struct dirent *entry)
{
    struct stat st;
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK) return entry->d_type == DT_DIR;
    return fstatat(folder, entry->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

/* A name with a quote, a backslash or a control byte would have to be written with escapes: it is left
 * out. */
static bool is_plain(const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name < ' ' || *name == '"' || *name == '\\' || *name == 0x7f) return false;
    return true;
}

static void list_folder(crpi_topics *t, const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) return;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char name[sizeof entry->d_name + 1];
        size_t length = strlen(entry->d_name);
        if (entry->d_name[0] == '.' && (t->prefix_length == 0 || length <= 2)) continue;
        if (!is_plain(entry->d_name)) continue;
        memcpy(name, entry->d_name, length);
        if (is_folder(dirfd(folder), entry)) name[length++] = '/';
        crpi_topics_add_copy(t, (crpi_topic){.kind = CRPI_TOPIC_FILE, .name = name, .length = length});
    }
    closedir(folder);
}

static size_t list_files(crpi_topics *t, const char *text, size_t at, size_t quote)
{
    char path[MAX_PATH] = ".";
    size_t from = at;
    while (from > quote + 1 && text[from - 1] != '/') from--;
    size_t length = from - quote - 1;
    if (length >= sizeof path || memchr(text + quote, '\\', at - quote)) return at;
    if (length) {
        memcpy(path, text + quote + 1, length);
        path[length] = 0;
    }
    crpi_topics_init(t, t->vm, text + from, at - from);
    list_folder(t, path);
    return from;
}

/* --- the list ------------------------------------------------------------------------------------------- */

static void give(crpi_topics *t, crpi_each_candidate each, void *ud)
{
    crpi_buf name, signature;
    crpi_buf_init(&name, &t->vm->mem, 0);
    crpi_buf_init(&signature, &t->vm->mem, MAX_SIGNATURE);
    for (size_t i = 0; i < t->count; i++) {
        name.length = signature.length = 0;
        crpi_buf_put(&name, t->items[i].name, t->items[i].length);
        crpi_buf_byte(&name, 0);
        crpi_topic_signature(t->vm, &t->items[i], &signature);
        crpi_buf_byte(&signature, 0);
        if (name.failed || signature.failed) break;
        bool whole = !signature.overflow;
        signature.overflow = false;
        each(ud, name.bytes, whole ? signature.bytes : "", crpi_topic_help(&t->items[i]));
    }
    crpi_buf_free(&name);
    crpi_buf_free(&signature);
}

typedef struct host_list {
    crp *vm;
    crpi_each_candidate each;
    void *ud;
} host_list;

/* The host may call something; what we have made until now stays. */
static void tell_host(void *ud, const char *candidate, const char *signature, const char *help)
{
    const host_list *list = ud;
    crpi_api_of(list->vm)->looked_at = list->vm->heap.fresh_count;
    list->each(list->ud, candidate, signature, help);
}

size_t crp_complete(crp *vm, const char *text, size_t at, crpi_each_candidate each, void *ud)
{
    host_list list = {vm, each, ud};
    size_t fresh = crpi_look_begin(vm), outer = crpi_api_of(vm)->looked_at;
    size_t from = crpi_complete(vm, text, at, tell_host, &list);
    crpi_api_of(vm)->looked_at = outer;
    crpi_look_end(vm, fresh, CRP_OK);
    return from;
}

size_t crpi_complete(crp *vm, const char *text, size_t at, crpi_each_candidate each, void *ud)
{
    crpi_outline o;
    crpi_topics topics;
    size_t from = at;
    crpi_outline_at(text, at, &o);
    crpi_topics_init(&topics, vm, "", 0);
    if (o.kind == CRPI_IN_STRING) from = list_files(&topics, text, at, o.inside);
    if (o.kind == CRPI_IN_CODE) from = list_code(&topics, text, at, &o);
    crpi_topics_sort(&topics);
    give(&topics, each, ud);
    crpi_topics_free(&topics);
    return from;
}
