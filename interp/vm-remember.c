/* floor 6: what instructions remember of the members that they have found. */
#include "vm.h"

#include <string.h>

/* What the instruction becomes that has found this member; itself: nothing is worth remembering. */
static int quick_opcode(int op, const crpi_member *m, uint32_t n, bool inside)
{
    bool method = m->kind == CRPI_METHOD && crp_is_a(m->function, CRP_FUNCTION);
    if (method && crpi_function_of(m->function)->row)
        return op == CRPI_OP_INVOKE ? CRPI_OP_NATIVE : n == 0 ? CRPI_OP_NATIVE0 : CRPI_OP_NATIVE1;
    if (op == CRPI_OP_INVOKE) return op;
    if (n == 0) return method ? CRPI_OP_CALL0 : m->kind == CRPI_SLOT ? CRPI_OP_GETSLOT : op;
    bool fits = m->offset >> CRPI_SLOT_TYPE_SHIFT == 0 && m->type >> (32 - CRPI_SLOT_TYPE_SHIFT) == 0;
    return m->kind == CRPI_SLOT && fits && (inside || !(m->flags & CRPI_READONLY)) && !m->row ? CRPI_OP_SETSLOT : op;
}

/* The quick way of a native method is looked for when a call first remembers it. */
static void find_quick(crp *vm, crpi_member *m)
{
    for (uint8_t i = 1; vm->quick && vm->quick[i].name; i++)
        if (vm->quick[i].class_id == m->owner->id && !strcmp(vm->quick[i].name, crp_symbol_name(vm, m->name, NULL)))
            m->quick = i;
}

/* A GETP before a MOVE of what it gets: the target is noted in its C. */
static bool moves_on(uint32_t *ins)
{
    uint32_t next = ins[4];
    if ((next & 0xff) != CRPI_OP_MOVE || (next >> 16 & 0xff) != CRPI_A(*ins)) return false;
    *ins = (*ins & 0xffffff) | CRPI_A(next) << 24;
    return true;
}

/* The second word of what an instruction remembers. */
static uint32_t remembered(int op, const crpi_member *m)
{
    switch (op) {
    case CRPI_OP_GETSLOT:
    case CRPI_OP_GETSLOTTO:
    case CRPI_OP_SETTYPED: return m->offset;
    case CRPI_OP_SETSLOT: return m->offset | m->type << CRPI_SLOT_TYPE_SHIFT;
    case CRPI_OP_NATIVE0:
    case CRPI_OP_NATIVE1:
    case CRPI_OP_NATIVE: return m->number | (uint32_t)m->quick << CRPI_QUICK_SHIFT;
    default: return m->number;
    }
}

void crpi_remember(crp *vm, uint32_t *ins, crp_word object, crpi_member *m, uint32_t n, bool inside)
{
    if (!ins || crp_is_a(object, CRP_VIEW) || m->number > CRPI_MEMBER_MASK) return;
    int op = *ins & 0xff, quick = quick_opcode(op, m, n, inside);
    bool native = quick == CRPI_OP_NATIVE || quick == CRPI_OP_NATIVE0 || quick == CRPI_OP_NATIVE1;
    bool script = m->kind == CRPI_METHOD && crp_is_a(m->function, CRP_FUNCTION) && !native;
    if ((quick == op && !(op == CRPI_OP_INVOKE && script)) || (!crp_is_object(object) && !native)) return;
    if (native) find_quick(vm, m);
    if (quick == CRPI_OP_NATIVE1 && m->quick && vm->quick[m->quick].opcode) quick = vm->quick[m->quick].opcode;
    if (quick == CRPI_OP_SETSLOT && op == CRPI_OP_SETKNOWN && ins[2] == m->type) quick = CRPI_OP_SETTYPED;
    if (quick == CRPI_OP_GETSLOT && moves_on(ins)) quick = CRPI_OP_GETSLOTTO;
    crpi_set_opcode(ins, quick);
    ins[1] = crpi_plain_class(object);
    ins[2] = remembered(quick, m);
}
