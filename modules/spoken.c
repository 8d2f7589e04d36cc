/* floor 4: what a script says and hears: see spoken.h. */
#include "spoken.h"
#include "stack.h"

enum { MOST_SHOWN = 4096 /* bytes of a record */ };

/* --- secrets ------------------------------------------------------------------------------------------------- */

static crp_status spoken_of(crp *vm, crpi_stack *s, crpi_spoken **out)
{
    if (!s->spoken) {
        if (!(s->spoken = crp_alloc(vm, sizeof *s->spoken))) return CRP_E_NOMEM;
        *s->spoken = (crpi_spoken){0};
    }
    *out = s->spoken;
    return CRP_OK;
}

void crpi_spoken_free(crp *vm, crpi_spoken *s)
{
    if (!s) return;
    crpi_mask_clear(vm, &s->mask);
    crp_free_bytes(vm, s, sizeof *s);
}

/* A view stands for the whole stack that its owner is on. */
static crpi_stack *whole_stack(crp_word stack)
{
    crpi_stack *s = crpi_stack_at(stack);
    if (!crp_is_object(s->owner)) return s;
    const crp_module *owner = (const crp_module *)crp_object_of(s->owner);
    return crp_is_object(owner->stack) ? crpi_stack_at(owner->stack) : s;
}

crp_status crpi_spoken_conceal(crp *vm, crp_word stack, crp_word text, bool rest)
{
    crpi_spoken *s;
    size_t n;
    const char *bytes = crp_string_data(text, &n);
    crp_status st = spoken_of(vm, whole_stack(stack), &s);
    if (st) return st;
    return rest ? crpi_mask_add_rest(vm, &s->mask, bytes, n) : crpi_mask_add(vm, &s->mask, bytes, n);
}

static crp_status add_secrets_of(crp *vm, crpi_mask *mask, crp_word object)
{
    crp_word list;
    crp_status st = crp_secrets(vm, object, &list);
    for (; !st && crp_is_pair(list); list = crp_tail(list)) {
        size_t n;
        const char *secret = crp_string_data(crp_head(list), &n);
        st = crpi_mask_add(vm, mask, secret, n);
    }
    return st;
}

static crp_status add_layer(crp *vm, crpi_mask *mask, const crp_module *m)
{
    crp_word self = crp_module_word(m), face = crpi_layer_face(vm, m);
    crp_status st = add_secrets_of(vm, mask, self);
    return st || face == self ? st : add_secrets_of(vm, mask, face);
}

/* All that the stack's records must not show. */
static crp_status gather(crp *vm, const crp_module *m, crpi_mask *mask)
{
    crpi_layers layers;
    crp_status st = crpi_layers_from(vm, crpi_topmost((crp_module *)m), &layers);
    for (size_t i = 0; !st && i < layers.n; i++) st = add_layer(vm, mask, layers.at[i]);
    const crpi_spoken *s = crp_is_object(m->stack) ? crpi_stack_at(m->stack)->spoken : NULL;
    return st || !s ? st : crpi_mask_join(vm, mask, &s->mask);
}

/* --- records ------------------------------------------------------------------------------------------------- */

static crpi_tail *tail_of(crp *vm, const crp_module *m, crp_direction direction)
{
    crpi_spoken *s;
    if (!crp_is_object(m->stack)) return NULL;
    if (spoken_of(vm, crpi_stack_at(m->stack), &s)) {
        crp_clear_error(vm);
        return NULL;
    }
    return direction == CRP_SENT ? &s->sent : &s->received;
}

/* A record without its text rather than one that might show a secret. */
static void write_masked(crp *vm, const crp_module *m, crp_log_level level, crp_direction direction, crpi_tail *tail,
                         const void *bytes, size_t n)
{
    char shown[MOST_SHOWN];
    crpi_mask mask = {0};
    crp_word pending = crp_pending_error(vm);
    crp_status st = gather(vm, m, &mask);
    if (st) {
        crp_clear_error(vm);
        if (crp_is_object(pending)) crp_rethrow(vm, pending);
    }
    n = st ? 0 : crpi_mask_show(&mask, tail, bytes, n, shown, sizeof shown);
    crpi_mask_clear(vm, &mask);
    crpi_log_record(vm, m, level, direction, shown, n, st != CRP_OK);
}

void crp_module_log(crp *vm, const crp_module *m, crp_log_level level, crp_direction direction,
                    const void *bytes, size_t n, bool secret)
{
    if (!crpi_log_wants(vm, m, level)) return;
    if (secret) crpi_log_record(vm, m, level, direction, "", 0, true);
    else write_masked(vm, m, level, direction, NULL, bytes, n);
}

void crpi_spoken_piece(crp *vm, const crp_module *m, crp_direction direction, const void *bytes, size_t n)
{
    if (!crpi_log_wants(vm, m, CRP_LOG_PDUS)) return;
    write_masked(vm, m, CRP_LOG_PDUS, direction, tail_of(vm, m, direction), bytes, n);
}

/* What a smart layer takes and gives is no text: only that it went by is told. */
void crpi_spoken_value(crp *vm, const crp_module *m, crp_direction direction, crp_word value, size_t n, bool secret)
{
    const unsigned char *bytes;
    size_t length;
    crp_word text;
    if (!crpi_log_wants(vm, m, CRP_LOG_PDUS)) return;
    if (secret) crpi_log_record(vm, m, CRP_LOG_PDUS, direction, "", 0, true);
    else if (crp_bytes(value, &bytes, &length)) crpi_spoken_piece(vm, m, direction, bytes, n < length ? n : length);
    else if (value == CRP_NIL) return;
    else if (!crp_format(vm, &text, "#<%n>", value)) {
        const char *name = crp_string_data(text, &length);
        crpi_log_record(vm, m, CRP_LOG_PDUS, direction, name, length, false);
    } else crp_clear_error(vm);
}
