/* floor 5: a listing of compiled code, wholly from opcodes.def. */
#include <string.h>
#include "cells.h"
#include "chunk.h"
#include "printer.h"

typedef struct opcode {
    const char *name, *shape;
    int words;
} opcode;

static const opcode opcodes[] = {
#define OP(name, words, shape) {#name, shape, words},
#include "opcodes.def"
#undef OP
};

enum { SHOWN_VALUE = 60 };

typedef struct listing {
    crp *vm;
    crpi_buf *out;
    const crpi_proto *proto;
    size_t at;  /* the instruction */
    int fields; /* bytes of its first word that have been shown */
    int words;  /* words behind it that have been */
} listing;

static uint8_t field(const listing *l, int i) { return (uint8_t)(l->proto->code[l->at] >> (8 + 8 * i)); }

static uint32_t take_word(listing *l) { return l->proto->code[l->at + 1 + (size_t)l->words++]; }

static void put_value(listing *l, crp_word w)
{
    crpi_buf_byte(l->out, ' ');
    crpi_print(l->vm, l->out, w, CRPI_READABLE, SHOWN_VALUE);
}

static void put_literal(listing *l)
{
    uint32_t low = take_word(l);
    put_value(l, low | (crp_word)take_word(l) << 32);
}

static void put_jump(listing *l)
{
    int32_t distance = (int32_t)take_word(l) / (int32_t)sizeof(uint32_t) - 1;
    crpi_buf_format(l->out, " ->%d", (int)l->at + 1 + l->words + distance);
}

static void put_cache(listing *l)
{
    take_word(l), take_word(l);
    crpi_buf_format(l->out, " .%s", crp_symbol_name(l->vm, take_word(l), NULL));
}

static void put_type(listing *l)
{
    crpi_buf_byte(l->out, ' ');
    crpi_type_name(l->vm, l->out, take_word(l));
}

/* One operand of the shape. */
static void put_operand(listing *l, const char *what)
{
    uint32_t in = l->proto->code[l->at];
    if (what[1] == 0 && what[0] >= 'A' && what[0] <= 'C') {
        l->fields = what[0] - 'A';
        crpi_buf_format(l->out, " r%u", field(l, l->fields++));
    } else if (strcmp(what, "n") == 0) crpi_buf_format(l->out, " %u", field(l, l->fields++));
    else if (strcmp(what, "-") == 0) l->fields++;
    else if (strcmp(what, "i8") == 0) crpi_buf_format(l->out, " %d", (int8_t)(in >> 24));
    else if (strcmp(what, "i16") == 0) crpi_buf_format(l->out, " %d", (int16_t)(in >> 16));
    else if (strcmp(what, "to") == 0) put_jump(l);
    else if (strcmp(what, "k") == 0) put_literal(l);
    else if (strcmp(what, "cache") == 0) put_cache(l);
    else if (strcmp(what, "type") == 0) put_type(l);
    else if (strcmp(what, "sym") == 0 || strcmp(what, "const") == 0) put_value(l, take_word(l));
    else if (strcmp(what, "cell") == 0) put_value(l, l->vm->cells->cells[take_word(l)].name);
    else crpi_buf_format(l->out, " %s=%u", what, take_word(l));
}

static void put_operands(listing *l, const char *shape)
{
    char what[16];
    l->fields = l->words = 0;
    while (*shape) {
        size_t n = strcspn(shape, " ");
        memcpy(what, shape, n);
        what[n] = 0;
        put_operand(l, what);
        shape += n + (shape[n] == ' ');
    }
}

void crpi_disassemble(crp *vm, const crpi_proto *p, crpi_buf *out)
{
    listing l = {.vm = vm, .out = out, .proto = p};
    while (l.at < p->code_count) {
        uint8_t op = (uint8_t)p->code[l.at];
        if (op >= CRPI_OPCODES) return;
        crpi_buf_format(out, "%zu %s", l.at, opcodes[op].name);
        put_operands(&l, opcodes[op].shape);
        crpi_buf_byte(out, '\n');
        l.at += 1 + (size_t)opcodes[op].words;
        if (op == CRPI_OP_CLOSURE) l.at += p->code[l.at - 1];
    }
}
