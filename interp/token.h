/* floor 3: the tokens of source text that are values by themselves: names, numbers, Strings, Binaries.
 *
 * The reader calls these with its `at` on a token's first byte; they leave it after the last one.  Parse
 * errors of every kind are made here as well, so that all have their place and line.
 */
#ifndef CARAPACE_TOKEN_H
#define CARAPACE_TOKEN_H

#include "reader.h"

/* A place with what is needed to show its line, and to stand there again. */
typedef struct crpi_spot {
    const char *at, *line_start;
    uint32_t line;
} crpi_spot;

static inline crpi_spot crpi_token_spot(const crpi_reader *r)
{
    return (crpi_spot){r->at, r->line_start, r->line};
}

crpi_place crpi_token_place(crpi_spot);

/* What a byte can be part of; from CRPI_NAME_BYTE on, it can stand in a name. */
enum crpi_byte_kind { CRPI_OTHER_BYTE, CRPI_BLANK_BYTE, CRPI_NAME_BYTE, CRPI_DIGIT_BYTE, CRPI_HIGH_BYTE };
extern const uint8_t crpi_byte_kinds[256];
static inline enum crpi_byte_kind crpi_token_kind(char c) { return crpi_byte_kinds[(unsigned char)c]; }

/* False for what a terminal must not get: controls, what breaks a line or turns the direction of the text. */
bool crpi_token_harmless(uint32_t character);
/* False for those and whatever else cannot be seen in a name: odd spaces, invisible characters. */
bool crpi_token_visible(uint32_t character);

bool crpi_token_begins_number(const char *s, const char *end);

crp_status crpi_token_number(crpi_reader *, crp_word *out); /* or a Binary */
crp_status crpi_token_quoted(crpi_reader *, crp_word *out); /* a String or a |Symbol| */
crp_status crpi_token_name(crpi_reader *, bool member, crp_word *out); /* member: after a dot, no colons */

/* Records an error of class 8 and puts the reader back to `where`.  `found`, when given, is what stands there
 * instead of what the format says was expected. */
crp_status crpi_token_fail(crpi_reader *, int code, crpi_spot where, const char *found, const char *format,
                           ...);
/* The same with CRPI_PARSE_END and CRP_INCOMPLETE: the text ends before what was expected. */
crp_status crpi_token_unfinished(crpi_reader *, crpi_spot where, const char *format, ...);
crp_status crpi_token_bad_character(crpi_reader *); /* what stands at the reader's place begins nothing */

#endif
