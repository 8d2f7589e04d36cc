/* floor 5: a listing of compiled code, wholly from opcodes.def. */
#include <string.h>
#include "chunk.h"

typedef struct opcode {
    const char *name, *shape;
    int words;
} opcode;

static const opcode opcodes[] = {
#define OP(name, words, shape) {#name, shape, words},
#include "opcodes.def"
#undef OP
};

/* One operand of the shape; `*fields` counts the bytes of the first word that were used, `*words` the words behind it. */
static void operand(crp *vm, crpi_buf *out, const crpi_proto *p, size_t at, const char *what, int *fields, int *words)
{
    uint32_t in = p->code[at];
    const uint32_t *more = &p->code[at + 1 + (size_t)*words];
    uint8_t byte = (uint8_t)(in >> (8 + 8 * *fields));
    if (strcmp(what, "A") == 0 || strcmp(what, "B") == 0 || strcmp(what, "C") == 0) {
        crpi_buf_format(out, " r%u", (uint8_t)(in >> (8 + 8 * (what[0] - 'A'))));
        *fields = what[0] - 'A' + 1;
    } else if (strcmp(what, "n") == 0) {
        crpi_buf_format(out, " %u", byte);
        ++*fields;
    } else if (strcmp(what, "i8") == 0) {
        crpi_buf_format(out, " %d", (int8_t)(in >> 24));
    } else if (strcmp(what, "i16") == 0) {
        crpi_buf_format(out, " %d", (int16_t)(in >> 16));
    } else if (strcmp(what, "to") == 0) {
        crpi_buf_format(out, " ->%d", (int)(at + 2 + (size_t)*words) + (int32_t)*more);
        ++*words;
    } else if (strcmp(what, "k") == 0) {
        crpi_buf_format(out, " %x%08x", more[1], more[0]);
        *words += 2;
    } else if (strcmp(what, "cache") == 0) {
        crpi_buf_format(out, " [%u %u] .%s", more[0], more[1], crp_symbol_name(vm, more[2], NULL));
        *words += 3;
    } else if (strcmp(what, "sym") == 0 && crp_is_symbol(*more)) {
        crpi_buf_format(out, " %s", crp_symbol_name(vm, *more, NULL));
        ++*words;
    } else {
        crpi_buf_format(out, " %s=%u", what, *more);
        ++*words;
    }
}

static void operands(crp *vm, crpi_buf *out, const crpi_proto *p, size_t at, const char *shape)
{
    char what[16];
    int fields = 0, words = 0;
    while (*shape) {
        size_t n = 0;
        while (shape[n] && shape[n] != ' ' && n < sizeof what - 1) n++;
        memcpy(what, shape, n);
        what[n] = 0;
        operand(vm, out, p, at, what, &fields, &words);
        shape += n;
        while (*shape == ' ') shape++;
    }
}

void crpi_disassemble(crp *vm, const crpi_proto *p, crpi_buf *out)
{
    for (size_t at = 0; at < p->code_count;) {
        uint8_t op = (uint8_t)p->code[at];
        if (op >= CRPI_OPCODES) return;
        crpi_buf_format(out, "%zu %s", at, opcodes[op].name);
        operands(vm, out, p, at, opcodes[op].shape);
        crpi_buf_byte(out, '\n');
        at += 1 + (size_t)opcodes[op].words;
        if (op == CRPI_OP_CLOSURE) at += p->code[at - 1];
    }
}
