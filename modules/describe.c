/* floor 4: what is known of a stack, in words: `describe`, and what an error says besides its text.
 *
 * A layer tells by its attributes and counters.  What no layer knows has no line.
 */
#include <string.h>
#include "attr.h"
#include "describe.h"

enum { MOST_LINES = 6 /* of a dialogue that an error shows */ };

typedef struct text {
    crpi_prose prose;
    bool begun; /* something stands in the line: a comma comes next */
} text;

static void add(text *t, const char *words) { crpi_prose_add(&t->prose, words); }

static void add_number(text *t, int64_t number)
{
    crp_word word;
    if (!t->prose.st && !(t->prose.st = crp_integer(t->prose.vm, number, &word))) crpi_prose_add_value(&t->prose, word);
}

static void begin_line(text *t, const char *indent)
{
    add(t, t->begun ? ", " : indent);
    t->begun = true;
}

static void end_line(text *t)
{
    if (t->begun) add(t, "\n");
    t->begun = false;
}

/* --- time ---------------------------------------------------------------------------------------------------- */

int64_t crpi_connect_time(const crp_module *m) { return m->since ? m->since - m->began : -1; }

static bool is_within(const crp_module *a, const crp_module *b)
{
    return a->began >= b->began && a->since <= b->since && (a->began > b->began || a->since < b->since);
}

/* A layer that was inserted while one above it was connecting has its time from that one's. */
int64_t crpi_connect_time_of_all(const crpi_layers *layers)
{
    int64_t sum = -1;
    for (size_t i = 0; i < layers->n; i++) {
        bool within = !layers->at[i]->since;
        for (size_t j = 0; j < layers->n; j++)
            within |= layers->at[j]->since && is_within(layers->at[i], layers->at[j]);
        if (!within) sum = (sum < 0 ? 0 : sum) + crpi_connect_time(layers->at[i]);
    }
    return sum;
}

int64_t crpi_connected_for(crp *vm, const crp_module *m)
{
    return m->connected && m->since ? crp_now(vm) + 1 - m->since : -1;
}

/* --- a layer --------------------------------------------------------------------------------------------------- */

static const char *state_of(const crp_module *m)
{
    return m->connecting      ? "connecting"
           : m->disconnecting ? "disconnecting"
           : m->connected     ? "connected"
           : m->listening     ? "listening"
           : m->bound         ? "bound"
                              : "not connected";
}

static void add_setting(text *t, const char *name, crp_word value)
{
    add(t, " ");
    add(t, name);
    add(t, " = ");
    crpi_prose_add_value(&t->prose, value);
}

static void add_settings(text *t, crp_word settings)
{
    for (; crp_is_pair(settings); settings = crp_tail(settings)) {
        crp_word pair = crp_head(settings);
        add_setting(t, crp_string_data(crp_head(pair), NULL), crp_head(crp_tail(pair)));
    }
}

/* The properties of an object of a script's class; `log` and `stack` every module has. */
static void add_face_settings(text *t, crp_word settings)
{
    for (; crp_is_pair(settings); settings = crp_tail(settings)) {
        crp_word pair = crp_head(settings);
        const char *name = crp_symbol_name(t->prose.vm, crp_head(pair), NULL);
        if (strcmp(name, "log") && strcmp(name, "stack")) add_setting(t, name, crp_head(crp_tail(pair)));
    }
}

static void add_count(text *t, const char *done, int64_t bytes, int64_t packets)
{
    if (!packets) return;
    begin_line(t, "    ");
    add(t, done);
    add_number(t, bytes);
    add(t, bytes == 1 ? " byte in " : " bytes in ");
    add_number(t, packets);
}

static void add_state(text *t, const crp_module *m)
{
    int64_t time = crpi_connect_time(m);
    bool tells = m->connecting || m->disconnecting || m->listening || m->bound || time > 0;
    if (!tells) return;
    begin_line(t, "    ");
    add(t, state_of(m));
    if (!m->connected || time < 0) return;
    add(t, " in ");
    add_number(t, time);
    add(t, " ms");
}

static crp_status add_layer(text *t, crp_module *m)
{
    crp_word settings, of_face = CRP_NIL, face = crpi_layer_face(t->prose.vm, m);
    crp_status st = crpi_attr_of_layer(t->prose.vm, m, &settings);
    if (!st && face != crp_module_word(m)) st = crp_settings(t->prose.vm, face, &of_face);
    if (st) return st;
    add(t, crpi_layer_name(t->prose.vm, m));
    add_settings(t, settings);
    add_face_settings(t, of_face);
    add(t, "\n");
    add_state(t, m);
    add_count(t, "sent ", m->traffic.bytes_sent, m->traffic.packets_sent);
    add_count(t, "received ", m->traffic.bytes_received, m->traffic.packets_received);
    end_line(t);
    return CRP_OK;
}

/* --- the whole ------------------------------------------------------------------------------------------------- */

/* A text that a layer knows, as it is; secrets have no such attribute. */
static bool add_text(text *t, const crpi_layers *layers, const char *before, const char *attribute)
{
    crp_word value;
    size_t n = 0;
    if (crpi_attr_value(t->prose.vm, layers, attribute, &value) && crp_is_string(value)) crp_string_data(value, &n);
    if (!n || t->prose.st || (t->prose.st = crp_escape(t->prose.vm, crp_string_data(value, NULL), n, 400, &value)))
        return false;
    begin_line(t, "");
    add(t, before);
    add(t, crp_string_data(value, NULL));
    return true;
}

static void add_days(text *t, const crpi_layers *layers)
{
    crp_word days;
    if (!crpi_attr_value(t->prose.vm, layers, "daysLeft", &days) || !crp_is_integer(days)) return;
    begin_line(t, "");
    add_number(t, crp_integer_value(days));
    add(t, " days left");
}

static void add_time(text *t, const char *before, int64_t milliseconds, const char *after)
{
    begin_line(t, "");
    add(t, before);
    add_number(t, milliseconds);
    add(t, " ms");
    add(t, after);
}

static void add_times(text *t, const crpi_layers *layers)
{
    const crp_module *top = layers->at[0], *bottom = layers->at[layers->n - 1];
    int64_t now = crp_now(t->prose.vm), last_sent = bottom->traffic.last_sent, last_received = bottom->traffic.last_received;
    if (!top->connected) return;
    add_time(t, "connected for ", crpi_connected_for(t->prose.vm, top), "");
    add_time(t, "connecting took ", crpi_connect_time_of_all(layers), "");
    if (bottom->traffic.packets_sent) add_time(t, "last sent ", now - last_sent, " ago");
    if (bottom->traffic.packets_received) add_time(t, "last received ", now - last_received, " ago");
    end_line(t);
}

crp_status crpi_describe(crp *vm, const crpi_layers *layers, crp_word *out)
{
    text t = {{.vm = vm}, false};
    crp_status st = CRP_OK;
    for (size_t i = 0; !st && i < layers->n; i++) st = add_layer(&t, layers->at[i]);
    if (!st && layers->n) {
        add_text(&t, layers, "peer ", "peerAddress");
        add_text(&t, layers, "own address ", "localAddress");
        end_line(&t);
        add_text(&t, layers, "", "tlsVersion");
        add_text(&t, layers, "", "tlsCipher");
        if (add_text(&t, layers, "certificate of ", "tlsCertificate")) add_days(&t, layers);
        end_line(&t);
        add_times(&t, layers);
    }
    crp_status end = crpi_prose_end(&t.prose, out);
    return st ? st : end;
}

/* --- an error ---------------------------------------------------------------------------------------------------- */

static void add_picture(text *t, const crpi_layers *layers)
{
    add(t, "layers: ");
    for (size_t i = 0; i < layers->n; i++) {
        const crp_module *m = layers->at[i];
        if (i) add(t, ", ");
        add(t, crpi_layer_name(t->prose.vm, m));
        if (!crp_ops_of(t->prose.vm, m)->connect && i + 1 < layers->n) continue;
        add(t, " ");
        add(t, state_of(m));
    }
    add(t, "\n");
}

static const char *last_lines(const char *lines, size_t n)
{
    const char *at = lines + n;
    for (int breaks = 0; at > lines; at--)
        if (at[-1] == '\n' && breaks++ == MOST_LINES) break;
    return at;
}

/* The lines of the top-most layer that keeps some. */
static void add_dialogue(text *t, const crpi_layers *layers)
{
    crp_word lines = CRP_NIL, line;
    size_t n = 0;
    for (size_t i = 0; !n && i < layers->n; i++) {
        const crp_module_ops *ops = crp_ops_of(t->prose.vm, layers->at[i]);
        if (!ops->recent || t->prose.st || (t->prose.st = ops->recent(t->prose.vm, layers->at[i], &lines))) continue;
        crp_string_data(lines, &n);
    }
    if (!n) return;
    const char *end = crp_string_data(lines, NULL) + n, *at = last_lines(end - n, n);
    add(t, "dialogue:\n");
    while (at < end && !t->prose.st) {
        const char *stop = at;
        while (stop < end && *stop != '\n') stop++;
        if ((t->prose.st = crp_escape(t->prose.vm, at, (size_t)(stop - at), 0, &line))) return;
        add(t, "  ");
        add(t, crp_string_data(line, NULL));
        add(t, "\n");
        at = stop + 1;
    }
}

static crp_status details(crp *vm, const crp_module *m, crp_word *out)
{
    crpi_layers layers;
    text t = {{.vm = vm}, false};
    crp_status st = crpi_layers_from(vm, crpi_topmost((crp_module *)m), &layers);
    if (st) return st;
    add_picture(&t, &layers);
    add_text(&t, &layers, "peer: ", "peerAddress");
    end_line(&t);
    add_dialogue(&t, &layers);
    return crpi_prose_end(&t.prose, out);
}

/* Class 6, and the classes that protocols have for their own. */
static bool is_of_communication(crp *vm, crp_word error)
{
    int error_class, code;
    const char *words;
    size_t n;
    crp_error_get(vm, error, &error_class, &code, &words, &n);
    return error_class == CRP_ERR_COMMS || error_class >= 100;
}

/* An error keeps what it is, whatever happens here. */
void crpi_describe_error(crp *vm, const crp_module *m)
{
    crp_word error = crp_pending_error(vm), text;
    if (!crp_is_object(error) || !is_of_communication(vm, error)) return;
    crp_status st = details(vm, m, &text);
    crp_clear_error(vm);
    crp_rethrow(vm, error);
    if (!st) crp_error_details(vm, text);
}
