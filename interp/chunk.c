/* Emitting code, and the line table. */
#include "chunk.h"

#include <string.h>

static void mark_proto(crp *vm, crp_object *o, crp_marker mark)
{
    crpi_proto *p = (crpi_proto *)o;
    for (size_t i = 0; i < p->literal_count; i++) mark(vm, p->literals[i]);
    if (p->signature) crpi_signature_mark(p->signature, vm, mark);
    if (p->source) mark(vm, p->source->name);
}

static void drop_proto(crp *vm, crp_object *o)
{
    crpi_proto *p = (crpi_proto *)o;
    crp_free_bytes(vm, p->code, p->code_capacity * sizeof *p->code);
    crp_free_bytes(vm, p->literals, p->literal_capacity * sizeof *p->literals);
    crp_free_bytes(vm, p->lines, p->line_capacity * sizeof *p->lines);
    crp_free_bytes(vm, p->handlings, p->handling_capacity * sizeof *p->handlings);
    crpi_signature_free(vm, p->signature);
}

bool crpi_chunks_init(crp *vm) { return crpi_heap_kind(&vm->heap, CRP_PROTO, (crpi_kind){mark_proto, drop_proto}); }

crp_status crpi_proto_new(crp *vm, crp_word *out)
{
    crpi_proto *p = crpi_new(vm, CRP_PROTO, sizeof *p);
    if (!p) return CRP_E_NOMEM;
    p->name = CRP_NIL;
    *out = crp_from_object(p);
    return CRP_OK;
}

crp_status crpi_emit(crp *vm, crpi_proto *p, uint32_t word)
{
    if (p->code_count >= CRPI_MAX_CODE)
        return crp_raise(vm, CRP_ERR_SCRIPT, CRP_ILLEGAL, "the function is too long: over %d words of code", CRPI_MAX_CODE);
    if (!crpi_mem_grow(&vm->mem, &p->code, &p->code_capacity, p->code_count + 1, sizeof *p->code)) return crp_no_memory(vm);
    p->code[p->code_count++] = word;
    return CRP_OK;
}

crp_status crpi_emit_literal(crp *vm, crpi_proto *p, crp_word w)
{
    if (crpi_is_cell(w)) {
        if (!crpi_mem_grow(&vm->mem, &p->literals, &p->literal_capacity, p->literal_count + 1, sizeof *p->literals))
            return crp_no_memory(vm);
        p->literals[p->literal_count++] = w;
    }
    crp_status st = crpi_emit(vm, p, (uint32_t)w);
    return st ? st : crpi_emit(vm, p, (uint32_t)(w >> 32));
}

crp_status crpi_emit_place(crp *vm, crpi_proto *p, crpi_place place)
{
    crpi_line line = {(uint32_t)p->code_count, place.line, place.column};
    crpi_line *last = p->line_count ? &p->lines[p->line_count - 1] : NULL;
    if (last && last->line == line.line && last->column == line.column) return CRP_OK;
    if (last && last->at == line.at) {
        *last = line;
        return CRP_OK;
    }
    if (!crpi_mem_grow(&vm->mem, &p->lines, &p->line_capacity, p->line_count + 1, sizeof *p->lines))
        return crp_no_memory(vm);
    p->lines[p->line_count++] = line;
    return CRP_OK;
}

crp_status crpi_emit_handling(crp *vm, crpi_proto *p, uint32_t from, uint32_t reg)
{
    if (!crpi_mem_grow(&vm->mem, &p->handlings, &p->handling_capacity, p->handling_count + 1, sizeof *p->handlings))
        return crp_no_memory(vm);
    p->handlings[p->handling_count++] = (crpi_handling){from, (uint32_t)p->code_count, reg};
    return CRP_OK;
}

bool crpi_handled_at(const crpi_proto *p, const uint32_t *pc, uint32_t *reg)
{
    if (pc <= p->code || pc > p->code + p->code_count) return false;
    uint32_t at = (uint32_t)(pc - p->code) - 1;
    for (size_t i = 0; i < p->handling_count; i++)
        if (p->handlings[i].from <= at && at < p->handlings[i].to) {
            *reg = p->handlings[i].reg;
            return true;
        }
    return false;
}

bool crpi_place_of(const crpi_proto *p, const uint32_t *pc, crpi_place *out)
{
    if (pc < p->code || pc > p->code + p->code_count || p->line_count == 0) return false;
    uint32_t at = pc > p->code ? (uint32_t)(pc - p->code) - 1 : 0;
    size_t low = 0, high = p->line_count; /* lines[low] holds, lines[high] begins after */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (p->lines[middle].at <= at) low = middle;
        else high = middle;
    }
    *out = (crpi_place){p->lines[low].line, p->lines[low].column};
    return true;
}

void crpi_source_line(const crpi_source *source, uint32_t line, const char **text, size_t *length)
{
    const char *at = source->text, *end = at + source->length;
    for (uint32_t n = 1; n < line && at < end; n++) {
        const char *eol = memchr(at, '\n', (size_t)(end - at));
        at = eol ? eol + 1 : end;
    }
    const char *eol = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
    *text = at;
    *length = (size_t)((eol ? eol : end) - at);
}

/* What a call site needs of the proto stands in the Function: its header word says how many arguments it takes. */
void crpi_closure_init(crpi_function *fn, crpi_proto *p)
{
    const crpi_signature *s = p->signature;
    fn->code = p->code;
    fn->proto = p;
    fn->name = p->name;
    fn->registers = p->registers;
    fn->capture_count = p->captures;
    fn->h.aux = p->is_method ? CRPI_FN_METHOD : 0;
    if (s && crpi_signature_varies(s)) fn->h.aux |= CRPI_FN_VARIES;
    fn->h.sort = s ? (uint8_t)s->count : 0;
    fn->h.flags = s && !fn->h.aux ? s->shape : 0;
    fn->checked = p->code + (fn->h.flags ? p->checked : 0);
    for (uint32_t i = 0; i < p->captures; i++) fn->captures[i] = CRP_NIL;
}

int crpi_order_of(const crpi_function *fn)
{
    static const uint32_t rest[] = {CRPI_JUMP_WORD(1, 3), CRPI_OP_RETTRUE, CRPI_OP_RETNIL};
    const crpi_proto *p = fn->proto;
    if (!p || !crpi_takes(fn, 2) || p->code_count != 4 || memcmp(p->code + 1, rest, sizeof rest)) return 0;
    if (p->code[0] == CRPI_INS(CRPI_OP_JNLT, 0, 1, 0)) return 1;
    return p->code[0] == CRPI_INS(CRPI_OP_JNLT, 1, 0, 0) ? -1 : 0;
}

crp_status crpi_function_signature(crp *vm, crpi_function *f, const crpi_signature **out)
{
    if (!f->proto) return crpi_native_signature(vm, f, out);
    *out = f->proto->signature;
    return CRP_OK;
}

crp_status crpi_closure_new(crp *vm, crpi_proto *p, crp_word *out)
{
    crpi_function *fn = crpi_new(vm, CRP_FUNCTION, sizeof *fn + p->captures * sizeof(crp_word));
    if (!fn) return CRP_E_NOMEM;
    crpi_closure_init(fn, p);
    *out = crp_from_object(fn);
    return CRP_OK;
}
